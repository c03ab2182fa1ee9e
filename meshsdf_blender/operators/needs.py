"""What operators need before they can run: polls check it, and docs/operators.md says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy

from .. import running
from ..errors import Refusal
from ..fitting import handles
from ..shapes import chosen, mesh_upload
from ..training import background
from ..views import targets
from ..views.aims import Aim, scene_aims
from ..views.camera import check_camera


@dataclass(frozen=True)
class Need:
    """``words`` stand on the page; ``check`` raises Refusal where it is not so."""

    words: str
    check: Callable[[bpy.types.Context], object]


def of(cls: type, which: str = "needs") -> list[Need]:
    """The needs of an operator: those of its bases before its own."""
    return [need for base in reversed(cls.__mro__) for need in vars(base).get(which, ())]


def check(cls: type, context: bpy.types.Context, which: str = "needs") -> None:
    """Raise the Refusal of the first need that is not met."""
    for need in of(cls, which):
        need.check(context)


def _object_mode(context: bpy.types.Context) -> None:
    if context.mode != "OBJECT":
        raise Refusal(
            "Go back to Object Mode first", script="bpy.ops.object.mode_set(mode='OBJECT')"
        )


def _aimed(context: bpy.types.Context) -> None:
    _check(context, scene_aims(context.scene))


def _fitted(context: bpy.types.Context) -> None:
    handles.check(context.scene, context.active_object)
    _check(context, handles.aims(context.scene, context.active_object))


def _check(context: bpy.types.Context, aims: list[Aim]) -> None:
    for aim in aims:
        try:
            camera = check_camera(context.scene, aim.camera)
            targets.chosen(aim.settings, camera, context.active_object)
        except Refusal as refusal:
            raise aim.named(refusal) from refusal


NO_FIT = Need("no running fit", lambda context: running.check_free())
NO_TRAINING = Need("no running training or teaching", lambda context: background.check_free())
OBJECT_MODE = Need("Object Mode", _object_mode)
A_SHAPE = Need("an active shape", lambda context: chosen.check_shape(context.active_object))
OWN = Need(
    "the active object in Object Mode, and this file's own (no link, no override)",
    lambda context: mesh_upload.check_own(context.active_object),
)
NOT_COMPARED = Need(
    "not shown as it was before its fit",
    lambda context: mesh_upload.check_editable(context.active_object),
)
AIMED = Need(
    "for each view, or the scene without views: a camera that looks straight (perspective or "
    "orthographic), the whole frame, and a target that is set",
    _aimed,
)
FITTED = Need(
    f"handles that are on: each at an empty of this scene, and the solver `SECOND_ORDER`; "
    f"{AIMED.words}; with handles that are on, no target need be set",
    _fitted,
)
