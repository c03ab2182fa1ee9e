"""The packages that Blender installs: a light one without wheels, a full one with torch inside."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import Problem
from .environment import ROOT, run, say
from .wheels import WheelSet, collect, notices

DIST = ROOT / "dist"
MANIFEST = "blender_manifest.toml"
# What goes in, by name: a build by exclusion would swallow environments, caches and outputs.
CONTENTS = (
    "__init__.py",
    "LICENSE",
    "core/**/*.py",
    "meshsdf_blender/**/*.py",
    "spaces/*.safetensors",
    "spaces/encoders/*.safetensors",
    "spaces/*.md",
    "spaces/*.png",
    "meshsdf_blender/example/*.jpg",
)
NOTICES = "THIRD_PARTY_NOTICES.md"
# Where Blender's own packager lies inside the bpy wheel; plain Python runs it.
FIND_PACKAGER = (
    "import importlib.util as u, pathlib as p;"
    "print(next(p.Path(u.find_spec('bpy').origin).parent"
    ".glob('*/scripts/addons_core/bl_pkg/cli/blender_ext.py')))"
)
# The first Blender on Python 3.13: a package whose wheels are for 3.11 alone ends before it.
FIRST_ON_313 = "5.1.0"


def main(python: Path, what: str) -> int:
    """Write, validate and announce the packages in dist/; `what` is light, full or both."""
    if what in ("light", "both"):
        build(python, package_path("light"))
    if what in ("full", "both"):
        wheels = collect(python)
        build(python, package_path(wheels.platform), wheels)
    return 0


def package_path(kind: str) -> Path:
    """Where a package is written; `kind` is light or a platform's name."""
    return DIST / f"meshsdf-{version()}-{kind}.zip"


def build(python: Path, package: Path, wheels: WheelSet | None = None) -> Path:
    """Stage the files, have Blender's packager build and validate them.

    Raises
    ------
    Problem
        The packager refused; its messages stand above.
    """
    packager = subprocess.run(
        [str(python), "-c", FIND_PACKAGER], check=True, capture_output=True, text=True
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "meshsdf"
        stage(source, wheels)
        package.parent.mkdir(exist_ok=True)
        package.unlink(missing_ok=True)
        places = ["--source-dir", str(source), "--output-filepath", str(package)]
        run([str(python), packager, "build", *places], "building the extension")
    run([str(python), packager, "validate", str(package)], "validating the extension")
    say(f"{package.name}: {package.stat().st_size / 1e6:.1f} MB")
    return package


def stage(target: Path, wheels: WheelSet | None = None) -> None:
    """Copy what belongs into the package to an empty folder, and write its manifest."""
    for pattern in CONTENTS:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_symlink():
                raise Problem(f"{path} is a link", "only real files go into the package")
            copy(path, target / path.relative_to(ROOT))
    text = (ROOT / MANIFEST).read_text(encoding="utf-8")
    if wheels:
        for wheel in wheels.files:
            copy(wheel, target / "wheels" / wheel.name)
        (target / NOTICES).write_text(notices(wheels.files), encoding="utf-8")
        text = with_wheels(text, wheels)
    (target / MANIFEST).write_text(text, encoding="utf-8")


def with_wheels(manifest: str, wheels: WheelSet) -> str:
    """The manifest of a full package: the template, its platform, and its list of wheels."""
    names = "".join(f'    "./wheels/{wheel.name}",\n' for wheel in wheels.files)
    block = f'platforms = ["{wheels.platform}"]\nwheels = [\n{names}]\n'
    if (3, 13) not in wheels.pythons:
        block += f'blender_version_max = "{FIRST_ON_313}"\n'
    # Before the first table: a key that follows one would belong to it.
    keys, separator, tables = manifest.partition("\n[permissions]")
    if not separator:
        raise Problem(f"{MANIFEST} has no [permissions]", "the wheels are written just above it")
    return f"{keys}\n{block}{separator}{tables}"


def version() -> str:
    """The version that the manifest states."""
    text = (ROOT / MANIFEST).read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise Problem(f"{MANIFEST} states no version", 'write version = "x.y.z" into it')
    return found[1]


def copy(source: Path, target: Path) -> None:
    """Copy one file, its folders made on the way."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
