"""What panels show of the disk is looked up beside the drawing, and never on another machine."""

from __future__ import annotations

import builtins
import json
import os
import struct
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
import pytest

SERVER = "/" + "/server/share/mine.safetensors"


def write_space(path, licence):
    told = {"format": "meshsdf-space", "card": {"licence": licence}}
    header = json.dumps({"__metadata__": {"meshsdf": json.dumps(told)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


@pytest.fixture
def no_disk(monkeypatch):
    """A context in which nothing may look at the disk."""

    def refuse(*_, **__):
        raise AssertionError("the disk was looked at")

    @contextmanager
    def context():
        with monkeypatch.context() as patch:
            for name in ("exists", "stat", "is_file", "is_dir", "open", "read_text", "read_bytes"):
                patch.setattr(Path, name, refuse)
            patch.setattr(os, "stat", refuse)
            patch.setattr(builtins, "open", refuse)
            yield

    return context


def test_a_card_is_not_read_while_it_is_drawn(scene, part, tmp_path, no_disk):
    card, path = part("spaces.space_card"), tmp_path / "mine.safetensors"
    write_space(path, "CC0")
    with no_disk():
        assert card.card(str(path)) == card.card("builtin:heads") == ()
    part("beside")._tick()
    with no_disk():
        assert dict(card.card(str(path)))["Licence"] == "CC0"
        assert "Limits" in dict(card.card("builtin:heads"))


def test_a_file_that_was_replaced_gets_its_own_card(scene, part, tmp_path, monkeypatch):
    beside, card = part("beside"), part("spaces.space_card")
    path = tmp_path / "mine.safetensors"
    write_space(path, "CC0")
    card.card(str(path))
    beside._tick()
    write_space(path, "None at all")
    assert dict(card.card(str(path)))["Licence"] == "CC0"  # looked at just now
    monkeypatch.setattr(card._cards, "stale", -1.0)
    card.card(str(path))
    beside._tick()
    assert dict(card.card(str(path)))["Licence"] == "None at all"
    path.unlink()
    card.card(str(path))
    beside._tick()
    assert "cannot be read" in card.card(str(path))[0][1]


def test_a_long_card_is_cut(part, tmp_path):
    path = tmp_path / "mine.safetensors"
    write_space(path, "x" * 100_000)
    assert len(dict(part("spaces.space_card").read(str(path)))["Licence"]) < 2000


def test_another_machine_is_never_asked(scene, part, monkeypatch):
    beside = part("beside")
    asked = []
    looked = beside.Beside(lambda key: asked.append(key) or True, unknown=False)
    try:
        for path in (SERVER, SERVER.replace("/", "\\"), "here"):
            assert looked.get(path) is False
        assert looked.get("packed:x", SERVER) is False
        looked.look()
        assert asked == ["here"]
        assert looked.get("here") is True
    finally:
        beside._all.remove(looked)
    assert part("trust.presence").is_missing(SERVER) is False
    card = part("spaces.space_card")
    monkeypatch.setattr(part("spaces.catalogue"), "location", lambda space, library=None: space)
    assert "another machine" in card.card(SERVER)[0][1]


def test_a_name_that_no_file_can_have_is_missing(scene, part):
    presence = part("trust.presence")
    path = "/" + "x" * 5000
    assert not presence.is_missing(path)
    assert presence.look()
    assert presence.is_missing(path)


@pytest.mark.parametrize("size", ["lots", -5, float("inf"), [1, 2]])
def test_a_broken_text_is_drawn_as_nothing_and_refused_when_it_is_read(scene, part, size):
    packed, digest = part("spaces.packed"), "0123456789abcdef" * 4
    text = bpy.data.texts.new("x")
    text["meshsdf_space_sha256"], text["meshsdf_space_bytes"] = digest, size
    text["meshsdf_space"] = np.zeros(4, np.int32)
    space = f"packed:x@{digest[:16]}"
    assert packed.size_of(space) == 0
    with pytest.raises(part("errors").Refusal, match="damaged"):
        packed.read(space)
    page = part("panels.card").MESHSDF_PT_card
    bpy.context.scene.meshsdf.space = space
    assert page.poll(bpy.context)
