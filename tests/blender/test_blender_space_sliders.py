"""Sliders of a file that was just opened: read from the space's own file, without the worker."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.drawn import drawn

SPACES = Path(__file__).resolve().parents[2] / "spaces"
BOB = SPACES / "bob_and_spot.safetensors"


@pytest.fixture
def early(part, scene):
    module = part("spaces.space_sliders")
    module.forget()
    part("spaces.catalogue").forget()
    yield module
    module.forget()
    part("spaces.catalogue").forget()
    part("door").close()


def read_all(early):
    while early.tick() is not None:
        pass


def test_a_file_says_what_the_worker_says(early, part):
    catalogue = part("spaces.catalogue")
    for name in ("bob_and_spot", "heads"):
        space = f"builtin:{name}"
        early.want(space, "FILE")
        assert catalogue.known(space, "FILE") is None  # not while something is drawn
        read_all(early)
        found = catalogue.known(space, "FILE")
        catalogue.forget()
        told = catalogue.info(space, "FILE")
        assert found is not told
        for key in ("name", "path", "code_length", "shape_names", "card", "warnings", "stamps"):
            assert getattr(found, key) == getattr(told, key), key
        assert found.sliders.named == told.sliders.named
        for mine, its in (
            (found.codes, told.codes),
            (found.mean, told.mean),
            (found.sliders.offsets, told.sliders.offsets),
        ):
            np.testing.assert_array_equal(mine, its)


def test_sliders_show_at_once_when_a_file_is_opened(early, part, tmp_path):
    bpy.ops.meshsdf.shape_add(space="builtin:bob_and_spot", shape="spot", resolution=16)
    name = bpy.context.active_object.name
    value = bpy.context.active_object.meshsdf.slider_1
    assert abs(value) > 0.1
    path = str(tmp_path / "f.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    part("door").close()
    part("spaces.catalogue").forget()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    read_all(early)
    ob = bpy.data.objects[name]
    assert ob.meshsdf.slider_1 == pytest.approx(value)
    panel = part("panels.sliders").MESHSDF_PT_sliders
    layout = drawn(panel, bpy.context.scene, active_object=ob)
    assert ("slider_1", ob.meshsdf.slider_1) in layout.properties
    assert "meshsdf.slider_show" not in layout.passed
    assert not part("door")._started


def test_the_panel_asks_for_what_came_otherwise(early, part, fake):
    bpy.ops.meshsdf.shape_add(space=fake.space)
    ob = bpy.context.active_object
    Path(fake.space).write_bytes(BOB.read_bytes())
    part("spaces.catalogue").forget()
    panel = part("panels.sliders").MESHSDF_PT_sliders
    for _ in range(2):
        assert "meshsdf.slider_show" in drawn(panel, bpy.context.scene, active_object=ob).passed
    assert len(early._wanted) == 1
    read_all(early)
    assert "meshsdf.slider_show" not in drawn(panel, bpy.context.scene, active_object=ob).passed


def changed(change):
    """The bytes of a space whose header or description was changed."""
    data = BOB.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    told = json.loads(header["__metadata__"]["meshsdf"])
    change(header, told)
    header["__metadata__"]["meshsdf"] = json.dumps(told)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def nan_codes():
    data = BOB.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    first, last = json.loads(data[8 : 8 + size])["codes"]["data_offsets"]
    start = 8 + size + first
    return data[:start] + b"\xff" * (last - first) + data[8 + size + last :]


@pytest.mark.parametrize(
    "data",
    [
        lambda: b"",
        lambda: BOB.read_bytes()[:500],
        nan_codes,
        lambda: changed(lambda header, told: told.pop("sliders")),
        lambda: changed(lambda header, told: told.update(version=2)),
        lambda: changed(lambda header, told: told.update(shape_names=["one"])),
        lambda: changed(lambda header, told: told.update(card=[])),
        lambda: changed(lambda header, told: told["sliders"].append({"name": "More"})),
        lambda: changed(lambda header, told: told["sliders"][0].pop("name")),
        lambda: changed(lambda header, told: header.pop("mean")),
        lambda: changed(lambda header, told: header["mean"].update(shape=[1 << 40])),
        lambda: changed(lambda header, told: header["codes"].update(shape=[-1, 2])),
        lambda: changed(lambda header, told: header["codes"].update(dtype="I64")),
        lambda: changed(lambda header, told: header["codes"].update(data_offsets=[1 << 50, 0])),
        lambda: changed(lambda header, told: header["mean"].update(data_offsets=[1 << 40, 8])),
        lambda: changed(lambda header, told: header.update(mean=3)),
    ],
)
def test_what_is_not_sure_is_left_to_the_worker(early, part, tmp_path, data):
    path = tmp_path / "odd.safetensors"
    path.write_bytes(data())
    early.want(str(path), "FILE")
    read_all(early)
    assert part("spaces.catalogue").known(str(path), "FILE") is None


def test_nothing_but_our_own_files_of_this_machine_is_read(early, part, monkeypatch):
    for space in ("", "/a/b.pth", "/a/folder"):
        early.want(space, "FILE")
    for place in ("//host/share/b.safetensors", "\\\\host\\share\\b.safetensors"):
        monkeypatch.setattr(part("spaces.catalogue"), "location", lambda *_, place=place: place)
        early.want(place, "FILE")
    assert not early._wanted
