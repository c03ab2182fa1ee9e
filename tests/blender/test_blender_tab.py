"""What the tab shows first, so that a newcomer finds the next button."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from tests.blender.drawn import Drawn


@pytest.fixture
def sliders(part, scene):
    """A function that draws the sliders of the active shape: names shown, and whether usable."""
    panel = part("panels.sliders").MESHSDF_PT_sliders

    def draw():
        layout = Drawn()
        context = SimpleNamespace(scene=scene, active_object=bpy.context.active_object)
        panel.draw(SimpleNamespace(layout=layout), context)
        shown = [name for name, _ in layout.properties if name.startswith("slider_")]
        # The rows of the sliders come first, and rows are the layout itself.
        return shown, layout

    return draw


@pytest.fixture
def many(shape_object, part, monkeypatch):
    """A shape whose space has ten sliders."""
    named = [SimpleNamespace(name=f"Way {number}") for number in range(10)]
    values = [0.0] * 10
    panel = part("panels.sliders")
    monkeypatch.setattr(panel.slide, "of", lambda ob: SimpleNamespace(named=named))
    monkeypatch.setattr(panel.slide, "values", lambda ob: values)
    return values


def test_six_sliders_are_shown_until_all_or_those_in_use_are_asked_for(many, sliders, scene):
    first = [f"slider_{number}" for number in range(1, 7)]
    shown, layout = sliders()
    assert shown == first
    assert ("all_sliders", False) in layout.properties
    many[8] = 1.0
    assert sliders()[0] == first  # a fit changes them all: what stands below stays where it is
    scene.meshsdf.all_sliders = True
    assert len(sliders()[0]) == 10
    scene.meshsdf.changed_only = True
    shown, layout = sliders()
    assert shown == ["slider_9"]
    assert "all_sliders" not in dict(layout.properties)


def test_sliders_wait_while_the_space_is_missing(shape_object, part, scene, monkeypatch):
    """What is set on the rows, in their order: the buttons', then the sliders'."""
    panel, enabled = part("panels.sliders"), []

    class Watched(Drawn):
        def __setattr__(self, name, value):
            if name == "enabled":
                enabled.append(value)
            super().__setattr__(name, value)

    def draw():
        enabled.clear()
        context = SimpleNamespace(scene=scene, active_object=shape_object)
        panel.MESHSDF_PT_sliders.draw(SimpleNamespace(layout=Watched()), context)
        return enabled[:2]

    assert draw() == [True, True]
    Path(shape_object.meshsdf.space).unlink()
    part("trust.presence").forget()
    draw()
    part("beside")._tick()
    assert draw() == [False, False]


def test_the_chooser_says_that_it_is_for_new_shapes(shape_object, part, scene):
    class Page(Drawn):
        def menu(self, name, **_):
            self.labels.append(name)

    scene.meshsdf.space = "builtin:heads"
    layout = Page()
    context = SimpleNamespace(scene=scene, active_object=shape_object, mode="OBJECT")
    part("panels.start").MESHSDF_PT_main.draw(SimpleNamespace(layout=layout), context)
    title = part("spaces.catalogue").title(shape_object.meshsdf.space)
    assert layout.labels[0] == f"{shape_object.name}: a shape of {title}"
    assert layout.labels[1:3] == ["New shape:", "MESHSDF_MT_spaces"]
