"""What a fit sends to the worker, gathered and checked before anything is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape
from ..shapes.transform import fit_matrix, written_channels
from ..views.aims import Aim
from ..views.camera import CameraView, camera_view
from ..views.targets import Target, read_target
from . import handles


@dataclass(frozen=True)
class FitRequest:
    """The header and arrays of a ``fit`` request, and the ``channels`` that it may change.

    ``warning`` says what looks wrong with a target, or is empty. ``cameras`` names the camera of
    each view.
    """

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]
    channels: tuple[str, ...]
    warning: str
    cameras: tuple[str, ...]

    @property
    def pose(self) -> bool:
        """Whether the object's transform is fitted."""
        return bool(self.channels)


def fit_request(
    context: bpy.types.Context, ob: bpy.types.Object, *, exact_steps: int = 0
) -> FitRequest:
    """Read cameras, targets, code and transform. Raises Refusal, by name, changing nothing.

    ``exact_steps`` asks for that many steps and no early end, else the scene's settings rule.
    """
    settings = context.scene.meshsdf
    mesh_upload.check_writable(ob)
    channels = written_channels(ob, move=settings.move, turn=settings.turn, scale=settings.scale)
    if not (channels or settings.fit_code):
        raise Refusal(
            "Nothing may change in this fit",
            "Turn on Shape, or a part of the transform",
            script="bpy.ops.meshsdf.fit_change(what='SHAPE')",
        )
    handles.check(context.scene, ob)
    seen = seen_views(context, ob)
    options = {
        "steps": exact_steps or settings.steps,
        "solver": settings.solver.lower(),
        "rate": settings.rate,
        "prior": settings.prior,
        "resolution": settings.resolution,
        "cap": ob.meshsdf.cap,
        "code": settings.fit_code,
        "move": settings.move,
        "turn": settings.turn,
        "scale": settings.scale,
    }
    if exact_steps:
        # No IoU is above 1, so that not even an exact match ends it early.
        options |= {"patience": exact_steps + 1, "stop_iou": 2.0}
    arrays = {"code": codes.read(ob), "object": fit_matrix(ob, channels)}
    for number, view in enumerate(seen):
        arrays |= {f"matrix{number}": view.frame.matrix, f"target{number}": view.target.coverage}
    if held := handles.used(ob):
        arrays["landmarks"] = handles.points(held, _evaluated(context))
        arrays["landmark_weights"] = np.array([each.weight for each in held], dtype=np.float64)
    views = [
        {"width": view.frame.width, "height": view.frame.height, "weight": view.aim.weight}
        for view in seen
    ]
    return FitRequest(
        header={**shape.source(ob), "options": options, "views": views},
        arrays=arrays,
        channels=channels,
        warning=". ".join(view.warning for view in seen if view.warning),
        cameras=tuple(view.camera for view in seen),
    )


@dataclass(frozen=True)
class SeenView:
    """A view as the worker gets it."""

    aim: Aim
    camera: str
    frame: CameraView
    target: Target

    @property
    def warning(self) -> str:
        """What looks wrong with its target, with the view's name."""
        words = self.target.warning
        return f"View '{self.aim.name}': {words}" if words and self.aim.name else words


def seen_views(context: bpy.types.Context, ob: bpy.types.Object) -> list[SeenView]:
    """The views of a fit with their targets, the same as the overlay shows. Raises Refusal.

    None where the shape's handles are all that it is fitted to.
    """
    seen = []
    for aim in handles.aims(context.scene, ob):
        frame = aim_frame(context, aim)
        target = aim_target(context, ob, aim, frame)
        seen.append(SeenView(aim, aim.camera.name, frame, target))
    return seen


def aim_frame(context: bpy.types.Context, aim: Aim) -> CameraView:
    """What the aim's camera sees, at the size to fit at. Raises Refusal, with the view's name."""
    try:
        return camera_view(context.scene, _evaluated(context), aim.camera).resized(
            context.scene.meshsdf.pixels
        )
    except Refusal as refusal:
        raise aim.named(refusal) from refusal


def aim_target(
    context: bpy.types.Context, ob: bpy.types.Object, aim: Aim, frame: CameraView
) -> Target:
    """The aim's target as ``frame`` sees it. Raises Refusal, with the view's name."""
    try:
        return read_target(context.scene, _evaluated(context), frame, ob, aim)
    except Refusal as refusal:
        raise aim.named(refusal) from refusal


def _evaluated(context: bpy.types.Context) -> bpy.types.Depsgraph:
    """Anew for each: a target that is rendered replaces what is evaluated."""
    context.view_layer.update()
    return context.evaluated_depsgraph_get()
