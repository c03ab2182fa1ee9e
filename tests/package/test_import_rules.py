"""The rules of the house: who may import what, read from the source without running it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "meshsdf_blender")

CORE_RUNTIME = {"torch", "numpy", "skimage", "scipy", "safetensors", "core"}
# Only where a function asks for them: they come with the training extra, or with scikit-image.
CORE_ON_DEMAND = {"trimesh", "igl", "PIL"}
BLENDER_SIDE = {
    "bpy",
    "bpy_extras",
    "mathutils",
    "gpu",
    "gpu_extras",
    "blf",
    "bmesh",
    "bl_ui",
    "addon_utils",
    "numpy",
    "meshsdf_blender",
}
# The door needs sockets of its own machine through multiprocessing.connection; nothing else does.
FORBIDDEN_MODULES = {
    "aiohttp",
    "asyncio",
    "dill",
    "ftplib",
    "http",
    "joblib",
    "marshal",
    "pickle",
    "requests",
    "shelve",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "telnetlib",
    "urllib",
    "xmlrpc",
}
# Walks over a pickle of torch's without building what it asks for, before torch may read it.
PICKLE_SCANNER = "core/checkpoint.py"
# Rooms of meshsdf_blender, each knowing only those before it. Between blending, views and training
# there is no order, but neither is there a way round.
FLOORS = (
    {"door"},
    {"spaces"},
    {"shapes"},
    {"views", "blending", "training", "example"},
    {"fitting", "reconstruction"},
    {"after", "trust"},
    {"operators"},
    {"panels"},
)
FORBIDDEN_CALLS = {"eval", "exec", "__import__", "os.system", "os.popen"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names of the imported modules, and whether the import is at module level."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    inside = {id(node) for outer in functions(tree) for node in ast.walk(outer)}
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.module or "", id(node) not in inside
                continue
            kept = package[: len(package) - node.level + 1]
            base = ".".join([*kept, *([node.module] if node.module else [])])
            for alias in node.names:
                yield ".".join(filter(None, (base, alias.name))), id(node) not in inside


def functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)):
            # `if TYPE_CHECKING:` imports do not run either.
            if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
                continue
            yield node


def test_both_packages_are_read() -> None:
    for package in PACKAGES:
        assert sources(package), f"no source of {package} was found"


def test_core_imports_only_what_it_may() -> None:
    allowed = CORE_RUNTIME | set(sys.stdlib_module_names)
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources("core")
        for module, top in imports(path)
        if (name := module.split(".")[0]) not in allowed
        and not (name in CORE_ON_DEMAND and not top)
    ]
    assert not wrong, wrong


def test_shapes_know_nothing_of_training() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources("core/shapes")
        for module, _ in imports(path)
        if module.startswith(("core.training", "core.worker"))
    ]
    assert sources("core/shapes")
    assert not wrong, wrong


def test_the_blender_side_imports_only_what_it_may() -> None:
    allowed = BLENDER_SIDE | set(sys.stdlib_module_names)
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources("meshsdf_blender")
        for module, _ in imports(path)
        if module.split(".")[0] not in allowed
    ]
    assert not wrong, wrong


def test_rooms_know_only_the_rooms_below() -> None:
    rooms = [path.parent for path in (ROOT / "meshsdf_blender").glob("*/__init__.py")]
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    assert {room.name for room in rooms} == set(floors)
    for room in rooms:
        for path in sorted(room.glob("*.py")):
            for name, _ in imports(path):
                package, _, inside = name.partition(".")
                other = inside.partition(".")[0] if package == "meshsdf_blender" else ""
                assert other in {room.name, ""} or floors.get(other, -1) < floors[room.name], (
                    f"{path.relative_to(ROOT)} imports {name}, which is not below it"
                )


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_names_every_module_and_no_other(package: str) -> None:
    told = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = {Path(name).name for name in re.findall(r"`([\w/]+\.py)`", told)}
    for path in sources(package):
        if path.name != "__init__.py" and path.parent.name != "operators":
            assert path.name in named, f"{path.relative_to(ROOT)} is not on the map"
    there = {path.name for each in (*PACKAGES, "tools", "tests") for path in sources(each)}
    assert named <= there | {"dev.py", "NAME.py"}, "the map names what is gone"


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_reaches_the_network_or_unpickles(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sources(package)
        for module, _ in imports(path)
        if module.split(".")[0] in FORBIDDEN_MODULES
        and (path.relative_to(ROOT).as_posix(), module) != (PICKLE_SCANNER, "pickle")
    ]
    assert not wrong, wrong


def test_the_pickle_scanner_never_loads_plainly() -> None:
    path = ROOT / PICKLE_SCANNER
    used = {
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert not used & {"pickle.load", "pickle.loads", "pickle.Unpickler"}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_runs_text_or_a_shell(package: str) -> None:
    wrong = []
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if not isinstance(node, ast.Call):
                continue
            shell = any(
                keyword.arg == "shell" and ast.unparse(keyword.value) != "False"
                for keyword in node.keywords
            )
            if ast.unparse(node.func) in FORBIDDEN_CALLS or shell:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong, wrong


def test_every_torch_load_is_weights_only() -> None:
    wrong = []
    for path in sources("core"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if given.get("weights_only") != "True":
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong, wrong


def test_the_entry_imports_nothing_at_module_level() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    assert all(isinstance(node, (ast.Expr, ast.FunctionDef)) for node in tree.body)


def test_relative_imports_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan itself must see through `from ..core import x`, or the rules hold nothing."""
    package = tmp_path / "meshsdf_blender" / "operators"
    package.mkdir(parents=True)
    sample = package / "sample.py"
    sample.write_text(
        "from ...core import fit\nfrom .. import wire\ndef f():\n    import torch.nn\n"
    )
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert list(imports(sample)) == [
        ("core.fit", True),
        ("meshsdf_blender.wire", True),
        ("torch.nn", False),
    ]
