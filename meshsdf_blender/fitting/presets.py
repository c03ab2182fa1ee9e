"""Named settings of a fit: three that are always there, and the user's own.

The user's are numbers in one JSON file in the extension's own folder. Blender's presets are Python
files that it runs; a file of ours is only read, and only known settings in their ranges count.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import bpy

from .. import naming
from ..errors import Refusal
from ..identity import ROOT_PACKAGE

BUILT_IN: dict[str, dict[str, float]] = {
    "Draft": {"steps": 30, "rate": 0.15, "prior": 1e-3, "resolution": 32, "pixels": 128},
    "Balanced": {"steps": 60, "rate": 0.1, "prior": 1e-3, "resolution": 64, "pixels": 256},
    "Fine": {"steps": 150, "rate": 0.1, "prior": 1e-4, "resolution": 128, "pixels": 512},
}
TELLING = {
    "Draft": "See quickly whether target and camera are right",
    "Balanced": "Stay close to what the space knows; what a new scene has",
    "Fine": "Follow small details of the outline, in about twice the time of Balanced",
}
SETTINGS = tuple(BUILT_IN["Balanced"])
FILE = "fit_presets.json"
LARGEST_FILE = 1 << 20
CLOSE = 1e-5  # Blender keeps single precision


def own_names() -> list[str]:
    """The user's presets."""
    return sorted(_own())


def names() -> list[str]:
    """All presets, the built-in ones first."""
    return [*BUILT_IN, *own_names()]


def apply(settings: bpy.types.PropertyGroup, name: str) -> None:
    """Write a preset into ``Scene.meshsdf``. Raises Refusal for one that is not there."""
    found = naming.place(name, names())
    if found is None:
        raise Refusal(f"There is no preset '{name}'", f"Use one of {', '.join(names())}")
    name = names()[found]
    for setting, value in (BUILT_IN.get(name) or _own()[name]).items():
        setattr(settings, setting, value)


def current(settings: bpy.types.PropertyGroup) -> str:
    """The preset that holds now, or nothing where the settings are no preset's."""
    for name in names():
        values = BUILT_IN.get(name) or _own()[name]
        if all(math.isclose(getattr(settings, s), v, rel_tol=CLOSE) for s, v in values.items()):
            return name
    return ""


def save(settings: bpy.types.PropertyGroup, name: str) -> None:
    """Keep the settings under a name, in place of an own one of that name. Raises Refusal."""
    name = name.strip()
    if not name:
        raise Refusal("The preset has no name", "Type one")
    same = naming.place(name, BUILT_IN)
    if same is not None:
        raise Refusal(f"Preset '{list(BUILT_IN)[same]}' is built in", "Give yours another name")
    _write({**_own(), name: {setting: getattr(settings, setting) for setting in SETTINGS}})


def remove(name: str) -> None:
    """Forget one of the user's presets. Raises Refusal for a built-in one."""
    if name in BUILT_IN:
        raise Refusal(f"Preset '{name}' is built in", "Only your own can be removed")
    if name not in _own():
        raise Refusal(f"There is no preset '{name}'", f"Use one of {', '.join(names())}")
    _write({own: values for own, values in _own().items() if own != name})


def forget() -> None:
    """Read the file anew at the next use."""
    _own.cache_clear()


def _file(*, create: bool = False) -> Path:
    return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, create=create), FILE)


@cache
def _own() -> dict[str, dict[str, float]]:
    try:
        path = _file()
        text = path.read_text("utf-8") if path.stat().st_size <= LARGEST_FILE else ""
        return checked(json.loads(text))
    except (OSError, ValueError):
        return {}


def checked(found: object) -> dict[str, dict[str, float]]:
    """What of a JSON value is presets: known settings with numbers, in the settings' ranges."""
    if not isinstance(found, dict):
        return {}
    return {
        str(name): known
        for name, values in found.items()
        if isinstance(values, dict) and name not in BUILT_IN and (known := _known(values))
    }


def _known(values: dict[str, object]) -> dict[str, float]:
    ranges = bpy.types.Scene.bl_rna.properties["meshsdf"].fixed_type.properties
    known = {}
    for setting in SETTINGS:
        value, limits = values.get(setting), ranges[setting]
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            within = min(max(value, limits.hard_min), limits.hard_max)
            known[setting] = int(within) if limits.type == "INT" else float(within)
    return known


def _write(presets: dict[str, dict[str, float]]) -> None:
    try:
        path = _file(create=True)
        part = path.with_suffix(".part")  # so that a full disk costs no preset
        part.write_text(json.dumps(presets, indent=1), "utf-8")
        part.replace(path)
    except OSError as error:
        raise Refusal(
            f"The presets cannot be kept: {error}", "Free the disk or the file"
        ) from error
    forget()
