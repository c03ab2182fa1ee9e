"""Operators that take a shape space: one that they are given, or the one of the sidebar."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import naming
from ..errors import Refusal
from ..properties import UP_AXES, Meshed
from ..spaces import catalogue, space_uses


class FromSpace:
    """An operator on a space; :func:`space_of` says which."""

    space: StringProperty(
        name="Space", description="builtin:NAME or a path; empty: the one chosen in the sidebar"
    )
    up: EnumProperty(name="Up Axis", description="The space's axis that points up", items=UP_AXES)


class NewShape(Meshed, FromSpace):
    """An operator that adds a shape of a space."""


# No method: what a property's callback is given has the properties only.
def space_of(operator: FromSpace, context: bpy.types.Context) -> tuple[str, str]:
    """Space and up axis of an operator, the sidebar's where it was given none."""
    if operator.space:
        return catalogue.named(operator.space), operator.up
    return catalogue.chosen(context.scene)


def there(operator: FromSpace, context: bpy.types.Context) -> tuple[str, str]:
    """The same where the space is there. Raises Refusal.

    A path that only the call names is no lost space of this file, so it is not to be found again.
    """
    space, up = space_of(operator, context)
    try:
        catalogue.existing(space)
    except Refusal as refusal:
        finds = any(fix.operator == "meshsdf.fix_space" for fix in refusal.fixes)
        if not finds or space_uses.of_file(space):
            raise
        known = naming.listed(catalogue.builtin_names())
        raise Refusal(
            refusal.problem, f"Name a file that is there, or a built-in space: {known}"
        ) from refusal
    return space, up
