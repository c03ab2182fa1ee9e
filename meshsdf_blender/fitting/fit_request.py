"""What a fit sends to the worker, gathered and checked before anything is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import codes, mesh_upload, shape
from ..shapes.transform import fit_matrix, written_channels
from ..views.camera import camera_view
from ..views.targets import read_target


@dataclass(frozen=True)
class FitRequest:
    """The header and arrays of a ``fit`` request, and the ``channels`` that it may change.

    ``warning`` says what looks wrong with the target, or is empty.
    """

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]
    channels: tuple[str, ...]
    warning: str

    @property
    def pose(self) -> bool:
        """Whether the object's transform is fitted."""
        return bool(self.channels)


def fit_request(
    context: bpy.types.Context, ob: bpy.types.Object, *, exact_steps: int = 0
) -> FitRequest:
    """Read camera, target, code and transform. Raises Refusal, by name, changing nothing.

    ``exact_steps`` asks for that many steps and no early end, else the scene's settings rule.
    """
    scene, settings = context.scene, context.scene.meshsdf
    mesh_upload.check_writable(ob)
    channels = written_channels(ob, move=settings.move, turn=settings.turn, scale=settings.scale)
    if not (channels or settings.fit_code):
        raise Refusal("Nothing may change in this fit", "Turn on Shape, or a part of the transform")
    context.view_layer.update()
    depsgraph = context.evaluated_depsgraph_get()
    view = camera_view(scene, depsgraph).resized(settings.pixels)
    target = read_target(scene, depsgraph, view, ob)
    options = {
        "steps": exact_steps or settings.steps,
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
    arrays = {
        "code": codes.read(ob),
        "object": fit_matrix(ob, channels),
        "matrix0": view.matrix,
        "target0": target.coverage,
    }
    views = [{"width": view.width, "height": view.height, "weight": 1.0}]
    header = {**shape.source(ob), "options": options, "views": views}
    return FitRequest(header, arrays, channels, target.warning)
