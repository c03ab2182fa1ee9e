"""What the overlay shows, one camera at a time: the target, the shape, and where they disagree.

All of it is worked out when a step is shown or something changed, never while Blender draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy
import numpy as np

from ..errors import Refusal
from ..shapes import mesh_upload, shape
from ..views.camera import CameraView
from ..views.silhouette import mesh_silhouette
from . import before
from .contour import LEVEL, contour
from .fit_request import FitRequest, seen_views
from .fit_run import FitStep

# Sky blue and orange, which nobody mistakes for each other (Okabe and Ito, Color Universal Design).
TARGET_COLOUR = (0.34, 0.71, 0.91)
SHAPE_COLOUR = (0.90, 0.62, 0.0)


@dataclass
class Seen:
    """Target and shape in one camera's frame; ``lines`` as :func:`contour` gives them."""

    camera: str
    view: CameraView
    weight: float
    target: np.ndarray  # bool (H, W)
    target_lines: np.ndarray
    tint: np.ndarray  # RGBA (H, W, 4) float32, clear where both agree
    lines: np.ndarray
    iou: float = 0.0
    version: int = 0

    @classmethod
    def of(cls, camera: str, view: CameraView, coverage: np.ndarray, weight: float = 1.0) -> Seen:
        """A target alone."""
        none = np.zeros((0, 2, 2), dtype=np.float32)
        blank = np.zeros((*coverage.shape, 4), dtype=np.float32)
        return cls(camera, view, weight, coverage >= LEVEL, contour(coverage), blank, none)

    def show(self, mask: np.ndarray) -> None:
        """Compare with the silhouette ``(H, W)`` of the shape as it is now."""
        mask = mask.astype(bool)
        self.tint, self.lines = disagreement(self.target, mask), contour(mask)
        self.iou = overlap(self.target, mask)
        self.version += 1


@dataclass
class Overlay:
    """A shape, by its session's identity, in the cameras that its fit looks through."""

    scene: str
    uid: int
    seen: list[Seen] = field(default_factory=list)
    problem: str = ""
    before: bool = False  # whether the shape is seen as it was before its fit

    def through(self, camera: str) -> Seen | None:
        """What there is to see through a camera."""
        return next((each for each in self.seen if each.camera == camera), None)

    @property
    def iou(self) -> float:
        """The mean over the cameras, by weight, as a fit has it."""
        total = sum(each.weight for each in self.seen)
        return sum(each.weight * each.iou for each in self.seen) / total if total else 0.0


_shown: list[Overlay] = []  # at most one


def current() -> Overlay | None:
    """What is shown, if anything is."""
    return _shown[0] if _shown else None


def end() -> None:
    """Show nothing any more; harmless when repeated."""
    _shown.clear()


def disagreement(target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """RGBA ``(H, W, 4)`` float32: what only one of both masks covers, in that one's colour."""
    tint = np.zeros((*target.shape, 4), dtype=np.float32)
    tint[target & ~mask] = (*TARGET_COLOUR, 1.0)
    tint[mask & ~target] = (*SHAPE_COLOUR, 1.0)
    return tint


def overlap(target: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of two masks; 0 where both are empty."""
    union = np.count_nonzero(target | mask)
    return np.count_nonzero(target & mask) / union if union else 0.0


def preview(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Show target and shape as they are. Raises Refusal, showing what was shown before."""
    seen = _compared(context, ob)
    _shown[:] = [Overlay(context.scene.name, ob.session_uid, seen, before=before.shown(ob))]


def begin(context: bpy.types.Context, ob: bpy.types.Object, request: FitRequest) -> None:
    """Show the targets of a fit that begins."""
    if not context.scene.meshsdf.overlay.show:
        return
    seen = []
    for number, sent in enumerate(request.header["views"]):
        matrix, target = request.arrays[f"matrix{number}"], request.arrays[f"target{number}"]
        view = CameraView(sent["width"], sent["height"], matrix)
        seen.append(Seen.of(request.cameras[number], view, target, sent["weight"]))
    _shown[:] = [Overlay(context.scene.name, ob.session_uid, seen)]


def show_step(step: FitStep) -> None:
    """Show a step of the running fit."""
    if not _shown or len(step.masks) != len(_shown[0].seen):
        return
    for seen, mask in zip(_shown[0].seen, step.masks, strict=True):
        if mask.shape == seen.target.shape:
            seen.show(mask)


def refresh(context: bpy.types.Context, *, targets: bool = True) -> None:
    """Work all of it out anew; what stands in its way becomes its ``problem``.

    Without ``targets`` only the shape is looked at anew, as long as the targets are known.
    """
    overlay = current()
    if overlay is None or context.scene.name != overlay.scene:
        return
    ob = next((o for o in context.scene.objects if o.session_uid == overlay.uid), None)
    if not shape.is_shape(ob):
        end()
        return
    overlay.before = before.shown(ob)
    if overlay.seen and not targets:
        _show_shape(ob, overlay.seen)
        return
    try:
        overlay.seen, overlay.problem = _compared(context, ob, overlay.seen), ""
    except Refusal as refusal:
        overlay.seen, overlay.problem = [], str(refusal)


def _compared(
    context: bpy.types.Context, ob: bpy.types.Object, last: list[Seen] | None = None
) -> list[Seen]:
    """Targets and shape in the cameras of a fit. Raises Refusal."""
    seen = [
        Seen.of(view.camera, view.frame, view.target.coverage, view.aim.weight)
        for view in seen_views(context, ob)
    ]
    # What is drawn is known by its version: never one that was used.
    used = max((each.version for each in last or []), default=0)
    for each in seen:
        each.version = used
    _show_shape(ob, seen)
    return seen


def _show_shape(ob: bpy.types.Object, seen: list[Seen]) -> None:
    """Compare the targets with the shape as it is now."""
    vertices, faces = mesh_upload.read(shape.mesh_of(ob))
    matrix = np.array(ob.matrix_world, dtype=np.float64)
    world = vertices @ matrix[:3, :3].T + matrix[:3, 3]
    for each in seen:
        each.show(mesh_silhouette(world, faces, each.view))
