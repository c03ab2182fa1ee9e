"""Memory over undo and redo: whether Blender or the worker grow as an artist goes back and forth.

    .venv/bin/python tools/bench_seat_undo.py [--pairs 1000]

A pair is one undo and one redo of a moved slider, in a Blender of its own settings.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples"))

SPACE = "builtin:bob_and_spot"
STEPS = 10  # slides that there are to undo
EVERY = 50  # pairs between two looks
MEBIBYTE = 1 << 20


def undo_memory(pairs: int) -> list[tuple[int, float, float]]:
    """Pairs done, and the memory of Blender and of the worker in MB, before and each 50 pairs.

    Linux only: the figures come from /proc. Its Blender is enabled here and disabled at the end.
    """
    os.environ.setdefault("BLENDER_USER_RESOURCES", tempfile.mkdtemp(prefix="meshsdf-bench-"))
    os.environ.setdefault("MESHSDF_PYTHON", sys.executable)
    import bpy
    import headless_fit

    headless_fit.enable(bpy, ROOT)
    try:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        bpy.ops.meshsdf.shape_add(space=SPACE)
        bpy.ops.ed.undo_push(message="Shape")
        for step in range(STEPS):
            value = 0.2 * (step + 1)
            bpy.ops.meshsdf.slide("EXEC_DEFAULT", True, slider="1", value=value)
        return _back_and_forth(bpy, pairs, _worker_process())
    finally:
        headless_fit.disable(bpy)


def _back_and_forth(bpy, pairs: int, worker: int) -> list[tuple[int, float, float]]:
    rows = [(0, memory(os.getpid()), memory(worker))]
    for done in range(STEPS, pairs + STEPS, STEPS):
        # Back to the first step, and forth to the last.
        for way in ["undo"] * STEPS + ["redo"] * STEPS:
            with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
                getattr(bpy.ops.ed, way)()
        if done // EVERY > rows[-1][0] // EVERY:
            rows.append((done, memory(os.getpid()), memory(worker)))
    return rows


def _worker_process() -> int:
    doors = [m for name, m in sys.modules.items() if name.endswith("meshsdf_blender.door")]
    return int(doors[0].ready_worker().process.pid)


def memory(process: int) -> float:
    """What a process holds of the machine's memory, in MB (its resident set)."""
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1000)
    rows = undo_memory(parser.parse_args().pairs)
    print("| pairs | Blender, MB | worker, MB |\n|---|---|---|")
    for pairs, blender, worker in rows:
        print(f"| {pairs} | {blender:.1f} | {worker:.1f} |")


if __name__ == "__main__":
    main()
