"""What other programs need, installed beside the project's own packages: or why it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.spaces.environment import packages

PINS = Path(__file__).parent / "pins"


def installed(name: str) -> Path | None:
    """The folder of ``pins/NAME.txt``'s packages, now last on the path; None where pip failed."""
    try:
        folder = packages(f"peer-{name}", PINS / f"{name}.txt")
    except subprocess.CalledProcessError:
        return None
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return folder


def missing(name: str) -> str:
    """What to print in place of figures."""
    wanted = (PINS / f"{name}.txt").read_text().split()[0]
    return f"{wanted} could not be installed here: not measured"
