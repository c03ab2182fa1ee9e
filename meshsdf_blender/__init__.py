"""What an artist sees: operators, panels, properties, and the client of the worker.

Blender and numpy only; everything that needs torch happens in the worker process (``door.py``).
"""

from __future__ import annotations

from . import catalogue, door, operators, panels, preferences, properties

# The worker is closed last: a running fit still says good-bye to it.
modules = (door, catalogue, properties, preferences, operators, panels)


def register() -> None:
    """Register everything; Blender calls this when the extension is enabled."""
    for module in modules:
        module.register()


def unregister() -> None:
    """Remove everything that was registered, and end the worker."""
    for module in reversed(modules):
        module.unregister()
