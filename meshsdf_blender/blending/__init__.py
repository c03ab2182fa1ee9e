"""Blending: stored codes, what is between them, its animation, and frames baked to meshes."""
