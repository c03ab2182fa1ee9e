"""A Blender window made ready to be looked at: extension enabled, sidebar open at our tab.

A script beside this one says what to show: it builds its scene in a function and hands that to
:func:`when_drawn`. ``blender --python tools/show/fit.py`` is how each is run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
import headless_fit

AFTER_DRAWING = 2.0  # seconds until the window was drawn once, which the tab needs


def arguments() -> list[str]:
    """What was given to the script after ``--``."""
    return sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []


def when_drawn(show: Callable[[], float | None], *opened: str) -> None:
    """Enable the extension, open the sidebar, and call ``show`` in an empty scene once all is up.

    ``show`` is a timer's function: seconds until it is called again, or None. Where sub-panels are
    named, by class, they are open and all others closed.
    """
    bpy.context.preferences.view.show_splash = False
    headless_fit.enable(bpy, headless_fit.CHECKOUT)
    if opened:
        _open_only(*opened)
    area().spaces.active.show_region_ui = True
    bpy.app.timers.register(_empty_scene, first_interval=AFTER_DRAWING)
    bpy.app.timers.register(show, first_interval=AFTER_DRAWING)


def _empty_scene() -> None:
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)
    region("UI").active_panel_category = "MeshSDF"


def area() -> bpy.types.Area:
    """The 3D view."""
    window = bpy.context.window_manager.windows[0]
    return next(area for area in window.screen.areas if area.type == "VIEW_3D")


def region(kind: str = "WINDOW") -> bpy.types.Region:
    """A region of the 3D view: the view itself, or "UI", its sidebar."""
    return next(region for region in area().regions if region.type == kind)


def in_view() -> AbstractContextManager[None]:
    """A context as if the mouse were over the 3D view: operators run there."""
    window = bpy.context.window_manager.windows[0]
    return bpy.context.temp_override(window=window, area=area(), region=region())


def ours(name: str) -> object:
    """A module of meshsdf_blender by its dotted name, as Blender loaded it."""
    return next(m for n, m in sys.modules.items() if n.endswith(f"meshsdf_blender.{name}"))


def _open_only(*names: str) -> None:
    """Register our sub-panels anew, which is the only way to open or close one from a script."""
    top = "MESHSDF_PT_main"
    panels = [c for c in bpy.types.Panel.__subclasses__() if c.__name__.startswith("MESHSDF_PT_")]
    below = [panel for panel in panels if getattr(panel, "bl_parent_id", "")]
    for panel in reversed(below):
        bpy.utils.unregister_class(panel)
    for panel in below:
        panel.bl_options = set() if panel.__name__ in names else {"DEFAULT_CLOSED"}
    for panel in sorted(below, key=lambda each: each.bl_parent_id != top):
        bpy.utils.register_class(panel)
