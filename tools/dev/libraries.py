"""The system libraries that Blender's wheel expects of a desktop, and the packages they come in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import Problem
from .environment import run, say

# library: (Debian and Ubuntu package, Fedora package)
PACKAGES = {
    "libSM.so.6": ("libsm6", "libSM"),
    "libICE.so.6": ("libice6", "libICE"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXi.so.6": ("libxi6", "libXi"),
    "libXxf86vm.so.1": ("libxxf86vm1", "libXxf86vm"),
    "libXfixes.so.3": ("libxfixes3", "libXfixes"),
    "libXrender.so.1": ("libxrender1", "libXrender"),
    # Not linked, but what draws Workbench and EEVEE where there is no graphics card.
    "libEGL_mesa.so.0": ("libegl-mesa0 libgl1-mesa-dri", "mesa-libEGL mesa-dri-drivers"),
}
# Leaves at once: an interpreter with bpy inside may hang when it ends by itself.
TRY_BPY = "import bpy, os, sys; print(bpy.app.version_string); sys.stdout.flush(); os._exit(0)"
TRY_LIBRARIES = """
import ctypes, sys
for name in sys.argv[1:]:
    try: ctypes.CDLL(name)
    except OSError: print(name)
"""


def ensure(python: Path) -> None:
    """Make sure that `import bpy` works.

    On a machine of continuous integration (CI=true, root, apt-get) the missing libraries are
    installed; elsewhere the message says how to.

    Raises
    ------
    Problem
        Naming every missing library and the command that brings them.
    """
    error = import_error(python)
    absent = missing(python) if sys.platform == "linux" else []
    if absent and in_ci():
        say(f"installing system libraries: {', '.join(absent)}")
        run(["apt-get", "update", "-qq"], "apt-get update")
        run(["apt-get", "install", "-y", "-qq", *debian(absent)], "apt-get install")
        error = import_error(python)
        absent = missing(python)
    if error:
        raise explain(error, absent)


def import_error(python: Path) -> str:
    """What `import bpy` complains about, empty where it works."""
    attempt = subprocess.run(
        [str(python), "-c", TRY_BPY], check=False, capture_output=True, text=True, timeout=300
    )
    if attempt.returncode == 0:
        return ""
    return attempt.stderr.strip() or f"status {attempt.returncode}"


def missing(python: Path) -> list[str]:
    """The libraries of the table that the loader does not find, all at once."""
    command = [str(python), "-c", TRY_LIBRARIES, *PACKAGES]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60
    ).stdout.split()


def explain(error: str, absent: list[str]) -> Problem:
    """The loader's message turned into which libraries are missing and what to type."""
    named = re.findall(r"(\S+\.so[.\d]*): cannot open shared object file", error)
    absent = list(dict.fromkeys([*named, *absent]))
    if not absent:
        return Problem(f"Blender's wheel does not load: {error}", "this is no missing library")
    unknown = [name for name in absent if name not in PACKAGES]
    if shutil.which("dnf"):
        command = "sudo dnf install " + " ".join(fedora(absent))
    else:
        command = "sudo apt-get install " + " ".join(debian(absent))
    also = f" (and, by your system's name for it, {', '.join(unknown)})" if unknown else ""
    return Problem(f"Blender needs system libraries: {', '.join(absent)}", command + also)


def debian(absent: list[str]) -> list[str]:
    """Debian's packages of these libraries."""
    return " ".join(PACKAGES[name][0] for name in absent if name in PACKAGES).split()


def fedora(absent: list[str]) -> list[str]:
    """Fedora's packages of these libraries."""
    return " ".join(PACKAGES[name][1] for name in absent if name in PACKAGES).split()


def in_ci() -> bool:
    """Whether this is a machine on which we may install system packages ourselves."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return os.environ.get("CI") == "true" and root and shutil.which("apt-get") is not None
