"""What the overlay shows, one view of a fit at a time: target, shape, and where they disagree.

All of it is worked out when a step is shown or something changed, never while Blender draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import mesh_upload, shape
from ..views.aims import scene_aims
from ..views.camera import CameraView
from ..views.silhouette import mesh_silhouette
from ..views.sources import sources
from . import before
from .fit_request import FitRequest, aim_frame, aim_target
from .fit_run import FitStep
from .seen import Seen, mean_iou


@dataclass
class Overlay:
    """A shape in the cameras that its fit looks through; scene and shape by their session_uid.

    ``watched`` are those whose changes matter, of all that Blender tells of; None where any may.
    """

    scene: int
    uid: int
    seen: list[Seen] = field(default_factory=list)
    watched: frozenset[int] | None = None
    problem: str = ""
    before: bool = False  # whether the shape is seen as it was before its fit

    def through(self, camera: str) -> list[Seen]:
        """What there is to see through a camera, which several views may share."""
        return [each for each in self.seen if each.camera == camera]

    @property
    def iou(self) -> float:
        """The mean over the views, by weight, as a fit has it."""
        return mean_iou(self.seen)


_shown: list[Overlay] = []  # at most one


def current() -> Overlay | None:
    """What is shown, if anything is."""
    return _shown[0] if _shown else None


def end() -> None:
    """Show nothing any more; harmless when repeated."""
    _shown.clear()


def scene_of(overlay: Overlay) -> bpy.types.Scene | None:
    """The scene that it is shown in, whatever that is called now; None where it is gone."""
    return next((s for s in bpy.data.scenes if s.session_uid == overlay.scene), None)


def preview(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Show target and shape as they are. Raises Refusal, showing what was shown before."""
    made = Overlay(context.scene.session_uid, ob.session_uid, before=before.shown(ob))
    _compare(context, ob, made, None)
    _shown[:] = [made]


def begin(context: bpy.types.Context, ob: bpy.types.Object, request: FitRequest) -> None:
    """Show the targets of a fit that begins, in place of whatever was shown."""
    end()
    if not (context.scene.meshsdf.overlay.show and request.header["views"]):
        return
    made = Overlay(context.scene.session_uid, ob.session_uid)
    for number, sent in enumerate(request.header["views"]):
        matrix, target = request.arrays[f"matrix{number}"], request.arrays[f"target{number}"]
        view = CameraView(sent["width"], sent["height"], matrix)
        made.seen.append(Seen.of(request.cameras[number], view, target, sent["weight"]))
    made.watched = _watched(context.scene, ob)
    _shown[:] = [made]


def show_step(step: FitStep) -> None:
    """Show a step of the running fit."""
    if not _shown or len(step.masks) != len(_shown[0].seen):
        return
    for seen, mask in zip(_shown[0].seen, step.masks, strict=True):
        if mask.shape == seen.target.shape:
            seen.show(mask)


def refresh(context: bpy.types.Context, changed: frozenset[int] | None = None) -> None:
    """Work out anew what is of the ``changed`` ones (session_uids), or all of it.

    What stands in the way becomes the overlay's ``problem``.
    """
    overlay = current()
    if overlay is None:
        return
    scene = scene_of(overlay)
    objects = scene.objects if scene is not None else ()
    ob = next((o for o in objects if o.session_uid == overlay.uid), None)
    if scene is None or not shape.is_shape(ob):
        end()
        return
    overlay.before = before.shown(ob)
    try:
        with _seen_in(context, scene):
            _compare(context, ob, overlay, changed)
        overlay.problem = ""
    except Refusal as refusal:
        overlay.seen, overlay.watched, overlay.problem = [], None, str(refusal)


@contextmanager
def _seen_in(context: bpy.types.Context, scene: bpy.types.Scene) -> Iterator[None]:
    """Let the context be the scene's: a timer's is of some window, which may show another one."""
    if context.scene == scene:
        yield
        return
    windows = context.window_manager.windows
    layer = next((w.view_layer for w in windows if w.scene == scene), scene.view_layers[0])
    with context.temp_override(scene=scene, view_layer=layer):
        yield


def _compare(
    context: bpy.types.Context,
    ob: bpy.types.Object,
    overlay: Overlay,
    changed: frozenset[int] | None,
) -> None:
    """Targets and shape in the cameras of a fit, those parts that changed. Raises Refusal."""
    scene, seen, again = context.scene, list[Seen](), list[Seen]()
    for number, aim in enumerate(scene_aims(scene)):
        frame = aim_frame(context, aim)
        last = overlay.seen[number] if number < len(overlay.seen) else None
        there = last is not None and last.is_through(frame)
        if last is not None and there and changed is not None and not changed & sources(scene, aim):
            each = last
        else:
            target = aim_target(context, ob, aim, frame)
            each = Seen.of(aim.camera.name, frame, target.coverage, aim.weight)
        seen.append(each)
        if last is None or not there or changed is None or overlay.uid in changed:
            again.append(each)
        elif each is not last:
            each.show(last.mask)
    _show_shape(ob, again)
    overlay.seen, overlay.watched = seen, _watched(scene, ob)


def _watched(scene: bpy.types.Scene, ob: bpy.types.Object) -> frozenset[int] | None:
    """Shape, cameras and what the targets are read from; None where they cannot be told."""
    try:
        aims = scene_aims(scene)
    except Refusal:
        return None
    cameras = {aim.camera.session_uid for aim in aims if aim.camera is not None}
    return frozenset({ob.session_uid} | cameras).union(*(sources(scene, aim) for aim in aims))


def _show_shape(ob: bpy.types.Object, seen: list[Seen]) -> None:
    """Compare the targets with the shape as it is now."""
    if not seen:
        return
    vertices, faces = mesh_upload.read(shape.mesh_of(ob))
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    for each in seen:
        each.show(mesh_silhouette(world, faces, each.view))
