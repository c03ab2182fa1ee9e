"""MeshSDF for Blender: the extension's entry. Importing it imports nothing else."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import meshsdf_blender

    meshsdf_blender.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import meshsdf_blender

    meshsdf_blender.unregister()
