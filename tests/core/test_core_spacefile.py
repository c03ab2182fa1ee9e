"""Our own format: round trips, sizes, and files that are damaged or made to do harm."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as save_tensors

from core import spacefile
from core.decoder import Architecture, Decoder
from core.errors import SpaceError
from core.space import Frame, Slider, Space
from core.spacefile import read_space, space_bytes, space_from_bytes, write_space

FORMS = [
    Architecture(3, (16, 16)),
    Architecture(0, (8,)),
    Architecture(2, (16, 7, 12, 16), (2,), True, 0, (0, 3), True, False),
    Architecture(2, (40, 8, 40), (2, 3), False, 5, (), False, True),
]


def make_space(form: Architecture = FORMS[0], count: int = 4) -> Space:
    generator = torch.Generator().manual_seed(1)
    decoder = Decoder(form, generator=generator)
    return Space(
        name="pépinière",
        decoder=decoder,
        codes=torch.randn(count, form.code_length, generator=generator),
        shape_names=tuple(f"shape {i} ü" for i in range(count)),
        frame=Frame("Y", 0.5, (1.0, -2.0, 3.25)),
        card={"licence": "CC0", "recipe": {"epochs": 3}, "quality": [0.5, None]},
        warnings=("undertrained",),
    )


def edited(data: bytes, change: Any) -> bytes:
    """The file with its JSON header changed by ``change(header, description)``."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    description = json.loads(header["__metadata__"]["meshsdf"])
    change(header, description)
    header["__metadata__"]["meshsdf"] = json.dumps(description)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_round_trip(tmp_path: Path, form: Architecture, count: int) -> None:
    space = make_space(form, count)
    path = tmp_path / "né.safetensors"
    write_space(path, space)
    again = read_space(path)
    assert again.decoder.architecture == form
    assert (again.name, again.shape_names, again.frame) == (
        space.name,
        space.shape_names,
        space.frame,
    )
    assert dict(again.card) == dict(space.card)
    assert again.warnings == space.warnings
    assert torch.equal(again.codes, space.codes)
    state = space.decoder.state_dict()
    assert again.decoder.state_dict().keys() == state.keys()
    assert all(torch.equal(again.decoder.state_dict()[k], state[k]) for k in state)
    points = torch.rand(50, 3) * 2 - 1
    code = torch.ones(form.code_length)
    assert torch.equal(space.decoder(code, points), again.decoder(code, points))
    assert list(tmp_path.iterdir()) == [path]


def test_equal_spaces_make_equal_files() -> None:
    assert len({space_bytes(make_space()) for _ in range(5)}) == 1


def test_readable_without_us(tmp_path: Path) -> None:
    """Any safetensors reader finds the tensors and the statistics."""
    from safetensors import safe_open

    write_space(tmp_path / "s.safetensors", make_space())
    with safe_open(tmp_path / "s.safetensors", framework="np") as file:
        assert {"codes", "mean", "axes", "deviations", "weight.0", "bias.2"} <= set(file.keys())
        assert file.get_tensor("axes").shape == (3, 3)
        assert json.loads(file.metadata()["meshsdf"])["format"] == "meshsdf-space"


def test_half_precision_is_read_as_single() -> None:
    space = make_space()
    data = space_bytes(space)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    halves = {k: v.half() for k, v in spacefile._tensors_of(space).items()}
    again = space_from_bytes(save_tensors(halves, metadata))
    assert again.codes.dtype == torch.float32
    assert torch.allclose(again.decoder.weights[0], space.decoder.weights[0], atol=1e-3)


def with_sliders() -> Space:
    offsets = torch.randn(2, 3, generator=torch.Generator().manual_seed(2))
    names = ("Größe", "Age")
    sliders = tuple(Slider(n, o, -1.5, 2.25) for n, o in zip(names, offsets, strict=True))
    return replace(make_space(), sliders=sliders)


def test_sliders_come_back() -> None:
    space = with_sliders()
    data = space_bytes(space)
    assert data == space_bytes(space)
    again = space_from_bytes(data)
    assert [(s.name, s.low, s.high) for s in again.sliders] == [
        ("Größe", -1.5, 2.25),
        ("Age", -1.5, 2.25),
    ]
    for before, after in zip(space.sliders, again.sliders, strict=True):
        assert torch.equal(before.offset, after.offset)
    assert make_space().sliders == space_from_bytes(space_bytes(make_space())).sliders == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "entry 'sliders'"),
        ([1], "sliders[0]"),
        ([{"name": "a", "low": 0, "high": 1}] * 3, "'sliders'"),
        ([{"name": "a", "low": 0, "high": 1}] * 257, "at most 256"),
        ([{"name": 1, "low": 0, "high": 1}] * 2, "sliders[0].name"),
        ([{"name": "a", "high": 1}] * 2, "sliders[0].low"),
        ([{"name": "a", "low": 1, "high": 1}] * 2, "below high"),
    ],
)
def test_wrong_sliders_are_named(value: Any, message: str) -> None:
    data = edited(space_bytes(with_sliders()), set_description("sliders", value))
    with pytest.raises(SpaceError) as caught:
        space_from_bytes(data)
    assert message in str(caught.value)


def test_sliders_that_could_not_be_read_again_are_not_written() -> None:
    space = make_space()
    for slider, message in (
        (Slider("a", torch.zeros(2)), "slider 'a' has an offset"),
        (Slider("a", torch.full((3,), torch.inf)), "'sliders' is not finite"),
        (Slider("a", torch.zeros(3), 1.0, -1.0), "below high"),
    ):
        with pytest.raises(SpaceError, match=message):
            space_bytes(replace(space, sliders=(slider,)))


def test_sliders_without_their_tensor_are_refused() -> None:
    slider = [{"name": "a", "low": 0, "high": 1}]
    data = edited(space_bytes(make_space()), set_description("sliders", slider))
    with pytest.raises(SpaceError, match="'sliders'"):
        space_from_bytes(data)


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.safetensors"
    write_space(path, make_space())
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpaceError, match=r"No space left.*unchanged"):
        write_space(path, make_space(FORMS[1]))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="could not be written"):
        write_space(tmp_path / "none" / "s.safetensors", make_space())


def test_not_finite_is_not_written(tmp_path: Path) -> None:
    space = make_space()
    space.codes[1, 1] = float("nan")
    with pytest.raises(SpaceError, match="'codes' is not finite"):
        write_space(tmp_path / "s.safetensors", space)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("card", [{"quality": float("nan")}, {"x": object()}])
def test_a_card_that_is_no_json_is_not_written(tmp_path: Path, card: dict[str, Any]) -> None:
    space = make_space()
    with pytest.raises(SpaceError, match="Keep the card"):
        write_space(tmp_path / "s.safetensors", Space("n", space.decoder, space.codes, card=card))


def set_description(key: str, value: Any) -> Any:
    def change(_header: Any, description: Any) -> None:
        at, *inner = key.split(".")
        if inner:
            description[at][inner[0]] = value
        else:
            description[at] = value

    return change


WRONG = [
    ("format", "other", "entry 'format'"),
    ("version", 2, "format version 2"),
    ("name", 3, "entry 'name'"),
    ("architecture", [], "entry 'architecture'"),
    ("architecture.unknown", 1, "entry 'architecture'"),
    ("architecture.widths", [], "architecture.widths"),
    ("architecture.widths", [0, 16], "architecture.widths"),
    ("architecture.widths", [10**9, 16], "architecture.widths"),
    ("architecture.widths", [True], "architecture.widths"),
    ("architecture.widths", [16, 17], "weight.1"),
    ("architecture.widths", [16] * 65, "architecture.widths"),
    ("architecture.widths", [16, 16, 16], "weight.2"),
    ("architecture.code_length", 4, "'codes'"),
    ("architecture.code_length", -1, "architecture.code_length"),
    ("architecture.skips", [0], "architecture.skips"),
    ("architecture.skips", [3], "architecture.skips"),
    ("architecture.skips", [1], "weight.1"),
    ("architecture.norms", [2], "architecture.norms"),
    ("architecture.norms", [0], "norm_weight.0"),
    ("architecture.fourier_degree", 100, "architecture.fourier_degree"),
    ("architecture.tanh_out", "yes", "architecture.tanh_out"),
    ("frame", None, "entry 'frame'"),
    ("frame.up", "X", "frame.up"),
    ("frame.scale", 0, "frame.scale"),
    ("frame.scale", 10**400, "frame.scale"),
    ("frame.offset", [1, 2], "frame.offset"),
    ("frame.offset", [1, 2, "3"], "frame.offset"),
    ("shape_names", ["a"], "1 'shape_names' for 4 codes"),
    ("shape_names", [1, 2, 3, 4], "shape_names"),
    ("card", [], "entry 'card'"),
]


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_wrong_descriptions_are_named(key: str, value: Any, message: str) -> None:
    data = edited(space_bytes(make_space()), set_description(key, value))
    with pytest.raises(SpaceError) as caught:
        space_from_bytes(data, "file.safetensors")
    assert message in str(caught.value)
    assert "file.safetensors" in str(caught.value)
    assert caught.value.remedy


def test_values_that_are_not_finite_are_named() -> None:
    data = space_bytes(make_space())
    broken = data[:-4] + b"\x00\x00\xc0\x7f"
    with pytest.raises(SpaceError, match=r"Tensor '.*' of 'the data' .* not finite"):
        space_from_bytes(broken)


def test_a_huge_declared_tensor_allocates_nothing() -> None:
    def change(header: Any, description: Any) -> None:
        header["codes"] = {
            "dtype": "F32",
            "shape": [10**12, 3],
            "data_offsets": [0, 12 * 10**12],
        }

    with pytest.raises(SpaceError):
        space_from_bytes(edited(space_bytes(make_space()), change))


def test_a_huge_header_is_refused() -> None:
    with pytest.raises(SpaceError, match="header"):
        space_from_bytes((2**63).to_bytes(8, "little") + b"{}" * 100)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(spacefile.MAX_FILE_BYTES + 1)  # sparse
    with pytest.raises(SpaceError, match=r"has .* bytes"):
        read_space(path)


def test_deep_json_is_refused() -> None:
    deep = b"[" * 200_000
    with pytest.raises(SpaceError, match="not JSON"):
        space_from_bytes(len(deep).to_bytes(8, "little") + deep)


@pytest.mark.parametrize("missing", ["nothing.safetensors", "."])
def test_missing_files_and_folders(tmp_path: Path, missing: str) -> None:
    with pytest.raises(SpaceError, match="cannot be read"):
        read_space(tmp_path / missing)


@pytest.mark.parametrize("text", ["1e999", '"\\ud800"', "[" * 500 + "]" * 500])
def test_a_card_that_could_not_be_written_again_is_refused(text: str) -> None:
    def change(_header: Any, description: Any) -> None:
        description["card"] = {"licence": "PLACE"}

    data = edited(space_bytes(make_space()), change)
    length = int.from_bytes(data[:8], "little")
    escaped = json.dumps(text)[1:-1]
    header = data[8 : 8 + length].decode().replace('\\"PLACE\\"', escaped).encode()
    data = len(header).to_bytes(8, "little") + header + data[8 + length :]
    if text.startswith("["):  # deep, but nothing is wrong with it
        assert space_from_bytes(data).card["licence"]
        return
    with pytest.raises(SpaceError, match="entry 'card'"):
        space_from_bytes(data)


def test_other_safetensors_files_are_refused_by_name() -> None:
    with pytest.raises(SpaceError, match="no shape space of ours"):
        space_from_bytes(save_tensors({"a": torch.zeros(2)}))


GOOD = space_bytes(make_space())


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_truncated_bytes(length: int) -> None:
    with pytest.raises(SpaceError):
        space_from_bytes(GOOD[:length])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_garbled_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    try:
        space = space_from_bytes(bytes(data))
    except SpaceError:
        return
    assert bool(torch.isfinite(space.codes).all())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(SpaceError):
        space_from_bytes(data)
