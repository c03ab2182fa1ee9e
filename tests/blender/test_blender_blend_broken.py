"""What a file may hold in place of codes and pictures, and what becomes of it: words."""

from __future__ import annotations

import base64
import tracemalloc
import zlib
from types import SimpleNamespace

import bpy
import pytest


@pytest.fixture
def egg(scene, fake):
    """A shape with two stored codes that it is blended of, the factor keyed."""
    bpy.ops.meshsdf.shape_add(space=fake.space, resolution=32)
    ob = bpy.context.active_object
    bpy.ops.meshsdf.code_store(title="Round")
    ob.meshsdf.slider_1 = 4.0
    bpy.ops.meshsdf.code_store(title="Long")
    blend = ob.meshsdf.blend
    blend.first, blend.second, blend.mode = "Round", "Long", "TWO"
    for frame, blend.factor in ((1, 0.0), (5, 1.0)):
        blend.keyframe_insert("factor", frame=frame)
    return ob


def packed(count):
    return base64.b64encode(zlib.compress(bytes(count), 9)).decode()


def drawn_icon(part, entry):
    """The icon that the list draws for a code."""
    icons = []
    layout = SimpleNamespace(prop=lambda *_, icon_value, **__: icons.append(icon_value))
    draw = part("panels.blend").MESHSDF_UL_codes.draw_item
    draw(None, bpy.context, layout, entry.id_data, entry, 0, entry.id_data, "active")
    return icons


def test_a_picture_is_unpacked_up_to_its_one_size(egg, part):
    entry = egg.meshsdf.blend.codes[0]
    icon, whole = part("blending.pictures").icon, entry.picture
    assert part("blending.stored").picture_of(whole).shape == (64, 64, 4)
    for count in (4, 64 * 64 * 4 - 1, 64 * 64 * 4 + 1, 128 * 128 * 4, 2**28):
        entry.picture = packed(count)
        tracemalloc.start()
        assert icon(entry) == 0
        assert tracemalloc.get_traced_memory()[1] < 2**21
        tracemalloc.stop()
        assert part("blending.stored").picture_of(entry.picture) is None


@pytest.mark.parametrize("text", ["abc", "QUJD", "###", "ä", "A" * 10**6, packed(9)[:-8]])
def test_broken_pictures_are_drawn_as_none(egg, part, text):
    entry = egg.meshsdf.blend.codes[0]
    entry.picture = text
    assert drawn_icon(part, entry) == [0]


@pytest.mark.parametrize("text", ["abc", "QUJD", "ä", "", "A" * 44])
def test_broken_codes_are_refused_in_words_wherever_they_are_read(egg, scene, capfd, text):
    before = list(egg["meshsdf_code"])
    egg.meshsdf.blend.codes["Long"].code = text
    with pytest.raises(RuntimeError, match="stored code 'Long'"):
        bpy.ops.meshsdf.code_apply(code="Long")
    with pytest.raises(RuntimeError, match="stored code 'Long'"):
        bpy.ops.meshsdf.interpolate(first="Round", second="Long")
    capfd.readouterr()
    for change in (
        lambda: setattr(egg.meshsdf.blend, "factor", 0.25),
        lambda: scene.frame_set(3),
    ):
        egg.meshsdf.message = ""
        change()
        assert "stored code 'Long'" in egg.meshsdf.message
    assert list(egg["meshsdf_code"]) == before
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("code", ["words", {"a": 1}, [1, 2], [float("nan")] * 4])
def test_a_broken_code_of_the_shape_itself_makes_no_traceback(egg, scene, capfd, code):
    egg.meshsdf.blend.second = "Fake"
    egg.meshsdf.blend.mode = "NONE"
    del egg["meshsdf_code"]
    egg["meshsdf_code"] = code
    egg.keyframe_insert("location", frame=1)
    scene.frame_set(2)
    egg.meshsdf.blend.mode = "TWO"
    scene.frame_set(3)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_the_code_keeps_its_tooltip(egg):
    def tooltip():
        return egg.id_properties_ui("meshsdf_code").as_dict()["description"]

    assert tooltip()
    egg.meshsdf.slider_2 = 1.0
    assert tooltip() == "Latent code of the shape"


@pytest.mark.parametrize("space", ["x" * 5000, "builtin:" + "z" * 5000, "packed:x@" + "0" * 5000])
def test_a_space_that_no_disk_can_have_is_gone_in_words(egg, scene, part, capfd, space):
    egg.meshsdf.space = space
    scene.frame_set(3)
    assert egg.meshsdf.message
    egg.meshsdf.message = ""
    egg.meshsdf.blend.factor = 0.25
    assert egg.meshsdf.message
    context = SimpleNamespace(scene=scene, active_object=egg)
    part("trust.problems").shown(context)
    part("trust.presence").look()
    assert part("trust.problems").shown(context)
    assert "Traceback" not in "".join(capfd.readouterr())
