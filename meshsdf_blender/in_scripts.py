"""A refusal as a script reads it: with the line of Python that mends it, where there is one."""

from __future__ import annotations

import bpy

from .errors import Fix, Refusal

# Buttons that show something to a person, and mend nothing by themselves.
FOR_PEOPLE = frozenset({"meshsdf.choose_python", "meshsdf.copy_command"})


def text(refusal: Refusal) -> str:
    """What an operator reports: the refusal, and without a window the line that mends it."""
    if not bpy.app.background:
        return str(refusal)
    calls = (_call(fix) for fix in refusal.fixes if fix.operator not in FOR_PEOPLE)
    line = refusal.script or next(calls, "")
    return f"{refusal} In a script: {line}" if line else str(refusal)


def showing(ob: bpy.types.Object) -> str:
    """The line that shows a hidden object; empty where something else than itself hides it."""
    named = f"bpy.data.objects[{ob.name!r}]"
    if ob.hide_viewport:
        return f"{named}.hide_viewport = False"
    return f"{named}.hide_set(False)" if ob.hide_get() else ""


def _call(fix: Fix) -> str:
    room, _, name = fix.operator.partition(".")
    operator = getattr(getattr(bpy.ops, room), name)
    given = [f"{name}={value!r}" for name, value in fix.properties.items()]
    if "filepath" in operator.get_rna_type().properties:
        given.append("filepath=...")
    return f"bpy.ops.{fix.operator}({', '.join(given)})"
