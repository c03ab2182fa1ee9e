"""What `dev.py demo` runs: the whole way from a silhouette to a fitted mesh, in a real Blender."""
