"""What a space says of itself, in a few sentences for a person: its card.

Read beside the drawing: from the file's own header, and for a built-in space from the text beside
it; again when the file changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import blend_path
from ..beside import Beside
from ..errors import Refusal
from ..wording import counted
from . import catalogue, packed, space_header

LIMITS = "## Limits"
JUDGED_CELLS = 128  # at which the figures of a card are measured

MOST_LETTERS = 1500  # of a text: anybody may have written it
ELSEWHERE = (("", "It lies on another machine, which is not asked for its card"),)

Card = tuple[tuple[str, str], ...]

_files: dict[str, tuple[tuple[object, ...], Card]] = {}  # cards, and the files that they were of


def card(space: str) -> Card:
    """Pairs of a heading (may be empty) and a text, as last read; empty while it is not yet."""
    path = catalogue.location(space)
    return ELSEWHERE if blend_path.is_elsewhere(path) else _cards.get(space, path)


def read(space: str) -> Card:
    """The same from the disk, where the file is another than it was."""
    path = Path(catalogue.location(space))
    own = path.suffix.lower() == catalogue.OWN_SUFFIX
    try:
        now = catalogue.stamps(path) if own else ()
    except OSError:
        now = ()
    known = _files.get(space)
    if known is None or known[0] != now:
        _files[space] = known = (now, tuple(_read(space, path)))
    return known[1]


_cards: Beside[Card] = Beside(read, ())


def _read(space: str, path: Path) -> list[tuple[str, str]]:
    if path.suffix.lower() != catalogue.OWN_SUFFIX:
        return [("", "A DeepSDF experiment: it says nothing of its origin or licence")]
    told = _told(space, path)
    if not told:
        return [("", f"'{path.name}' cannot be read")]
    sentences = _sentences(told, _limits(path))
    return [(heading, text[:MOST_LETTERS]) for heading, text in sentences if text]


def _told(space: str, path: Path) -> dict[str, Any]:
    text = packed.text_of(space)
    if text is not None and not path.is_file():
        try:
            return space_header.described_bytes(packed.read(space))
        except Refusal:
            return {}  # damaged: what is asked of it next says so
    return space_header.described(path)


def _sentences(told: dict[str, Any], limits: str) -> list[tuple[str, str]]:
    about = told.get("card")
    about = about if isinstance(about, dict) else {}
    quality = about.get("quality")
    return [
        ("", str(about.get("summary") or "")),
        ("Shapes", _shapes(told)),
        ("Quality", _quality(quality if isinstance(quality, dict) else {})),
        ("Limits", limits),
        ("Origin", str(about.get("origin") or "")),
        ("Licence", str(about.get("licence") or "")),
        ("Credits", _listed(about.get("credits"))),
    ]


def _shapes(told: dict[str, Any]) -> str:
    names, sliders = told.get("shape_names"), told.get("sliders")
    known = len(names) if isinstance(names, list) else 0
    count = len(sliders) if isinstance(sliders, list) else 0
    words = counted(known, "known shape")
    return words + (f", {counted(count, 'slider')}" if count else "")


def _quality(quality: dict[str, Any]) -> str:
    """What was measured, in words; empty where nothing was."""
    words = []
    held_out = quality.get("held_out")
    if isinstance(held_out, dict) and _is_share(held_out.get("volume_iou")):
        words.append(
            f"{held_out.get('shapes', '?')} shapes that it never saw were found with "
            f"{100 * held_out['volume_iou']:.0f} % of their volume"
        )
    random = quality.get("random")
    if isinstance(random, dict) and _is_share(random.get("whole")):
        words.append(f"{100 * random['whole']:.0f} % of random shapes are one closed piece")
    if not words:
        return ""
    return f"{'; '.join(words)}. Measured at a resolution of {JUDGED_CELLS}: details need as much"


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _listed(values: object) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list) else ""


def _limits(path: Path) -> str:
    """What the text beside a built-in space says that it cannot do."""
    try:
        text = path.with_suffix(".md").read_text("utf-8")
    except (OSError, ValueError):
        return ""
    after = text.partition(LIMITS)[2].strip()
    return " ".join(after.partition("\n\n")[0].split())
