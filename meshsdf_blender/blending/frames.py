"""Meshes that follow animated codes: what happens after each change of the frame.

The trap: a handler that edits meshes while a window renders crashes Blender, unless the interface
is locked. Then nothing is done here, and the panel offers the lock or a bake. In background there
is no interface, and every frame is done.

A worker that failed is tried again by *Check Again* only, not at every frame; one that starts is
waited for in renders only.
"""

from __future__ import annotations

import contextlib

import bpy
import numpy as np
from bpy.app.handlers import persistent

from .. import door, running
from ..errors import Refusal, WorkerLost, WorkerStarting
from ..redraw import redraw
from ..shapes import codes, mesh_upload, shape
from . import blended, channels, ends, mesh_cache

READY_SECONDS = 0.1  # between looks at a worker that starts


class Rendering:
    """Whether Blender renders now, as its handlers said."""

    now = False
    told = False


def moving(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The shapes of a scene whose code is animated, by itself or through what they blend."""
    return [ob for ob in scene.objects if shape.is_shape(ob) and is_moving(ob)]


def is_moving(ob: bpy.types.Object) -> bool:
    """Whether a shape's code changes with the frame, its own or one that it is blended of."""
    return any(channels.animated(each) for each in (ob, *ends.made_of(ob)))


def unsafe(scene: bpy.types.Scene) -> bool:
    """Whether a render from a window would leave the meshes behind, or crash."""
    return not scene.render.use_lock_interface and not bpy.app.background


def code_now(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> np.ndarray:
    """The code ``(L,)`` of a shape at the frame that was evaluated. Raises Refusal."""
    code = blended.code(ob, depsgraph)
    if code is None:
        length = len(codes.read(ob))
        code = codes.check(codes.read(ob.evaluated_get(depsgraph)), ob, length)
    return code


def follow(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    """Give a shape the code and mesh of the frame that was evaluated. Raises Refusal."""
    mesh_upload.check_writable(ob)
    code = code_now(ob, depsgraph)
    meshed = mesh_cache.mesh(ob, code)
    if not len(meshed.faces):
        raise Refusal(
            f"The code at frame {depsgraph.scene.frame_current} gives no surface",
            "Change its keyframes; the mesh of another frame stays until then",
        )
    shape.write_mesh(ob, meshed.vertices, meshed.faces, meshed.report)
    if ob.meshsdf.blend.mode != "NONE":
        codes.write(ob, code, blended=True)
    if ob.meshsdf.fit_iou >= 0:
        shape.forget_fit(ob)


@persistent
def after_frame(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph | None = None) -> None:
    """Blender calls this after each change of the frame, in a render too."""
    if depsgraph is None or running.current() is not None:
        return
    found = moving(scene)
    if not found:
        return
    if Rendering.now and unsafe(scene):
        if not Rendering.told:
            print("MeshSDF: shapes stay as they are in a render without Lock Interface", flush=True)
        Rendering.told = True
        return
    with door.gently(waits=bpy.app.background or Rendering.now):
        for ob in found:
            _follow_or_say(ob, depsgraph)


def _follow_or_say(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
    try:
        follow(ob, depsgraph)
    except Refusal as refusal:
        if mesh_upload.is_editable(ob):
            ob.meshsdf.message = str(refusal)
        if isinstance(refusal, WorkerLost) and door.status.state != "failed":
            door.failed(refusal)  # this frame would end the next worker too
        if isinstance(refusal, WorkerStarting) and not bpy.app.timers.is_registered(when_ready):
            bpy.app.timers.register(when_ready, first_interval=READY_SECONDS, persistent=True)


def when_ready() -> float | None:
    """Let the frame that is shown be followed, once the worker is there; the next interval."""
    if running.current() is not None or Rendering.now:
        return READY_SECONDS
    try:
        with door.gently(waits=False):
            door.ready_worker()
    except WorkerStarting:
        return READY_SECONDS
    except Refusal:
        redraw(bpy.context)  # the panel says what is wrong
        return None
    for window in bpy.context.window_manager.windows:
        after_frame(window.scene, window.view_layer.depsgraph)
    redraw(bpy.context)
    return None


@persistent
def _render_starts(*_: object) -> None:
    Rendering.now, Rendering.told = True, False


@persistent
def _render_ends(*_: object) -> None:
    Rendering.now = False


@persistent
def _new_file(*_: object) -> None:
    Rendering.now = False
    mesh_cache.forget()


HANDLERS = (
    ("frame_change_post", after_frame),
    ("render_init", _render_starts),
    ("render_complete", _render_ends),
    ("render_cancel", _render_ends),
    ("load_pre", _new_file),
)


def register() -> None:
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in reversed(HANDLERS):
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(when_ready):
        bpy.app.timers.unregister(when_ready)
    _new_file()
