"""What the artist's seat costs: latency, handlers and memory, measured in Blender without a window."""
