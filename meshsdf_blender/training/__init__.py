"""Spaces from the artist's own meshes, and codes of such meshes."""
