"""What comes after a shape: a regular mesh and the way back, retopology, a script."""
