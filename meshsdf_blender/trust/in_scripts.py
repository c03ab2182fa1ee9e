"""A refusal as a script reads it: with the call that mends it, where the sidebar has a button."""

from __future__ import annotations

import bpy

from ..errors import Fix, Refusal

MENDS = "meshsdf.fix_"  # operators that mend, unlike those that open a window


def text(refusal: Refusal) -> str:
    """What an operator reports: the refusal, and without a window the call that mends it."""
    fix = next((fix for fix in refusal.fixes if fix.operator.startswith(MENDS)), None)
    if fix is None or not bpy.app.background:
        return str(refusal)
    return f"{refusal} In a script: {_call(fix)}"


def _call(fix: Fix) -> str:
    operator = getattr(bpy.ops.meshsdf, fix.operator.partition(".")[2])
    given = [f"{name}={value!r}" for name, value in fix.properties.items()]
    if "filepath" in operator.get_rna_type().properties:
        given.append("filepath=...")
    return f"bpy.ops.{fix.operator}({', '.join(given)})"
