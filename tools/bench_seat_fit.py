"""Memory over a long fit: what Blender and its worker hold while it steps on.

    .venv/bin/python tools/bench_seat_fit.py [--steps 1000] [--cells 32]

Needs /proc, so Linux. The fit is of bob_and_spot to the silhouette of its other shape, each step
written into Blender's data as the live form writes it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import mean
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
SPACE = "builtin:bob_and_spot"
EACH = 50  # steps from one sample to the next
MIB = 2**20


def resident(process: int | str = "self") -> float:
    """What a process holds in memory, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024 / MIB
    return 0.0


def fit_memory(steps: int = 1000, *, cells: int = 32) -> list[tuple[int, float, float]]:
    """Steps taken, and MiB of Blender and of the worker then, each ``EACH`` steps.

    The extension is enabled; the file that is open is replaced.
    """
    import bpy

    ob = _scene(bpy, cells)
    worker = _ours("door").ready_worker()
    run = _ours("fitting.fit_run").FitRun(bpy.context, ob, exact_steps=steps)
    taken: list[tuple[int, float, float]] = []
    while True:
        step = run.advance(0.1)
        if step is None:
            continue
        if step.done:
            run.finish(bpy.context, step)
            break
        run.write(bpy.context, step)
        if step.step >= (taken[-1][0] + EACH if taken else 0):
            taken.append((step.step, resident(), resident(worker.process.pid)))
    return taken


def _ours(name: str) -> ModuleType:
    """A module of meshsdf_blender by its dotted name, as Blender loaded it."""
    return next(m for n, m in sys.modules.items() if n.endswith(f"meshsdf_blender.{name}"))


def _scene(bpy, cells: int):  # type: ignore[no-untyped-def]  # bpy is only there in Blender
    """A camera, a target, and the shape to fit to it."""
    from math import radians

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    here = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    here.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (2.6, -2.6, 1.7), (radians(66), 0.0, radians(45))
    here.camera = camera
    here.render.resolution_x = here.render.resolution_y = 512
    bpy.ops.meshsdf.shape_add(space=SPACE, shape="0", resolution=cells)
    settings = here.meshsdf
    settings.target, settings.object = "OBJECT", bpy.context.active_object
    settings.resolution = cells
    bpy.ops.meshsdf.shape_add(space=SPACE, shape="1", resolution=cells)
    return bpy.context.active_object


def told(taken: list[tuple[int, float, float]]) -> str:
    """Start, middle and end in a table, and how much more the last third holds than the second."""
    lines = ["| step | Blender, MiB | worker, MiB |", "|---|---|---|"]
    for step, blender, worker in (taken[0], taken[len(taken) // 2], taken[-1]):
        lines.append(f"| {step} | {blender:.1f} | {worker:.1f} |")
    third = max(1, len(taken) // 3)
    late = [mean(s[which] for s in taken[-third:]) for which in (1, 2)]
    early = [mean(s[which] for s in taken[third : 2 * third] or taken) for which in (1, 2)]
    grown = [after - before for after, before in zip(late, early, strict=True)]
    lines.append(
        f"From the second third to the last: Blender {grown[0]:+.1f}, worker {grown[1]:+.1f} MiB"
    )
    return "\n".join(lines)


def main() -> int:
    """Measure, in a Blender that is thrown away."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--cells", type=int, default=32)
    options = parser.parse_args()
    sys.path.append(str(ROOT / "examples"))
    import headless_fit

    with tempfile.TemporaryDirectory(prefix="meshsdf-bench-") as user:
        os.environ["BLENDER_USER_RESOURCES"] = user
        import bpy

        headless_fit.enable(bpy, headless_fit.CHECKOUT)
        print(told(fit_memory(options.steps, cells=options.cells)), flush=True)
        headless_fit.disable(bpy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
