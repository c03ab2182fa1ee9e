"""Which animation channels of an object move its code, and keeping them with what they move."""

from __future__ import annotations

import re
from collections.abc import Sequence

import bpy

from ..compat import channel_lists, driving_curves
from ..errors import Refusal
from ..shapes import codes

BLEND = "meshsdf.blend."
CODE = f'["{codes.KEY}"]'
_ENTRY = re.compile(r"^meshsdf\.blend\.codes\[(\d+)\]\.")


def animated(ob: bpy.types.Object) -> bool:
    """Whether keyframes, strips or drivers move the object's code, or what it is blended of.

    Channels of a blend count only while the shape follows it.
    """
    if ob.animation_data is None:
        return False
    moving = CODE if ob.meshsdf.blend.mode == "NONE" else (BLEND, CODE)
    return any(curve.data_path.startswith(moving) for curve in driving_curves(ob))


def moves_code(path: str) -> bool:
    """Whether a channel is the code's, or its blend's."""
    return path.startswith((BLEND, CODE))


def renumber(ob: bpy.types.Object, order: Sequence[int]) -> None:
    """Make channels of stored codes follow a new order of the list.

    ``order`` names the old places in their new order; channels of those left out are removed.
    Raises Refusal where the animation is linked, with nothing changed.
    """
    places = {old: new for new, old in enumerate(order)}
    found = []
    for owner, curves in channel_lists(ob):
        touched = [(curve, match) for curve in curves if (match := _ENTRY.match(curve.data_path))]
        changed = [(c, m) for c, m in touched if places.get(int(m[1])) != int(m[1])]
        if changed and owner.library is not None:
            raise Refusal(
                f"The animation '{owner.name}' of the weights is linked from a library",
                "Make it local first (Object > Relations > Make Local)",
            )
        found.append((curves, changed))
    for curves, changed in found:
        for curve, match in changed:
            new = places.get(int(match[1]))
            if new is None:
                curves.remove(curve)
            else:
                rest = curve.data_path[match.end() :]
                curve.data_path = f"{BLEND}codes[{new}].{rest}"
