"""The wheels of the full package: fetched by their pins, unmodified, with their licences."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from . import Problem
from .environment import PINS, PYTHON, ROOT, TORCH, pip, say, torch_attempts

CACHE = ROOT / "wheels"
# What the worker imports, and what that imports. Never numpy: a bundled one would replace
# Blender's own for every add-on. scipy stays below 1.16, which no longer runs on the numpy 1.24 of
# Blender 4.2. setuptools, which torch names for compiling at run time, is not needed here.
BUNDLED = (
    "scikit-image",  # marching cubes
    "scipy",  # distance transforms
    "safetensors",  # our own format
    "libigl",  # training: signed distances of meshes
    "trimesh",  # training: reading mesh files
    "lazy_loader",  # scikit-image asks for the rest of this block
    "imageio",
    "networkx",
    "packaging",
    "pillow",
    "tifffile",
    "filelock",  # torch asks for the rest
    "fsspec",
    "Jinja2",
    "MarkupSafe",
    "mpmath",
    "sympy",
    "typing_extensions",
)
# Blender 4.2 to 5.0 run on the first, 5.1 and newer on the second.
PYTHONS = (PYTHON, (3, 13))
MANYLINUX = tuple(f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17, 12, 5))
# (sys.platform, machine): Blender's name of the platform, and pip's names
PLATFORMS = {
    ("linux", "x86_64"): ("linux-x64", (*MANYLINUX, "manylinux2014_x86_64")),
    ("darwin", "arm64"): ("macos-arm64", ("macosx_14_0_arm64",)),
    ("win32", "AMD64"): ("windows-x64", ("win_amd64",)),
}
LICENCE_FILE = re.compile(r"\.dist-info/(?:.*/)?(?:LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.I)


@dataclass(frozen=True)
class WheelSet:
    """The wheels for one of Blender's platforms and the Pythons they cover."""

    platform: str
    pythons: tuple[tuple[int, int], ...]
    files: tuple[Path, ...]


def collect(python: Path) -> WheelSet:
    """Fetch the wheels for this machine's platform; a Python that lacks one is left out.

    Raises
    ------
    Problem
        No such platform, or no complete set even for the first Python.
    """
    machine = (sys.platform, platform.machine())
    if machine not in PLATFORMS:
        raise Problem(f"no full package for {' '.join(machine)}", "use the light one: --what light")
    name, tags = PLATFORMS[machine]
    files: set[Path] = set()
    covered = []
    for version in PYTHONS:
        wheels = fetch(python, version, tags)
        if wheels:
            files |= wheels
            covered.append(version)
    if PYTHON not in covered:
        raise Problem("the wheels could not be fetched", "see pip's messages above")
    # A pure wheel comes once for each Python, under the same name.
    unique = {path.name: path for path in sorted(files)}
    return WheelSet(name, tuple(covered), tuple(unique[key] for key in sorted(unique)))


def fetch(python: Path, version: tuple[int, int], tags: Iterable[str]) -> set[Path]:
    """The complete set for one Python, or an empty one."""
    short = "".join(map(str, version))
    folder = CACHE / f"cp{short}"
    target = ["--only-binary=:all:", "--no-deps", "--dest", str(folder)]
    target += ["--implementation", "cp", "--python-version", ".".join(map(str, version))]
    target += ["--abi", f"cp{short}", "--abi", "abi3", "--abi", "none"]
    for tag in tags:
        target += ["--platform", tag]
    say(f"fetching wheels for Python {'.'.join(map(str, version))}")
    if not any(download(python, target, arguments) for arguments in torch_attempts()):
        say(f"torch {TORCH} is not to be had for it: left out")
        return set()
    pinned = pins()
    if not download(python, target, [f"{name}=={pinned[name]}" for name in BUNDLED]):
        say("not every wheel is to be had for it: left out")
        return set()
    wanted = {(key(name), pinned[name]) for name in BUNDLED}
    return {
        path
        for path in folder.glob("*.whl")
        if identity(path) in wanted or identity(path)[0] == "torch"
    }


def download(python: Path, target: list[str], requirements: list[str]) -> bool:
    """Whether pip fetched all of these."""
    command = pip(python, "download", *target, *requirements)
    return subprocess.run(command, check=False).returncode == 0


def pins() -> dict[str, str]:
    """Name to version, of the environment's pins."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", PINS.read_text(), re.MULTILINE))


def key(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def identity(wheel: Path) -> tuple[str, str]:
    """Name and version that a wheel's file name states."""
    name, version = wheel.name.split("-")[:2]
    return key(name), version


def notices(files: Iterable[Path]) -> str:
    """Names, licences and full licence texts of the bundled wheels, as one document."""
    table, texts = [], []
    seen = set()
    for wheel in files:
        name, version = identity(wheel)
        if name in seen:
            continue
        seen.add(name)
        with zipfile.ZipFile(wheel) as archive:
            inside = archive.namelist()
            metadata = next(path for path in inside if path.endswith(".dist-info/METADATA"))
            licence, home = described(archive.read(metadata).decode("utf-8", "replace"))
            table.append(f"| {name} | {version} | {licence} | {home} |")
            for path in filter(LICENCE_FILE.search, inside):
                text = archive.read(path).decode("utf-8", "replace").strip()
                texts.append(f"## {name}: {path.split('/', 1)[1]}\n\n```text\n{text}\n```\n")
    return "\n".join(
        [
            "# Third-party notices",
            "",
            "This package bundles the wheels below, unmodified, in `wheels/`.",
            "MeshSDF itself is free software under the GNU General Public License 3.0 or later;",
            "see LICENSE.",
            "",
            "| package | version | licence | home |",
            "|---|---|---|---|",
            *table,
            "",
            *texts,
        ]
    )


def described(metadata: str) -> tuple[str, str]:
    """Licence and home page from a wheel's metadata, in any of the ways they are written."""
    fields = Parser().parsestr(metadata, headersonly=True)
    classifiers = fields.get_all("Classifier", [])
    classified = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License")]
    stated = (fields.get("License") or "").strip()
    # Some put the whole text there; the texts follow anyway.
    short = stated if stated and "\n" not in stated and len(stated) < 80 else ""
    licence = fields.get("License-Expression") or short or ", ".join(classified) or "see below"
    urls = [line.partition(", ")[2] for line in fields.get_all("Project-URL", [])]
    return licence, fields.get("Home-page") or (urls[0] if urls else "")
