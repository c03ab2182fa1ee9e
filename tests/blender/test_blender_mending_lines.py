"""Lines that mend an error in a script, as far as they are run here: each literally."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

KEY = "meshsdf_code"


@pytest.fixture
def egg(shape_object, part):
    part("trust.told").forget()
    return shape_object


@pytest.fixture
def side(scene):
    """A second camera."""
    camera = bpy.data.objects.new("Side Camera", bpy.data.cameras.new("Side"))
    scene.collection.objects.link(camera)
    return camera


def refused(call, **given):
    """What a call is refused with, as a script reads it."""
    with pytest.raises(RuntimeError) as raised:
        call(**given)
    return str(raised.value).strip()


def line_of(text):
    """The line of Python that a text says mends it."""
    return text.partition("In a script: ")[2]


def mended(call, line, **given):
    """A call is refused with that line, which makes it work."""
    assert line_of(refused(call, **given)) == line
    exec(line)
    assert call(**given) == {"FINISHED"}


def add_cube(name):
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.active_object.name = name
    return bpy.context.active_object


# Cameras


def test_a_camera_is_named_in_any_case(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    bpy.ops.meshsdf.view_add(name="Side", camera="side CAMERA")
    assert scene.meshsdf.views[1].camera == side
    bpy.ops.meshsdf.fix_camera(how="USE", camera="SIDE camera", view=0)
    assert scene.meshsdf.views[0].camera == side


def test_a_wrong_camera_name_changes_no_view(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    told = refused(bpy.ops.meshsdf.view_add, name="Side", camera="Nope")
    assert "Its cameras are: Camera, Side Camera" in told
    assert not line_of(told)
    assert not line_of(refused(bpy.ops.meshsdf.fix_camera, how="USE", camera="Nope"))


def test_without_an_active_camera_a_view_is_added_by_making_one_active(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Side", camera="Side Camera")
    scene.camera = None
    told = refused(bpy.ops.meshsdf.view_add, name="Third")
    assert "name it: Camera, Side Camera" in told
    assert not line_of(told)
    bpy.data.objects.remove(side)
    line = "bpy.context.scene.camera = bpy.data.objects['Camera']"
    mended(bpy.ops.meshsdf.view_add, line, name="Third")
    assert scene.meshsdf.views[0].camera is None


def test_a_lens_is_mended_of_the_camera_that_has_it(egg, scene, side):
    bpy.ops.meshsdf.view_add(name="Front")
    side.data.type = "PANO"
    line = "bpy.data.objects['Side Camera'].data.type = 'PERSP'"
    mended(bpy.ops.meshsdf.view_add, line, camera="Side Camera")
