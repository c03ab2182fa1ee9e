"""Undo and redo keep mesh, code and sliders in step: after every operator, and during a fit.

What a mesh ought to be, the worker says anew each time: the fake's is a function of the code.
"""

from __future__ import annotations

import random

import bpy
import numpy as np
import pytest

WALK_STEPS = 120


@pytest.fixture
def base(shape_object, target, scene):
    """The first undo step: a shape beside its target."""
    bpy.context.view_layer.objects.active = shape_object
    scene.meshsdf.steps, scene.meshsdf.resolution = 3, 32
    bpy.ops.ed.undo_push(message="base")
    return shape_object.name


@pytest.fixture
def in_step(part):
    """A function that asserts that mesh, code and sliders of every shape belong together."""
    shape, slide, codes = part("shapes.shape"), part("shapes.slide"), part("shapes.codes")
    upload, door = part("shapes.mesh_upload"), part("door")

    def check():
        shapes = [ob for ob in bpy.data.objects if shape.is_shape(ob)]
        for ob in shapes:
            code = codes.read(ob)
            header = shape.mesh_header(ob, ob.meshsdf.resolution)
            _, told = door.ready_worker().request("mesh", header, {"code": code})
            vertices, faces = upload.read(ob.data)
            assert np.array_equal(faces, told["faces"])
            np.testing.assert_allclose(vertices, told["vertices"], atol=1e-6)
            shown = [getattr(ob.meshsdf, f"slider_{n + 1}") for n in range(2)]
            np.testing.assert_allclose(shown, slide.of(ob).values(code), atol=1e-5)
            np.testing.assert_allclose(shown, 2 * code[:2], atol=1e-5)
        return {ob.name: [*codes.read(ob).tolist(), ob.meshsdf.fit_iou] for ob in shapes}

    return check


def call(name, **options):
    """Run an operator as a button does: with an undo step of its own."""
    assert getattr(bpy.ops.meshsdf, name)("EXEC_DEFAULT", True, **options) == {"FINISHED"}


def go(way):
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        assert getattr(bpy.ops.ed, way)() == {"FINISHED"}


def activate(name):
    bpy.context.view_layer.objects.active = bpy.data.objects[name]


def drag(value):
    """A slider as a mouse drags it, which pushes its own undo step at the end."""
    bpy.context.active_object.meshsdf.slider_1 = value
    bpy.ops.ed.undo_push(message="Slider")


OPERATORS = [
    ("slide", {"slider": "Length", "value": 1.5}),
    ("randomise", {"seed": 3}),
    ("interpolate", {"first": "long", "second": "wide", "factor": 0.25}),
    ("fit", {}),
    ("fit_step", {"steps": 2}),
    ("shape_update", {}),
    ("make_regular", {}),
    ("fix_shared", {}),
    ("shape_add", {"shape": "wide"}),
    ("encode", {"placement": "KEEP"}),
]


@pytest.mark.parametrize(("name", "options"), OPERATORS, ids=lambda each: str(each)[:16])
def test_an_operator_is_undone_and_redone_whole(base, in_step, fake, name, options):
    if name == "encode":
        activate("Target")
    if name in {"encode", "shape_add"}:
        options = {**options, "space": fake.space}
    before = in_step()
    call(name, **options)
    after = in_step()
    same = name in {"shape_update", "fix_shared"}  # of a shape that is as it should be
    assert (before == after) == same
    for way, expected in (("undo", before), ("redo", after), ("undo", before), ("redo", after)):
        go(way)
        assert in_step() == expected, way


def test_a_mended_code_is_undone_and_redone(base, in_step):
    del bpy.data.objects[base]["meshsdf_code"]
    bpy.ops.ed.undo_push(message="Lost")
    call("fix_code")
    mended = in_step()
    go("undo")
    assert "meshsdf_code" not in bpy.data.objects[base]
    go("redo")
    assert in_step() == mended


def test_a_reset_is_undone_and_redone(base, in_step):
    call("slide", slider="Width", value=-1.0)
    call("slide", slider="Length", value=1.0)
    moved = in_step()
    call("slider_reset", slider="Width")
    reset = in_step()
    assert moved[base][1] == pytest.approx(-0.5)
    assert reset[base][:2] == pytest.approx([0.5, 0.0], abs=1e-6)
    for way, expected in (("undo", moved), ("redo", reset), ("undo", moved)):
        go(way)
        assert in_step() == expected


def test_undo_in_edit_mode_leaves_a_whole_shape(base, in_step):
    before = in_step()
    call("slide", slider="Length", value=1.0)
    after = in_step()
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.ed.undo_push(message="Edit Mode")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo()
    activate(base)
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    assert in_step() == after
    go("undo")
    assert in_step() == before


@pytest.mark.parametrize("ways", [("undo",), ("undo", "redo"), ("undo", "redo", "undo")])
def test_undo_and_redo_during_a_fit_end_it_with_a_whole_shape(base, in_step, fake, part, ways):
    fit_run, door = part("fitting.fit_run"), part("door")
    before = in_step()
    call("slide", slider="Length", value=1.0)
    moved = in_step()
    fake("slow")
    for way, expected in zip(ways, (before, moved, before), strict=False):
        activate(base)
        run = fit_run.FitRun(bpy.context, bpy.context.active_object)
        shown = 0
        while shown < 2:
            step = run.advance(0.5)
            if step is not None:
                run.write(bpy.context, step)
                shown += 1
        go(way)
        assert part("running").current() is None
        assert in_step() == expected
        assert door.ready_worker().state == "ready"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_walk_through_operators_undo_and_redo_stays_in_step(base, in_step, seed):
    """A model of the undo stack beside Blender's: the states that were, and which one is shown."""
    draw = random.Random(seed)
    states, at = [in_step()], 0
    moves = {
        "slide": lambda: call("slide", slider="Width", value=draw.uniform(-2, 2)),
        "reset": lambda: call("slider_reset", slider=draw.choice(["", "Length"])),
        "randomise": lambda: call("randomise", seed=draw.randrange(999), strength=0.5),
        "blend": lambda: call("interpolate", first="long", second="wide", factor=draw.random()),
        "drag": lambda: drag(draw.uniform(-2, 2)),
        "step": lambda: call("fit_step", steps=1),
    }
    for _ in range(WALK_STEPS):
        room = len(states) < bpy.context.preferences.edit.undo_steps - 2
        choices = ["undo"] * 3 * (at > 0) + ["redo"] * 3 * (at < len(states) - 1)
        choices += list(moves) * (room or at < len(states) - 2)
        move = draw.choice(choices)
        activate(base)
        if move in moves:
            moves[move]()
            del states[at + 1 :]
            states.append(in_step())
            at += 1
        else:
            go(move)
            at += 1 if move == "redo" else -1
            assert in_step() == states[at], move
