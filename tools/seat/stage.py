"""A Blender without a window to measure in: settings of its own, the extension enabled."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20

Part = Callable[[str], ModuleType]


@contextmanager
def blender() -> Iterator[Part]:
    """Blender with the checkout enabled; gives a function from a name to our module of that name.

    Once a process. The extension is disabled at the end, for the wheels hang at exit otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="meshsdf-bench-") as user:
        os.environ["BLENDER_USER_RESOURCES"] = user
        os.environ.setdefault("MESHSDF_PYTHON", sys.executable)
        sys.path.append(str(ROOT / "examples"))
        import bpy
        import headless_fit

        headless_fit.enable(bpy, headless_fit.CHECKOUT)
        package = next(n for n in sys.modules if n.endswith(".meshsdf.meshsdf_blender"))
        try:
            yield lambda name: importlib.import_module(f"{package}.{name}")
        finally:
            headless_fit.disable(bpy)


def empty_file() -> None:
    """A new file with nothing in it; the extension stays enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def resident(process: int | str = "self") -> float:
    """What a process holds of the machine's memory, in MiB; of Linux, which says so in /proc."""
    status = Path(f"/proc/{process}/statm").read_text("ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
