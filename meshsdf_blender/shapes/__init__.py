"""Shapes: objects with a code and the mesh that it stands for."""
