"""A layout in place of Blender's, which notes what a panel shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Drawn:
    """Rows and columns are the layout itself; ``passed`` has each operator's properties by name."""

    def __init__(self) -> None:
        self.properties: list[tuple[str, Any]] = []
        self.labels: list[str] = []
        self.passed: dict[str, SimpleNamespace] = {}

    def row(self, **_: Any) -> Drawn:
        return self

    box = column = row

    def prop(self, settings: Any, name: str, **_: Any) -> None:
        self.properties.append((name, getattr(settings, name)))

    def label(self, *, text: str, **_: Any) -> None:
        self.labels.append(text)

    def progress(self, *, text: str, **_: Any) -> None:
        self.labels.append(text)

    def operator(self, name: str, **_: Any) -> SimpleNamespace:
        self.passed[name] = SimpleNamespace()
        return self.passed[name]

    @property
    def words(self) -> str:
        """All labels as one text: a panel wraps its lines."""
        return " ".join(self.labels)


def drawn(panel: Any, scene: Any, *, layout: Drawn | None = None, **more: Any) -> Drawn:
    """What ``panel`` shows in a sidebar of the usual width; ``more`` is of the context."""
    layout = layout or Drawn()
    # Without a window Blender has no scale, and no region.
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1))
    context = SimpleNamespace(scene=scene, region=None, preferences=preferences, **more)
    panel.draw(SimpleNamespace(layout=layout), context)
    return layout
