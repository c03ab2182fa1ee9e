"""What polls say, which Blender cuts for scripts: what to do has to survive long names."""

from __future__ import annotations

import bpy
import pytest

CAPITALS = "Æ" * 200  # of two bytes each; Blender keeps as many as a name may have


@pytest.fixture
def named(shape_object):
    """A shape whose name, and that of its mesh, is as long as it can be."""
    shape_object.name = shape_object.data.name = CAPITALS
    assert len(shape_object.name.encode()) >= 62
    return shape_object


@pytest.fixture
def operators(addon):
    """Our operators, by name."""
    return [name for name in dir(bpy.ops.meshsdf) if not name.startswith("_")]


def refused(name):
    """What a poll says in a script."""
    with pytest.raises(RuntimeError) as raised:
        getattr(bpy.ops.meshsdf, name)()
    return str(raised.value).partition(".poll() ")[2].strip()


def regular():
    bpy.ops.meshsdf.make_regular()


def edited():
    bpy.ops.object.mode_set(mode="EDIT")


def nothing_active():
    bpy.context.view_layer.objects.active = None


def plain():
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.name = CAPITALS


@pytest.mark.parametrize(
    "state", [regular, edited, plain, nothing_active], ids=lambda state: state.__name__
)
def test_no_poll_is_cut_off(named, operators, state):
    """Each ends as a sentence, or in a line of Python that is one."""
    state()
    told = 0
    for name in operators:
        if getattr(bpy.ops.meshsdf, name).poll():
            continue
        message = refused(name)
        said, is_there, line = message.partition("In a script: ")
        assert len(message.encode()) <= 200, name
        assert said.strip().endswith("."), (name, message)
        if is_there:
            assert line.endswith(")"), (name, line)
            compile(line, name, "exec")
        told += CAPITALS[:4] in message
    assert told or state is nothing_active


def test_what_to_do_survives_a_long_name(named):
    regular()
    line = refused("slide").partition("In a script: ")[2]
    assert line == "bpy.ops.meshsdf.make_shape()"
    exec(line)
    assert bpy.ops.meshsdf.slide.poll()


@pytest.mark.parametrize("size", [10, 63, 255])
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_text_that_is_too_long_keeps_its_end(part, size, letter):
    name, refusal = letter * size, part("errors").Refusal
    poll_text = part("in_scripts").poll_text
    long = f"Object '{name}' is " + "very " * 40 + "odd"
    for problem in (f"Object '{name}' is odd", long):
        text = poll_text(refusal(problem, "Mend it", script="mend()"))
        assert len(text.encode()) <= 200
        assert text.startswith(f"Object '{name[:12] if size > 10 else name}")
        assert text.endswith(" Mend it. In a script: mend()")
        text = poll_text(refusal(problem, f"Show '{name}'", script=f"show({name * 4!r})"))
        assert len(text.encode()) <= 200
        if size > 10:
            assert text.endswith(f" Show '{name[:12]}...'.")
    told = poll_text(refusal("Something is odd", "Mend " + "this and " * 40))
    assert len(told.encode()) <= 200
    assert told.startswith("Something is odd. Mend this and ")
