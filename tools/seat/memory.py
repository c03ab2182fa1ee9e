"""Memory: whether Blender or the worker grow over long fits, and over undo and redo."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from statistics import fmean

import bpy

from .stage import Part, empty_file, resident

SPACE = "builtin:bob_and_spot"
LOOKS = 20  # at how many moments memory is looked at
SLIDES = 10  # moves that there are to undo
CELLS = 32
MOST_GROWTH = 8.0  # MiB; what an allocator keeps comes and goes by as much


@dataclass(frozen=True)
class Memory:
    """Things done, and MiB of Blender and of the worker then."""

    done: tuple[int, ...]
    blender: tuple[float, ...]
    worker: tuple[float, ...]

    def growth(self) -> tuple[float, float]:
        """How much more the last third holds than the second, of each, in MiB."""
        third = len(self.done) // 3
        parts = (self.blender, self.worker)
        return tuple(fmean(p[-third:]) - fmean(p[third : 2 * third]) for p in parts)  # type: ignore[return-value]

    @property
    def flat(self) -> bool:
        """Whether neither grew."""
        return max(self.growth()) < MOST_GROWTH


class _Looks:
    def __init__(self, worker: int) -> None:
        self._worker, self._seen = worker, list[tuple[int, float, float]]()

    def look(self, done: int) -> None:
        self._seen.append((done, resident(), resident(self._worker)))

    def result(self) -> Memory:
        done, blender, worker = zip(*self._seen, strict=True)
        return Memory(done, blender, worker)


def fit_memory(part: Part, steps: int) -> Memory:
    """Over one fit of so many steps, each written into Blender's data as the live form does."""
    ob = fit_scene(cells=CELLS)
    looks = _Looks(part("door").ready_worker().process.pid)
    bpy.context.scene.meshsdf.solver = "ADAM"  # the other one needs no more than ten steps
    run = part("fitting.fit_run").FitRun(bpy.context, ob, exact_steps=steps)
    due = 0
    while True:
        step = run.advance(0.1)
        if step is None:
            continue
        if step.done:
            run.finish(bpy.context, step)
            return looks.result()
        run.write(bpy.context, step)
        if step.step >= due:
            looks.look(step.step)
            due += max(1, steps // LOOKS)


def fit_scene(*, cells: int) -> bpy.types.Object:
    """A new file: a camera, a known shape as the target, and another to be fitted to it."""
    empty_file()
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (2.6, -2.6, 1.7), (radians(66), 0.0, radians(45))
    scene.camera = camera
    scene.render.resolution_x = scene.render.resolution_y = 512
    bpy.ops.meshsdf.shape_add(space=SPACE, shape="0", resolution=cells)
    settings = scene.meshsdf
    settings.target, settings.object = "OBJECT", bpy.context.active_object
    settings.resolution = cells
    bpy.ops.meshsdf.shape_add(space=SPACE, shape="1", resolution=cells)
    return bpy.context.active_object


def undo_memory(part: Part, pairs: int) -> Memory:
    """Over so many undos of a moved slider, each redone."""
    empty_file()
    bpy.ops.meshsdf.shape_add(space=SPACE, resolution=CELLS)
    bpy.ops.ed.undo_push(message="Shape")
    for move in range(SLIDES):
        bpy.ops.meshsdf.slide("EXEC_DEFAULT", True, slider="1", value=0.2 * (move + 1))
    looks = _Looks(part("door").ready_worker().process.pid)
    for rounds in range(-(-pairs // SLIDES) + 1):
        if rounds % max(1, pairs // SLIDES // LOOKS) == 0:
            looks.look(rounds * SLIDES)
        for way in ["undo"] * SLIDES + ["redo"] * SLIDES:
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                getattr(bpy.ops.ed, way)()
    return looks.result()
