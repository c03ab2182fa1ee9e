"""What a fit came to, in words, and what about it is worth a warning."""

from __future__ import annotations

import bpy

from ..wording import counted

SMALLEST_GAIN = 1e-4
GOOD_IOU = 0.95
POOR_IOU = 0.5
# Of a shape's longest side: a handle that is missed by more was not met.
MISSED = 0.02


def figures(iou: float | None, off: float) -> str:
    """How good a shape is: its overlap, where there is a target, and how far its handles are off.

    ``off`` is in the world; below zero without handles.
    """
    told = [] if iou is None else [f"IoU {iou:.3f}"]
    if off >= 0:
        told.append(f"handles {off:.3g} off")
    text = ", ".join(told)
    return text[:1].upper() + text[1:]


def changed(told: bpy.types.PropertyGroup, start_iou: float, start_off: float) -> str:
    """The same from a start to what the last fit of a shape came to; below zero nothing is known.

    ``told`` is its ``Object.meshsdf``.
    """
    ends = []
    if not told.fit_alone:
        start = f"{start_iou:.3f} to " if start_iou >= 0 else ""
        ends.append(f"IoU {start}{told.fit_iou:.3f}")
    if told.fit_off >= 0:
        start = f"{start_off:.3g} to " if start_off >= 0 else ""
        ends.append(f"handles {start}{told.fit_off:.3g} off")
    text = ", ".join(ends)
    return text[:1].upper() + text[1:]


def summary(ob: bpy.types.Object) -> str:
    """What a fit came to, in one line."""
    told = ob.meshsdf
    parts = f". {told.fit_topology}" if told.fit_topology else ""
    ends = changed(told, told.fit_start, told.fit_off_start)
    return f"{ends} in {counted(told.fit_steps, 'step')}: {told.fit_reason}{parts}"


def missed(ob: bpy.types.Object) -> str:
    """What to say of handles that the last fit did not meet; nothing where all were."""
    off = ob.meshsdf.fit_off
    if off <= MISSED * max(*ob.dimensions):
        return ""
    return (
        f"The surface passes {off:.3g} beside a handle: raise its weight, lower Stay Plausible, "
        "or let the fit change the transform too"
    )


def verdict(start: float, best: float, *, ended: bool) -> tuple[bool, str]:
    """Whether to warn of a fit's IoUs, and what to say of them; nothing where all is well.

    ``ended`` tells a whole fit from a few steps by hand, which may be far from the target yet.
    """
    check = (
        "Check that shape and target overlap in the camera's view, that Invert is right, "
        "or let the fit change the transform too"
    )
    if best - start < SMALLEST_GAIN and best < GOOD_IOU:
        if best < POOR_IOU:
            return True, f"No step came closer to the target. {check}"
        return False, "No step came closer to the target: the shape was already the best found"
    if ended and best < POOR_IOU:
        return True, f"The shape is still far from the target (IoU {best:.2f}). {check}"
    return False, ""
