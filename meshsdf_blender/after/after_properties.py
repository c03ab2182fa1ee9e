"""What an object keeps for the time after it was a shape, and of how it was made."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty


class AfterSettings(bpy.types.PropertyGroup):
    """``Object.meshsdf.after``."""

    space: StringProperty(
        name="Space",
        description="Where the shape that this mesh was has its decoder: builtin:NAME, or a file",
    )
    mesh: StringProperty(
        name="Mesh", description="What the mesh was when it became a regular one, as a digest"
    )
    record: StringProperty(
        name="Record", description="The steps that made the shape, for Copy as Script"
    )
