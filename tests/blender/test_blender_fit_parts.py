"""What a fit says of parts and holes that it changed."""

from __future__ import annotations

from dataclasses import replace

import bpy
import pytest

from tests.blender.drawn import drawn


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ((1, 0), (1, 0), ""),
        ((1, 0), (2, 0), "Now 2 parts instead of 1"),
        ((3, 2), (1, 2), "Now 1 part instead of 3"),
        ((1, 0), (1, 1), "Now 1 hole instead of none"),
        ((1, 1), (1, 0), "Now no hole instead of 1"),
        ((1, 2), (2, 1), "Now 2 parts instead of 1 and 1 hole instead of 2"),
        ((1, 0), (1, None), "Now open at an edge"),
        ((1, None), (1, 0), "Now closed instead of open"),
        (None, (1, 0), ""),
    ],
)
def test_a_change_in_words(part, start, end, told):
    parts = part("fitting.parts")
    pair = [None if each is None else parts.Parts(*each) for each in (start, end)]
    assert parts.changed(*pair) == told


def test_panel_and_report_say_how_parts_changed(shape_object, target, part, monkeypatch, capfd):
    scene = bpy.context.scene
    run = part("fitting.fit_run")
    read = run._step

    def splitting(header, arrays):
        step = read(header, arrays)
        return replace(step, report={**step.report, "components": 1 + min(step.step, 2)})

    monkeypatch.setattr(run, "_step", splitting)
    bpy.context.view_layer.objects.active = shape_object
    scene.meshsdf.steps = 5
    bpy.ops.meshsdf.fit()
    told = "Now 3 parts instead of 1"
    assert f"All steps done. {told}" in "".join(capfd.readouterr())
    context = {"active_object": shape_object, "window_manager": bpy.context.window_manager}
    words = drawn(part("panels.fit").MESHSDF_PT_fit, scene, region_data=None, **context).words
    assert told in words
    bpy.ops.meshsdf.shape_update()
    assert shape_object.meshsdf.fit_topology == ""
