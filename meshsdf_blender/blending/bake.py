"""An animated shape as a plain object: a mesh for each frame, which no script has to follow.

Frames are gathered in memory, and become Blender's data only when all are there: a bake that was
stopped or failed leaves nothing behind.
"""

from __future__ import annotations

import time

import bpy

from .. import door, in_scripts, running
from ..door.worker import Worker
from ..errors import Refusal
from ..shapes import mesh_upload, shape
from ..shapes.reference import Reference
from . import baked, frames, mesh_cache
from .mesh_cache import Key, Meshed


def check_moving(ob: bpy.types.Object) -> None:
    """Raise Refusal, by name, where a shape is hidden, or the same at every frame."""
    if not ob.visible_get():
        raise Refusal(
            f"Object '{ob.name}' is hidden, so Blender does not evaluate its animation",
            "Show it (Alt H), then bake",
            script=in_scripts.showing(ob),
        )
    if not frames.is_moving(ob):
        raise Refusal(
            f"Nothing animates the shape of object '{ob.name}'",
            "Key its code, or the factor or weights that it follows",
        )


class BakeRun:
    """A bake of one shape, from its checks (in the constructor, Refusal) to its object."""

    stopped_early = False  # the operator itself ends a bake that was stopped

    def __init__(self, context: bpy.types.Context, start: int, end: int, step: int) -> None:
        ob = context.active_object
        mesh_upload.check_writable(ob)
        if end < start:
            raise Refusal(f"The last frame, {end}, comes before the first, {start}", "Swap them")
        check_moving(ob)
        self._object, self._scene = Reference(ob), Reference(context.scene)
        self._layer = context.view_layer.name
        self._before = context.scene.frame_current, context.scene.frame_subframe
        self.start, self.step = start, step
        self.todo = list(range(start, end + 1, step))
        self.keys: list[Key] = []
        self.meshes: dict[Key, Meshed] = {}
        self._asked: tuple[Worker, int, Key] | None = None
        self._stopping = False
        self.seen()
        running.enter(self)

    @property
    def done(self) -> bool:
        """Whether every frame has its mesh."""
        return len(self.keys) == len(self.todo)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopping

    @property
    def unseen_seconds(self) -> float:
        """How long nobody has driven it."""
        return time.monotonic() - self._seen

    def seen(self) -> None:
        """Note that somebody still drives it."""
        self._seen = time.monotonic()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping = True

    def object(self) -> bpy.types.Object:
        """The shape, looked up anew. Raises Refusal where it is gone."""
        ob = self._object.find()
        if ob is None:
            raise Refusal(f"Object '{self._object.name}' is gone, so the bake ended")
        return ob

    def view_layer(self) -> bpy.types.ViewLayer:
        """Where the frames are evaluated, whatever a window shows by now. Raises Refusal."""
        scene = self._scene.find()
        if scene is None:
            raise Refusal(f"Scene '{self._scene.name}' is gone, so the bake ended")
        layers = scene.view_layers
        return layers.get(self._layer) or layers[0]

    def advance(self, *, wait: bool = False) -> None:
        """Go on: to the next frame, or to the answer for this one. Raises Refusal; ``fail`` it.

        ``wait`` waits for the worker.
        """
        worker = door.ready_worker() if wait else door.worker()
        if not worker.pump() or self.done:
            return
        if self._asked is not None:
            asked, identity, known = self._asked
            reply = asked.answer(identity)
            if reply is not None:
                self._asked = None
                meshed = mesh_cache.read(reply)
                mesh_cache.keep(known, meshed)
                self._note(known, meshed)
            return
        ob, layer = self.object(), self.view_layer()
        layer.id_data.frame_set(self.todo[len(self.keys)])
        code = frames.code_now(ob, layer.depsgraph)
        known = mesh_cache.key(ob, code)
        found = self.meshes.get(known) or mesh_cache.held(known)
        if found is None and not wait:
            header = shape.mesh_header(ob, ob.meshsdf.resolution)
            self._asked = worker, worker.ask("mesh", header, {"code": code}), known
            return
        self._note(known, found or mesh_cache.mesh(ob, code))

    def _note(self, known: Key, meshed: Meshed) -> None:
        if not len(meshed.faces):
            raise Refusal(
                f"The code at frame {self.todo[len(self.keys)]} gives no surface",
                "Change its keyframes, or bake fewer frames",
            )
        self.keys.append(known)
        self.meshes[known] = meshed

    def finish(self) -> bpy.types.Object:
        """The baked object beside the shape, which is hidden; ends the run. Raises Refusal."""
        self._end()
        return baked.add(self.view_layer(), self.object(), self)

    def fail(self) -> None:
        """Give up; only the frame has to be put back."""
        self._end()

    def abandon(self) -> None:
        """End without touching Blender's data, which undo or a new file has already changed."""
        self._leave()

    def _end(self) -> None:
        frame, subframe = self._before
        self._leave()
        scene = self._scene.find()
        if scene is not None:
            scene.frame_set(frame, subframe=subframe)

    def _leave(self) -> None:
        running.leave(self)
        if self._asked is not None:
            worker, identity, _ = self._asked
            worker.forget(identity)
            self._asked = None
