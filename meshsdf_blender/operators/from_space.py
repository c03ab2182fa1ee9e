"""Operators that take a shape space: one that they are given, or the one of the sidebar."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..properties import UP_AXES, Meshed
from ..spaces import catalogue


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
        return catalogue.canonical(operator.space), operator.up
    return catalogue.chosen(context.scene)
