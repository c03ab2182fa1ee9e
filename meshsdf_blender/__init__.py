"""What an artist sees: operators, panels, properties, and the client of the worker.

Blender and numpy only; everything that needs torch happens in the worker process (``door``).
"""

from __future__ import annotations

from . import beside, door, operators, panels, preferences, properties
from .blending import frames, lost_ends, standing, unsaved
from .fitting import overlay_draw, overlay_follow
from .reconstruction import picture_properties, teach_live, teach_properties
from .shapes import drafts, icons, known_shapes, slider_live
from .spaces import catalogue, pictures, space_sliders
from .training import training_live, training_properties
from .trust import relative_paths, told

# The workers are closed last: a running fit or training still says good-bye to its own.
modules = (
    door,
    beside,
    catalogue,
    space_sliders,
    pictures,
    icons,
    properties,
    training_properties,
    picture_properties,
    teach_properties,
    preferences,
    slider_live,
    drafts,
    known_shapes,
    frames,
    standing,
    unsaved,
    lost_ends,
    overlay_follow,
    overlay_draw,
    training_live,
    teach_live,
    told,
    relative_paths,
    operators,
    panels,
)


def register() -> None:
    """Register everything; Blender calls this when the extension is enabled."""
    for module in modules:
        module.register()


def unregister() -> None:
    """Remove everything that was registered, and end the worker."""
    for module in reversed(modules):
        module.unregister()
