"""What a fit may change, as one choice: the shape, where it stands, or both."""

from __future__ import annotations

import bpy

CHANGES = (
    ("SHAPE", "Shape", "Change the shape where it stands"),
    ("POSE", "Pose", "Move, turn and scale the object, and leave its shape"),
    ("EVERYTHING", "Everything", "Change the shape, and move, turn and scale the object"),
)
POSE = ("move", "turn", "scale")


def allow(settings: bpy.types.PropertyGroup, what: str) -> None:
    """Let a fit change one of :data:`CHANGES`."""
    settings.fit_code = what != "POSE"
    for name in POSE:
        setattr(settings, name, what != "SHAPE")


def allowed(settings: bpy.types.PropertyGroup) -> str:
    """Which of :data:`CHANGES` a fit may change; nothing where it is a mixture."""
    pose = {getattr(settings, name) for name in POSE}
    if len(pose) > 1 or not (settings.fit_code or True in pose):
        return ""
    if True not in pose:
        return "SHAPE"
    return "EVERYTHING" if settings.fit_code else "POSE"
