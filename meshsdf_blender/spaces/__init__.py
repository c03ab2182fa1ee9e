"""Shape spaces as Blender sees them: where they are and what is in them."""
