"""What the artist's seat costs, measured in Blender without a window."""
