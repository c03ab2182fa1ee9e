"""The environment in .venv: made once from the pins, proved, reused, and mended when broken.

An interrupted pip may leave half a package that looks whole, so nothing unfinished is trusted: it
is made anew, but from the wheels that were downloaded already, which stay until all is done.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from . import Problem

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PINS = Path(__file__).with_name("pins.txt")
TORCH = "2.13.0"
# bpy 4.5 LTS is built for this Python alone.
PYTHON = (3, 11)
# PyTorch's own index of builds without CUDA. PyPI's build for Linux brings several GB of it.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH_CHOICE = "MESHSDF_TORCH"

# Lie in the environment's folder: `STAMP` once it is complete, `UNFINISHED` while it is made, and
# until then the wheels for it in `WHEELS`.
STAMP = "meshsdf-stamp"
UNFINISHED = "meshsdf-unfinished"
WHEELS = "meshsdf-wheels"
# The largest of the pins is fetched alone: pip keeps what it downloads once all of it is there.
LARGEST = "bpy=="


def ensure() -> Path:
    """Make, mend, or reuse the environment.

    Returns
    -------
    Path
        The environment's Python.

    Raises
    ------
    Problem
        No Python 3.11, no torch without CUDA, or an installation that failed.

    A ``.venv`` that is a link is somebody else's, and is used as it is.
    """
    python = python_of(VENV)
    if VENV.is_symlink() and python.exists():
        return python
    stamp = VENV / STAMP
    if python.exists() and stamp.exists() and stamp.read_text() == fingerprint():
        return python
    started = time.monotonic()
    if VENV.exists() and works(python) and not (VENV / UNFINISHED).exists():
        say(f"{VENV.name} has other pins: bringing it up to date")
        stamp.unlink(missing_ok=True)
    else:
        begin()
    say("1/3 torch")
    install_torch(python)
    say("2/3 Blender, scikit-image and the tools")
    largest = [line for line in PINS.read_text().splitlines() if line.startswith(LARGEST)]
    if not all(install(python, *what) for what in (*([pin] for pin in largest), ["-r", str(PINS)])):
        raise Problem(
            "installing the pinned packages failed",
            "see the messages above; then run again: what was downloaded is kept",
        )
    say("3/3 proving that nothing is missing")
    run(pip(python, "check"), "checking the packages against each other")
    stamp.write_text(fingerprint())
    (VENV / UNFINISHED).unlink(missing_ok=True)
    shutil.rmtree(VENV / WHEELS, ignore_errors=True)
    say(f"{VENV.name} is ready ({time.monotonic() - started:.0f} s)")
    return python


def begin() -> None:
    """An empty environment, in place of a broken one, whose whole wheels are kept."""
    wheels = VENV / WHEELS
    if VENV.exists():
        say(f"{VENV.name} was left unfinished or is broken: making it anew")
        for path in VENV.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path != wheels:
                    shutil.rmtree(path)
            else:
                path.unlink()
    wheels.mkdir(parents=True, exist_ok=True)
    (VENV / UNFINISHED).touch()
    for wheel in wheels.iterdir():
        if not zipfile.is_zipfile(wheel):  # its end is missing
            wheel.unlink()
    kept = sum(wheel.stat().st_size for wheel in wheels.iterdir()) // 1_000_000
    fetched = f"; {kept} of them are here already" if kept else ""
    say(f"making {VENV.name} (once; about 700 MB to fetch, a few minutes{fetched})")
    run([base_python(), "-m", "venv", str(VENV)], "making the virtual environment")


def install(python: Path, *what: str) -> bool:
    """Whether pip installed ``what``, its words for packages, without their dependencies.

    For an environment that is being made, from wheels that are kept.
    """
    source: list[str] = []
    if (VENV / UNFINISHED).exists():
        kept = ["--find-links", str(VENV / WHEELS)]
        fetch = pip(python, "download", "--no-deps", "--dest", kept[1], *kept, *what)
        if subprocess.run(fetch, check=False).returncode != 0:
            return False
        source = ["--no-index", *kept]
    command = pip(python, "install", "--no-deps", *source, *what)
    return subprocess.run(command, check=False).returncode == 0


def python_of(environment: Path) -> Path:
    """Where a virtual environment's Python lies."""
    windows = environment / "Scripts" / "python.exe"
    return windows if os.name == "nt" else environment / "bin" / "python"


def fingerprint() -> str:
    """What the environment depends on, as one hash: a change of it means another environment."""
    machine = f"{sys.platform} {platform.machine()}"
    # The folder counts too: a virtual environment cannot be moved.
    parts = (PINS.read_text(), repr(torch_attempts()), machine, str(PYTHON), str(VENV))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def torch_attempts() -> list[list[str]]:
    """pip's arguments for torch, in the order to be tried; none of them brings CUDA unasked."""
    chosen = os.environ.get(TORCH_CHOICE)
    if chosen:
        return [[chosen]]
    if sys.platform != "linux":
        return [[f"torch=={TORCH}"]]
    cpu = f"torch=={TORCH}+cpu"
    # First whatever pip is set up to look at (a mirror, a folder of wheels), then PyTorch's index.
    return [[cpu], [cpu, "--extra-index-url", TORCH_CPU_INDEX, "--retries", "1"]]


def install_torch(python: Path) -> None:
    """Install torch without its dependencies (the pins name them)."""
    attempts = torch_attempts()
    for arguments in attempts:
        if install(python, *arguments):
            return
        say(f"not found: {' '.join(arguments)}")
    raise Problem(
        f"torch {TORCH} could not be installed (the messages above are pip's)",
        f"check the connection to {TORCH_CPU_INDEX}; or choose another build with the variable "
        f"{TORCH_CHOICE}: {TORCH_CHOICE}=torch=={TORCH} takes PyPI's, on Linux several GB of CUDA "
        "whose packages you then install yourself; a path to a wheel works too",
    )


def base_python(version: tuple[int, int] = PYTHON) -> str:
    """A Python of a version that bpy needs: this one, or one found on the path."""
    if sys.version_info[:2] == version:
        return sys.executable
    wanted = ".".join(map(str, version))
    found = shutil.which(f"python{wanted}")
    # A manager of Pythons leaves names on the path that lead to none.
    if found is None or subprocess.run([found, "--version"], check=False).returncode:
        raise Problem(
            f"Blender's wheel needs Python {wanted}; this is {platform.python_version()}",
            f"install Python {wanted}, so that python{wanted} starts it",
        )
    return found


def works(python: Path) -> bool:
    """Whether an environment's Python starts and has pip."""
    if not python.exists():
        return False
    probe = subprocess.run(pip(python, "--version"), check=False, capture_output=True)
    return probe.returncode == 0


def pip(python: Path, *arguments: str) -> list[str]:
    """A command line of the environment's pip."""
    return [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]


def run(command: list[str], doing: str) -> None:
    """Run a step with its output visible; stop where it fails."""
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise Problem(
            f"{doing} failed with status {code}", "see the messages above; then run again"
        )


def say(text: str) -> None:
    """One line of progress."""
    print(f"dev.py: {text}", flush=True)
