"""Which Python runs the worker: the one in the preferences, or the first found that has torch.

Nothing here imports torch: a candidate is asked, in its own process, which versions it has.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy

from .launch import clean_environment, quiet_process

# Older ones could run code from a file in spite of weights_only (CVE-2025-32434).
OLDEST_TORCH = (2, 6)
OLDEST_PYTHON = (3, 11)  # the first that knows PYTHONSAFEPATH
PROBE_SECONDS = 30.0
ENVIRONMENT_VARIABLE = "MESHSDF_PYTHON"
NEEDED = ("torch", "numpy", "scikit-image", "scipy", "safetensors")
PROBE = """
import importlib.util as u, importlib.metadata as m, json, os, re, sys
def version(module, name):
    spec = u.find_spec(module)
    if spec is None:
        return None
    try:
        return m.version(name)
    except m.PackageNotFoundError:
        pass
    try:
        text = open(os.path.join(os.path.dirname(spec.origin), "version.py")).read()
        return re.search(r"['\\"](\\d+\\.[^'\\"]+)", text).group(1)
    except Exception:
        return "unknown"
names = {"torch": "torch", "numpy": "numpy", "skimage": "scikit-image", "scipy": "scipy",
    "safetensors": "safetensors"}
print(json.dumps({"python": list(sys.version_info[:3]),
    **{package: version(module, package) for module, package in names.items()}}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python and what it has; ``problem`` is empty where it can run the worker."""

    executable: str
    where: str
    python: tuple[int, ...] = ()
    torch: str | None = None
    packages: str | None = None
    problem: str = ""
    remedy: str = ""

    @property
    def usable(self) -> bool:
        """Whether the worker can be started with it."""
        return not self.problem

    @property
    def line(self) -> str:
        """One line for the preferences and for Copy Details."""
        version = ".".join(map(str, self.python)) or "?"
        state = f"torch {self.torch}" if self.usable else self.problem
        return f"{self.executable} (Python {version}, {self.where}): {state}"


def candidates(chosen: str) -> Iterator[tuple[str, str]]:
    """Paths to try with where each came from; a chosen one is the only one."""
    if chosen:
        yield bpy.path.abspath(chosen), "chosen in the preferences"
        return
    if named := os.environ.get(ENVIRONMENT_VARIABLE):
        yield named, f"named by {ENVIRONMENT_VARIABLE}"
        return
    running = sys.executable or ""
    if Path(running).name.lower().startswith("python"):
        yield running, "the Python that runs Blender"
    folder = Path(sys.prefix, "bin")
    yield from ((str(p), "Blender's own Python") for p in sorted(folder.glob("python3.[0-9]*")))
    if sys.platform == "win32":
        yield str(folder / "python.exe"), "Blender's own Python"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if root := os.environ.get(variable):
            for inner in ("bin/python3", "Scripts/python.exe", "python.exe"):
                yield str(Path(root, inner)), f"the environment {variable}"
    for name in ("python3", "python"):
        if found := shutil.which(name):
            yield found, "on the search path"


def bundled_packages() -> str | None:
    """The folder where Blender put the wheels of extensions, if there are any."""
    extensions = Path(bpy.utils.user_resource("EXTENSIONS"))
    for entry in sys.path:
        if ".local" in Path(entry).parts and Path(entry).is_relative_to(extensions):
            return entry
    return None


@lru_cache(maxsize=64)
def probe(executable: str, where: str) -> Interpreter:
    """Ask a Python what it has, in about 0.2 s. Cached; ``probe.cache_clear()`` asks anew."""
    if not Path(executable).is_file():
        return Interpreter(
            executable, where, problem="no such file", remedy="Choose a Python executable"
        )
    found, packages = _ask(executable, None), None
    if isinstance(found, str):
        return Interpreter(executable, where, problem=found, remedy="Choose another Python")
    problem, remedy = _judge(executable, found)
    bundled = bundled_packages()
    # The extension's own wheels serve only the Python version that Blender unpacked them for.
    if problem and bundled and tuple(found["python"][:2]) == sys.version_info[:2]:
        again = _ask(executable, bundled)
        if isinstance(again, dict):
            found, packages = again, bundled
            problem, remedy = _judge(executable, found)
    version = tuple(found["python"])
    return Interpreter(executable, where, version, found["torch"], packages, problem, remedy)


def find(chosen: str = "") -> list[Interpreter]:
    """Every candidate until the first usable one, which then is the last of the list."""
    named = chosen or os.environ.get(ENVIRONMENT_VARIABLE)
    tried: list[Interpreter] = []
    seen = set()
    for executable, where in candidates(chosen):
        # Not resolved: a virtual environment's python is a link to one without its packages.
        key = os.path.abspath(executable)  # noqa: PTH100
        if key in seen or (not named and not Path(key).is_file()):
            continue
        seen.add(key)
        tried.append(probe(key, where))
        if tried[-1].usable:
            break
    return tried


def pip_command(executable: str, *packages: str) -> str:
    """What to type to give a Python what the worker needs, or these packages only."""
    quoted = f'"{executable}"' if " " in executable else executable
    if packages:
        return f"{quoted} -m pip install {' '.join(packages)}"
    index = " --extra-index-url https://download.pytorch.org/whl/cpu" * (sys.platform == "linux")
    return f'{quoted} -m pip install "torch>=2.6" scikit-image scipy safetensors numpy{index}'


def _ask(executable: str, packages: str | None) -> dict | str:
    """What the probe printed, or why it did not."""
    environment = clean_environment([packages] if packages else [])
    if not packages:
        environment.pop("PYTHONPATH")
    try:
        done = subprocess.run(
            [executable, "-c", PROBE],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            env=environment,
            **quiet_process(),
        )
        if done.returncode:
            return f"it ended with code {done.returncode}"
        found = json.loads(done.stdout.decode("utf-8").strip().splitlines()[-1])
        return found if isinstance(found, dict) and "torch" in found else "it is no Python"
    except subprocess.TimeoutExpired:
        return f"it did not answer within {PROBE_SECONDS:.0f} s"
    except (OSError, ValueError, IndexError):
        return "it is no Python that can be started"


def _judge(executable: str, found: dict) -> tuple[str, str]:
    """What keeps this Python from running the worker, and the cure."""
    cure = f"Run: {pip_command(executable)}"
    if tuple(found["python"][:2]) < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return f"it is older than Python {wanted}", "Choose a newer Python"
    missing = [name for name in NEEDED if found.get(name) is None]
    if missing:
        return f"it has no {' and no '.join(missing)}", cure
    numbers = re.match(r"(\d+)\.(\d+)", found["torch"])
    if numbers and tuple(map(int, numbers.groups())) < OLDEST_TORCH:
        return f"its torch {found['torch']} is older than 2.6 and can be made to run code", cure
    return "", ""
