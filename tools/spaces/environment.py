"""Virtual environments of the generators: packages that would not live with the project's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(name: str, pins: Path) -> Path:
    """The Python of ``data/env-NAME``, which holds exactly the packages listed in ``pins``.

    Made by pip where it is missing or the list has changed; interrupted, it is made again.
    """
    folder = ROOT / "data" / f"env-{name}"
    python, done = folder / "bin" / "python", folder / "pins.txt"
    wanted = pins.read_text()
    if not (python.exists() and done.exists() and done.read_text() == wanted):
        print(f"installing the packages of {pins.name} in {folder}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(pins)]
        subprocess.run([*install, "--only-binary=:all:"], check=True)
        done.write_text(wanted)
    return python


def packages(name: str, pins: Path) -> Path:
    """``data/env-NAME``, a folder for PYTHONPATH: packages added to the project's own."""
    folder = ROOT / "data" / f"env-{name}"
    done, wanted = folder / "pins.txt", pins.read_text()
    if not (done.exists() and done.read_text() == wanted):
        print(f"installing the packages of {pins.name} in {folder}", flush=True)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        source = ["--only-binary=:all:", "--target", str(folder), "-r", str(pins)]
        subprocess.run([*install, *source], check=True)
        done.write_text(wanted)
    return folder
