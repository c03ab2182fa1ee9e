"""Writes docs/operators.md from the operators as Blender has them registered.

    python3 dev.py docs

A test compares the page with what is registered, so that none is missing or stale. An operator goes
into the part that its module in meshsdf_blender/operators belongs to; a module that is named in
none of them into the last part.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "operators.md"
UNLIMITED = 1e9
HEAD = """\
# Operators

Every button is an operator, and scripts call it by the same name with the same defaults: \
`bpy.ops.meshsdf.NAME(...)`. Each does its whole job before the call \
returns; what it refuses raises `RuntimeError` with the text that the interface would show. \
[scripting.md](scripting.md) has whole scripts and says more. What stands under Needs is checked \
in that order. This page is written by \
`python3 dev.py docs`; do not edit it by hand.
"""


@dataclass(frozen=True)
class Part:
    """Operators of one purpose: the modules that hold them, a line, and one example."""

    title: str
    line: str
    example: str
    modules: tuple[str, ...]


PARTS = (
    Part(
        "Spaces and New Shapes",
        "Choose or load a shape space, and add a shape of it.",
        'bpy.ops.meshsdf.shape_add(space="builtin:heads", resolution=96)',
        ("shape_add", "space_load", "space_drop", "space_pack", "example"),
    ),
    Part(
        "Shape",
        "Change the active shape, and mesh it anew.",
        'bpy.ops.meshsdf.slide(slider="Age", value=2)',
        ("slide", "shape_update", "shade", "known"),
    ),
    Part(
        "Blend",
        "Store codes, go between them, and bake what is animated.",
        'bpy.ops.meshsdf.interpolate(first="head_1134", second="head_1021", factor=0.5)',
        ("blend", "code_list", "bake_frames"),
    ),
    Part(
        "Fit",
        "Change the active shape until it looks like the target of `scene.meshsdf`.",
        "bpy.ops.meshsdf.fit(print_every=10)",
        ("fit", "fit_compare", "target_preview", "fit_settings", "views", "handles"),
    ),
    Part(
        "From a Picture",
        "Make a shape of one picture, which fits go on from; teach a space of your own to.",
        'bpy.ops.meshsdf.reconstruct(space="builtin:cars", filepath="/photos/car.png")',
        ("reconstruct", "teach"),
    ),
    Part(
        "Finish",
        "Go on with a regular mesh, or with the script of a shape.",
        'bpy.ops.meshsdf.retopologise(method="QUADRIFLOW", faces=4000)',
        ("regular", "script"),
    ),
    Part(
        "Your Own Spaces",
        "Train a space from meshes, and find the shape of a mesh in one.",
        'bpy.ops.meshsdf.train_space(source="COLLECTION", collection="Mugs", preset="DRAFT")',
        ("train", "train_report", "train_view", "encode", "space_export"),
    ),
    Part(
        "Mending",
        "What the panel offers where something is wrong.",
        "bpy.ops.meshsdf.fix_mode()",
        ("fix_shape", "fix_view", "fix_place"),
    ),
    Part(
        "The Worker",
        "See to the process that computes.",
        "bpy.ops.meshsdf.worker_check()",
        ("worker",),
    ),
)
REST = Part("More", "What belongs to none of these.", "", ())


def page(package: str) -> str:
    """The page of the operators that ``package`` has registered."""
    parts: dict[str, list[str]] = {part.title: [] for part in (*PARTS, REST)}
    for cls in sorted(registered(package), key=lambda each: str(each.bl_idname)):
        module = cls.__module__.rpartition(".")[2]
        part = next((part for part in PARTS if module in part.modules), REST)
        parts[part.title].append(entry(cls, package))
    text = [HEAD]
    for part in (*PARTS, REST):
        if parts[part.title]:
            text.append(f"## {part.title}\n\n{part.line}\n")
            text += [f"```python\n{part.example}\n```\n"] if part.example else []
            text += parts[part.title]
    return "\n".join(text)


def registered(package: str) -> Iterator[Any]:
    """The operator classes of a package."""
    import bpy

    waiting = list(bpy.types.Operator.__subclasses__())
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith(f"{package}.") and cls.is_registered:
            yield cls


def described(cls: Any) -> Any:
    """The RNA of the operator itself; that of its class is another."""
    import bpy

    return getattr(bpy.ops.meshsdf, cls.bl_idname.partition(".")[2]).get_rna_type()


def entry(cls: Any, package: str) -> str:
    """An operator: name, label, what it does, what it needs, its arguments."""
    rna = described(cls)
    lines = [f"### `{cls.bl_idname}`\n", f"**{rna.name}**. {rna.description}.\n"]
    needs = told_needs(cls, package)
    if needs:
        lines.append(f"Needs: {'; '.join(needs)}.\n")
    unset = getattr(cls, "unset", {})
    rows = [row(item, unset.get(item.identifier)) for item in arguments(cls, package)]
    if rows:
        lines += ["| argument | default | what it is |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def told_needs(cls: Any, package: str) -> list[str]:
    """What polls check, and what is checked once it is called."""
    needs = importlib.import_module(f"{package}.meshsdf_blender.operators.needs")
    return [need.words for which in ("needs", "asks") for need in needs.of(cls, which)]


def arguments(cls: Any, package: str) -> list[Any]:
    """The properties that are ours, without what only a file browser is told."""
    own = [
        name
        for base in reversed(cls.__mro__)
        if base.__module__.startswith(f"{package}.")
        for name in inspect.get_annotations(base)
    ]
    properties = described(cls).properties
    return [
        properties[name]
        for name in dict.fromkeys(own)
        if name in properties and not name.startswith("filter_")
    ]


def row(item: Any, unset: Any = None) -> str:
    """A line of the table; ``unset`` says what the argument is where it is not given."""
    told = [item.description or item.name]
    if item.type == "ENUM":
        told += [f"`{e.identifier}`: {e.description or e.name}" for e in item.enum_items]
    text = "<br>".join(told).replace("|", "\\|")
    return f"| `{item.identifier}` | {unset.words if unset else default(item)} | {text} |"


def default(item: Any) -> str:
    """An argument's default as Python, and its limits where it has any."""
    if item.type in {"INT", "FLOAT"}:
        array = getattr(item, "is_array", False)
        values = list(item.default_array) if array else [item.default]
        words = ", ".join(number(value) for value in values)
        low, high = (limit(value) for value in (item.hard_min, item.hard_max))
        between = f", {low} to {high}" if low and high else ""
        above = f", at least {low}" if low and not high else ""
        return f"`{f'({words})' if array else words}`{between}{above}"
    if item.type in {"POINTER", "COLLECTION"}:
        return ""
    if item.type == "BOOLEAN":
        array = getattr(item, "is_array", False)
        return f"`{tuple(map(bool, item.default_array)) if array else bool(item.default)}`"
    if item.type == "ENUM" and item.is_enum_flag:
        return f"`{set(item.default_flag) or set()}`"
    return '`"' + item.default + '"`'


def limit(value: float) -> str:
    """A hard limit, or nothing where it is only what the type can hold."""
    return "" if abs(value) >= UNLIMITED else number(value)


def number(value: float) -> str:
    """A number without the noise of single precision."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Write the page with this Python's Blender."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        import bpy

        sys.path.append(str(ROOT / "examples"))
        import headless_fit

        with contextlib.redirect_stdout(io.StringIO()):
            headless_fit.enable(bpy, ROOT)
        try:
            PAGE.write_text(page(f"bl_ext.meshsdf_checkout.{headless_fit.EXTENSION}"), "utf-8")
        finally:
            headless_fit.disable(bpy)
    print(f"{PAGE.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
