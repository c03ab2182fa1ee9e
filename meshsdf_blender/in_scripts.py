"""A refusal as a script reads it: with the line of Python that mends it, where there is one."""

from __future__ import annotations

import re

import bpy

from . import hidden
from .errors import Fix, Refusal

IN_A_SCRIPT = " In a script: "
# Blender cuts a poll's message at so many bytes of UTF-8 where a script reads it.
MOST_POLL_BYTES = 200
LEAST_PROBLEM = 40  # bytes that are kept for what is wrong
LONG_NAME = re.compile(r"'([^']{12})[^']{6,}'")
# What stands for a file that only whoever runs the line can name: "..." if not this.
FILES = {"meshsdf.fix_image": "'PHOTO.png'"}
# Buttons that show something to a person, and mend nothing by themselves; and Undo, which Blender
# has in a window only.
FOR_PEOPLE = frozenset({"meshsdf.choose_python", "meshsdf.copy_command", "ed.undo"})


def text(refusal: Refusal) -> str:
    """What an operator reports: the refusal, and without a window the line that mends it."""
    line = _line(refusal)
    return f"{refusal}{IN_A_SCRIPT}{line}" if line else str(refusal)


def poll_text(refusal: Refusal) -> str:
    """The same, in at most ``MOST_POLL_BYTES``: of what is too long, what to do stays whole.

    Long names are shortened first, then the problem, and a line of a script that has no room is
    left out: half a line mends nothing.
    """
    whole, line = text(refusal), _line(refusal)
    if _size(whole) <= MOST_POLL_BYTES:
        return whole
    problem, remedy = (
        LONG_NAME.sub(r"'\1...'", said) for said in (refusal.problem, refusal.remedy)
    )
    tail = f"{IN_A_SCRIPT}{line}" if line else ""
    if _size(tail) > MOST_POLL_BYTES - LEAST_PROBLEM:
        tail = ""
    advice = f" {remedy}." if remedy else ""
    if _size(advice + tail) <= MOST_POLL_BYTES - LEAST_PROBLEM:
        tail = advice + tail
    elif not tail:
        tail = _cut(advice, MOST_POLL_BYTES - LEAST_PROBLEM)
    return _cut(f"{problem}.", MOST_POLL_BYTES - _size(tail)) + tail


def _line(refusal: Refusal) -> str:
    """The line of Python that mends it; empty in a window, or where there is none."""
    if not bpy.app.background:
        return ""
    calls = (_call(fix) for fix in refusal.fixes if fix.operator not in FOR_PEOPLE)
    return refusal.script or next(calls, "")


def _size(words: str) -> int:
    return len(words.encode())


def _cut(words: str, size: int) -> str:
    """The beginning of a text that is too long in UTF-8, with dots after it."""
    if _size(words) <= size:
        return words
    return words.encode()[: size - 3].decode(errors="ignore") + "..."


def showing(ob: bpy.types.Object) -> str:
    """The line that shows a hidden object; empty where nothing hides it."""
    return "; ".join(hidden.lines(ob))


def _call(fix: Fix) -> str:
    room, _, name = fix.operator.partition(".")
    operator = getattr(getattr(bpy.ops, room), name)
    given = [f"{name}={value!r}" for name, value in fix.properties.items()]
    if "filepath" in operator.get_rna_type().properties:
        given.append(f"filepath={FILES.get(fix.operator, '...')}")
    return f"bpy.ops.{fix.operator}({', '.join(given)})"
