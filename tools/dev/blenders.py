"""The other Blenders that are supported: an environment beside .venv for the wheel of each."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .environment import PYTHON, ROOT, STAMP, base_python, pip, python_of, run, say
from .wheels import pins

# Installed where .venv's own packages are for another Python: what bpy asks for, and pytest's.
NEEDED = (
    *("Cython", "requests", "certifi", "charset-normalizer", "idna", "urllib3", "zstandard"),
    *("pytest", "iniconfig", "pluggy", "Pygments", "packaging", "hypothesis", "sortedcontainers"),
)
WHERE_PACKAGES_ARE = "import sysconfig; print(sysconfig.get_path('purelib'))"


@dataclass(frozen=True)
class Blender:
    """A wheel, the Python that it is built for, and the numpy where .venv's is for another."""

    bpy: str
    python: tuple[int, int]
    numpy: str = ""


# .venv holds 4.5 LTS.
BLENDERS = {
    "4.2": Blender("4.2.23", PYTHON),
    "5.0": Blender("5.0.1", PYTHON),
    "5.2": Blender("5.2.3", (3, 13), numpy="2.5.5"),
}


def ensure(version: str, main: Path) -> Path:
    """Make or reuse the environment of Blender ``version``, a key of BLENDERS; its Python.

    ``main`` is .venv's Python, whose packages are seen from it where the versions are the same.
    """
    blender = BLENDERS[version]
    folder = ROOT / f".venv-bpy-{version}"
    python, stamp = python_of(folder), folder / STAMP
    packages = output(main, WHERE_PACKAGES_ARE)
    wanted = [f"bpy=={blender.bpy}"]
    if blender.python != PYTHON:
        pinned = pins()
        wanted += [f"numpy=={blender.numpy}", *(f"{name}=={pinned[name]}" for name in NEEDED)]
    told = hashlib.sha256("\n".join([str(folder), packages, *wanted]).encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == told:
        return python
    say(f"making {folder.name} (once; Blender {blender.bpy}, about 400 MB to fetch)")
    shutil.rmtree(folder, ignore_errors=True)
    run([base_python(blender.python), "-m", "venv", str(folder)], f"making {folder.name}")
    run(pip(python, "install", "--no-deps", *wanted), f"installing Blender {blender.bpy}")
    if blender.python == PYTHON:
        own = Path(output(python, WHERE_PACKAGES_ARE))
        # Comes after the folder's own packages on the path, so that bpy is the one of here.
        (own / "zz_main.pth").write_text(packages + "\n", encoding="utf-8")
    stamp.write_text(told)
    return python


def variables(main: Path) -> dict[str, str]:
    """The tests' variables: the worker runs on .venv's Python, which alone may have torch."""
    path = os.pathsep.join([str(main.parent), os.environ.get("PATH", "")])
    return {"MESHSDF_PYTHON": str(main), "PATH": path}


def output(python: Path, program: str) -> str:
    """What a line of Python prints."""
    done = subprocess.run([str(python), "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.strip()
