"""One picture to a shape: what the worker gets of it, and what comes of its answers."""
