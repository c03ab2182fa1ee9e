"""Shape spaces as Blender sees them: where they are, and what the worker said is in them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import blend_path, door, naming
from ..errors import Fix, Refusal
from ..identity import SPACES_FOLDER
from . import packed
from .sliders import Sliders
from .space_header import described

BUILTIN = "builtin:"
FIRST_CHOICE = "heads"  # what is offered in a file where nothing was chosen yet
MEAN = "Mean"
OWN_SUFFIX = ".safetensors"
SNAPSHOT_SUFFIX = ".pth"
SNAPSHOT_FOLDERS = {"ModelParameters", "LatentCodes"}


@dataclass(frozen=True)
class SpaceInfo:
    """A space as the worker described it; codes ``(N, L)``, mean ``(L,)``."""

    name: str
    path: str
    code_length: int
    shape_names: tuple[str, ...]
    codes: np.ndarray
    mean: np.ndarray
    sliders: Sliders
    card: dict[str, Any]
    warnings: tuple[str, ...]
    stamps: tuple[object, ...]

    def code(self, shape: str) -> np.ndarray:
        """The code of a known shape by name or number; Mean or nothing is the mean code. Refusal.

        Names count in any case; the exact one goes first.
        """
        found = self.find(shape)
        if found is None:
            raise Refusal(f"Space '{self.name}' knows no shape '{shape}'", self.choices)
        return found

    def find(self, shape: str) -> np.ndarray | None:
        """What :meth:`code` gives, or None."""
        if shape in {"", MEAN}:
            return self.mean
        if self.is_named(shape):
            name = shape if shape in self.shape_names else self.examples[shape]
            return self.codes[self.shape_names.index(name)]
        if shape.isdecimal() and int(shape) < len(self.codes):
            return self.codes[int(shape)]
        if shape.casefold() == MEAN.casefold():
            return self.mean
        names = (*self.shape_names, *self.examples)
        place = naming.place(shape, names)
        return None if place is None else self.find(names[place])

    @property
    def examples(self) -> dict[str, str]:
        """Names that the card gives to some of the shapes, as in "Urn" for vase_1054."""
        return _examples(self.card, self.shape_names)

    def is_named(self, shape: str) -> bool:
        """Whether a text is the name of a known shape, exactly as it is written."""
        return shape in self.shape_names or shape in self.examples

    def shape_name(self, index: int) -> str:
        """The name of a known shape, or its number."""
        return self.shape_names[index] if self.shape_names else str(index)

    @property
    def choices(self) -> str:
        """What :meth:`code` takes, in words."""
        named, count = set(self.examples.values()), len(self.codes)
        others = (name for name in self.shape_names if name not in named)
        names = naming.listed((*self.examples, *others))
        choices = [f"Its shapes are: {names}"] if names else []
        if count:
            number = "the number 0" if count == 1 else f"a number from 0 to {count - 1}"
            choices.append(f"or {number}" if names else f"It takes {number}")
        return "; ".join(choices) + ", or Mean" if choices else "It knows only Mean"


_seen: dict[tuple[str, str], SpaceInfo] = {}


@dataclass(frozen=True)
class BuiltInSpace:
    """A built-in space as its header tells it: names of its shapes, and what it is in a line."""

    shape_names: tuple[str, ...]
    summary: str
    examples: tuple[str, ...] = ()


def _examples(card: dict[str, Any], shape_names: Collection[str]) -> dict[str, str]:
    """The card's names for shapes, of those shapes that there are; a card may hold anything."""
    found: dict[str, str] = {}
    examples = card.get("examples")
    for each in examples if isinstance(examples, list) else ():
        name, shape = (each.get("name"), each.get("shape")) if isinstance(each, dict) else ("", "")
        if isinstance(name, str) and name and name not in shape_names and shape in shape_names:
            found.setdefault(name, str(shape))
    return found


_builtin: dict[str, BuiltInSpace] = {}  # by name, read when the extension starts


def builtin_names() -> list[str]:
    """Names of the spaces that come with the extension; no disk is touched."""
    return list(_builtin)


def canonical(space: str) -> str:
    """A space's text as it is stored: the name of a built-in one may be written in any case."""
    if space[: len(BUILTIN)].casefold() != BUILTIN:
        return space
    name, names = space[len(BUILTIN) :], builtin_names()
    place = naming.place(name, names)
    return BUILTIN + (name if place is None else names[place])


def named(space: str) -> str:
    """A space as somebody names it in a call, as it is stored: a built-in one by its name alone.

    Where a file is called so, that file is meant.
    """
    found = canonical(BUILTIN + space)
    if found[len(BUILTIN) :] not in _builtin or os.path.exists(location(space)):  # noqa: PTH110
        return canonical(space)
    return found


def location(space: str, library: bpy.types.Library | None = None) -> str:
    """The absolute path behind a space's text; no disk is touched."""
    space = canonical(space)
    if space.startswith(BUILTIN):
        return str(SPACES_FOLDER / f"{space[len(BUILTIN) :]}.safetensors")
    if packed.is_packed(space):
        return packed.location(space)
    # Not Path.resolve: this is called while drawing, and resolving touches the disk.
    return os.path.abspath(bpy.path.abspath(space, library=library))  # noqa: PTH100


def is_passive(space: str, library: bpy.types.Library | None = None) -> bool:
    """Whether a space may be read though nobody asked: as a file is opened, or a frame changes.

    Such are numbers only, on this machine: built-in and packed spaces, ``.safetensors`` files. A
    .blend may name anything else, such as a ``.pth``, which is read when the artist does something
    with the shape. No disk is touched.
    """
    space = canonical(space)
    if space.startswith(BUILTIN) or packed.is_packed(space):
        return True
    path = location(space, library) if space else ""
    return path.lower().endswith(OWN_SUFFIX) and not blend_path.is_elsewhere(path)


def title(space: str) -> str:
    """A space's short name for buttons."""
    space = canonical(space)
    if space.startswith(BUILTIN):
        return space[len(BUILTIN) :].replace("_", " ").title()
    if packed.is_packed(space):
        same = same_builtin(space)
        return title(same) if same else packed.name_of(space)
    path = Path(space.rstrip("/\\"))
    if path.suffix.lower() == SNAPSHOT_SUFFIX:  # all experiments name theirs alike
        return f"{path.parent.parent.name} {path.stem}".strip()
    return path.stem


def existing(space: str, library: bpy.types.Library | None = None) -> str:
    """The absolute path of a space. Raises Refusal where nothing is there."""
    if not space:
        name = next(iter(builtin_names()), "")
        raise Refusal(
            "No shape space is chosen",
            "Choose a built-in one, or load one from a file",
            script=f"bpy.ops.meshsdf.space_choose(space={BUILTIN + name!r})" if name else "",
        )
    if packed.is_packed(space):
        return packed.unpacked(space)
    blend_path.check(space, library)
    path = location(space, library)
    if not os.path.exists(path):  # noqa: PTH110  # Path's own raises for names that are too long
        raise gone(space, library)
    return path


def gone(space: str, library: bpy.types.Library | None = None) -> Refusal:
    """That a space is not where its text says."""
    space = canonical(space)
    if space.startswith(BUILTIN):
        return Refusal(
            f"There is no built-in space '{space[len(BUILTIN) :]}'",
            f"Built in are: {', '.join(builtin_names()) or 'none'}",
        )
    return Refusal(
        f"The shape space '{location(space, library)}' is not there",
        builtin_hint(space) or "Put it back, or set the shape's Space to where it is now",
        fixes=(Fix("meshsdf.fix_space", "Find the Space...", {"lost": space}, "FILE_FOLDER"),),
    )


def builtin_hint(space: str) -> str:
    """What to write for a built-in space that was named without ``builtin:``; empty for others."""
    named = canonical(BUILTIN + space)
    known = named[len(BUILTIN) :] in _builtin
    return f"The built-in space of this name is {named}" if known else ""


def not_packed(space: str) -> Refusal:
    """That a space is not inside the .blend."""
    return Refusal(f"'{title(space)}' is not packed", "Choose a packed space")


def same_builtin(space: str) -> str:
    """The built-in space that a packed one is called after; empty for others."""
    name = packed.name_of(space) if packed.is_packed(space) else ""
    return BUILTIN + name if name in _builtin else ""


def summary(space: str) -> str:
    """What a space is, in a line; no disk is touched."""
    named = same_builtin(space) or canonical(space)
    known = _builtin.get(named[len(BUILTIN) :]) if named.startswith(BUILTIN) else None
    return (known.summary.rstrip(".") if known else "") or location(space)


def chosen(scene: bpy.types.Scene) -> tuple[str, str]:
    """Space and up axis that new shapes come from: the sidebar's, else a built-in one."""
    settings = scene.meshsdf
    if settings.space:
        return canonical(settings.space), settings.space_up
    names = builtin_names()
    name = FIRST_CHOICE if FIRST_CHOICE in names else next(iter(names), "")
    return (BUILTIN + name if name else ""), "FILE"


def up_header(up: str) -> dict[str, str]:
    """The header field for an up axis; absent where the file decides."""
    return {} if up == "FILE" else {"up": up}


def known(space: str, up: str, library: bpy.types.Library | None = None) -> SpaceInfo | None:
    """What is known of a space without asking anybody: for drawing."""
    return _seen.get((location(space, library), up)) if space else None


def info(space: str, up: str, library: bpy.types.Library | None = None) -> SpaceInfo:
    """What is in a space; asks the worker once, and again when its files change. Raises Refusal."""
    path, space = existing(space, library), canonical(space)
    now = stamps(Path(path))
    found = _seen.get((path, up))
    if found is not None and found.stamps == now:
        return found
    header, arrays = door.ready_worker().request("space", {"path": path, **up_header(up)})
    length = int(header["code_length"])
    names = tuple(str(name) for name in header.get("shape_names", []))
    mean = arrays["mean"]
    found = SpaceInfo(
        name=title(space) if space.startswith(BUILTIN) else str(header.get("name") or title(space)),
        path=path,
        code_length=length,
        shape_names=names,
        codes=arrays["codes"].reshape(-1, length) if length else arrays["codes"],
        mean=mean,
        sliders=Sliders.of(list(header.get("sliders") or []), arrays["sliders"], mean),
        card=dict(header.get("card") or {}),
        warnings=tuple(str(text) for text in header.get("warnings", [])),
        stamps=now,
    )
    _seen[(path, up)] = found
    return found


def keep(found: SpaceInfo, up: str) -> None:
    """Take what a space's own file says for what is in it, where nothing is known of it."""
    _seen.setdefault((found.path, up), found)


def copy_known(path: str, space: str) -> None:
    """Take what is known of the space at ``path`` for ``space``, a copy of it elsewhere."""
    now = location(space)
    for (place, up), found in list(_seen.items()):
        if place == path:
            _seen[(now, up)] = replace(found, path=now, stamps=stamps(Path(now)))


def stamps(path: Path) -> tuple[object, ...]:
    """Times and sizes of what a space is read from, as ``core.worker`` judges its own cache.

    It looks up by itself which space in a folder a training's run stands for: here all count.
    """
    files = [path, *sorted(path.glob(f"*{OWN_SUFFIX}"))]
    if path.suffix.lower() != OWN_SUFFIX:
        folder = path if path.is_dir() else path.parent
        if folder.name in SNAPSHOT_FOLDERS:
            folder = folder.parent
        files += [folder / "specs.json", *sorted(folder.glob(f"*/*{SNAPSHOT_SUFFIX}"))]
    return tuple(
        (str(file), stat.st_mtime_ns, stat.st_size)
        for file in files
        if file.is_file() and (stat := file.stat())
    )


def shape_choices(space: str, up: str, *, examples: bool = True) -> list[str]:
    """Names to start from, as far as they are known without asking; no disk is touched.

    ``examples``: with the names that the card gives to some.
    """
    found, space = known(space, up), canonical(space)
    if found is None:
        listed = _builtin.get(space[len(BUILTIN) :]) if space.startswith(BUILTIN) else None
        named = listed.examples if listed and examples else ()
        return [MEAN, *named, *(listed.shape_names if listed else ())]
    numbers = [str(index) for index in range(len(found.codes))]
    return [MEAN, *(found.examples if examples else ()), *(found.shape_names or numbers)]


def forget() -> None:
    """Drop what is known, and read the built-in names anew."""
    _seen.clear()
    _builtin.clear()
    for path in sorted(SPACES_FOLDER.glob(f"*{OWN_SUFFIX}")):
        told = described(path)
        names, card = told.get("shape_names"), told.get("card")
        names = tuple(map(str, names)) if isinstance(names, list) else ()
        card = card if isinstance(card, dict) else {}
        examples = tuple(_examples(card, names))
        _builtin[path.stem] = BuiltInSpace(names, str(card.get("summary", "")), examples)


def register() -> None:
    forget()


def unregister() -> None:
    _seen.clear()
    _builtin.clear()
