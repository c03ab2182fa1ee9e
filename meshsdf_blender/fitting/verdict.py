"""What a fit came to, in words, and what about it is worth a warning."""

from __future__ import annotations

import bpy

from ..wording import counted

SMALLEST_GAIN = 1e-4
GOOD_IOU = 0.95
POOR_IOU = 0.5


def summary(ob: bpy.types.Object) -> str:
    """What a fit came to, in one line."""
    told = ob.meshsdf
    parts = f". {told.fit_topology}" if told.fit_topology else ""
    return (
        f"IoU {told.fit_start:.3f} to {told.fit_iou:.3f} in {counted(told.fit_steps, 'step')}: "
        f"{told.fit_reason}{parts}"
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
