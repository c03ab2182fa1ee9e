"""What a space says of itself, in a few sentences for a person: its card.

Read from the file's own header, and for a built-in space from the text beside it, once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import Refusal
from ..wording import counted
from . import catalogue, packed, space_header

LIMITS = "## Limits"
JUDGED_CELLS = 128  # at which the figures of a card are measured

# By the space's path: headings and sentences, as they were when they were first asked for.
_cards: dict[str, tuple[tuple[str, str], ...]] = {}


def card(space: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a heading (may be empty) and a text; empty where nothing is known.

    Read at most once a space, until :func:`forget`.
    """
    path = catalogue.location(space)
    if path not in _cards:
        _cards[path] = tuple(_read(space, Path(path)))
    return _cards[path]


def forget() -> None:
    """Read the cards anew when they are next asked for."""
    _cards.clear()


def _read(space: str, path: Path) -> list[tuple[str, str]]:
    if path.suffix.lower() != catalogue.OWN_SUFFIX:
        return [("", "A DeepSDF experiment: it says nothing of its origin or licence")]
    told = _told(space, path)
    if not told:
        return [("", f"'{path.name}' cannot be read")]
    return [(heading, text) for heading, text in _sentences(told, _limits(path)) if text]


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
