"""DeepSDF experiments: every dialect against a naive forward pass, real files, and bad ones."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkpoint as checkpoint_module
from core.builtin import builtin_spaces
from core.checkpoint import read_checkpoint
from core.errors import SpaceError
from core.loading import load_space
from core.space import Space
from core.spacefile import write_space

from .experiments import NEW_NORM, OLD_NORM, PLAIN, Dialect

DIALECTS = {
    "plain": Dialect(),
    "module": Dialect(prefix="module."),
    "module.module": Dialect(prefix="module.module.", zipped=False),
    "another prefix": Dialect(prefix="decoder."),
    "weight_g": Dialect(forms=(OLD_NORM,), zipped=False),
    "parametrizations": Dialect(forms=(NEW_NORM,)),
    "mixed by layer": Dialect(forms=(OLD_NORM, PLAIN, NEW_NORM)),
    "last layer plain": Dialect(forms=(OLD_NORM, OLD_NORM, OLD_NORM, OLD_NORM, PLAIN)),
    "layer norm": Dialect(weight_norm=False, norm_layers=(0, 1, 3, 4, 7)),
    "latent_in": Dialect(latent_in=(2,), forms=(OLD_NORM,)),
    "latent_in twice": Dialect(latent_in=(1, 3)),
    "latent_in at the output": Dialect(latent_in=(4,)),
    "xyz_in_all": Dialect(xyz_in_all=True),
    "xyz_in_all and latent_in": Dialect(xyz_in_all=True, latent_in=(2,), forms=(NEW_NORM,)),
    "use_tanh": Dialect(use_tanh=True),
    "fourier": Dialect(fourier_degree=5, dims=(64, 64, 64), latent_in=(2,)),
    "no last tanh": Dialect(struct=True, forms=(NEW_NORM,)),
    "no last tanh, use_tanh": Dialect(struct=True, use_tanh=True),
    "no code": Dialect(code_length=0),
    "half precision": Dialect(half=True),
}


def codes_of(count: int, length: int) -> torch.Tensor:
    return torch.randn(count, length, generator=torch.Generator().manual_seed(5))


def embedding(codes: torch.Tensor) -> dict[str, Any]:
    return {"epoch": 7, "latent_codes": OrderedDict(weight=codes)}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects_decode_as_published(tmp_path: Path, name: str) -> None:
    dialect = DIALECTS[name]
    codes = codes_of(4, dialect.code_length)
    space = load_space(dialect.write(tmp_path / "né", codes=embedding(codes)))
    assert space.warnings == ()
    assert torch.equal(space.codes, codes)
    assert space.frame.up == "Y"
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for code in codes[:2]:
        expected = dialect.forward(code, points)
        assert expected.std() > 1e-3  # a constant would agree with anything
        assert torch.allclose(space.decoder(code, points).double(), expected, atol=1e-4)


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects_survive_our_own_format(tmp_path: Path, name: str) -> None:
    dialect = DIALECTS[name]
    space = load_space(dialect.write(tmp_path / "a"))
    write_space(tmp_path / "a.safetensors", space)
    again = load_space(tmp_path / "a.safetensors")
    points = torch.rand(50, 3) * 2 - 1
    code = torch.ones(dialect.code_length)
    assert torch.equal(again.decoder(code, points), space.decoder(code, points))
    assert again.frame == space.frame


CODES = codes_of(5, 3)
CODE_FORMS = {
    "embedding": (embedding(CODES), CODES),
    "(N, 1, L)": ({"epoch": 7, "latent_codes": CODES[:, None]}, CODES),
    "(N, L)": ({"epoch": 7, "latent_codes": CODES}, CODES),
    "with a gradient": ({"latent_codes": CODES.clone().requires_grad_()}, CODES),
    "bare (1, 1, L)": (CODES[:1, None], CODES[:1]),
    "bare (L,)": (CODES[0], CODES[:1]),
    "list of tensors": ({"latent_codes": list(CODES[:, None])}, CODES),
    "half": ({"latent_codes": CODES.half()}, CODES.half().float()),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", CODE_FORMS)
def test_forms_of_codes(tmp_path: Path, name: str, zipped: bool) -> None:
    saved, expected = CODE_FORMS[name]
    space = load_space(Dialect(zipped=zipped).write(tmp_path, codes=saved))
    assert torch.equal(space.codes, expected)
    assert not space.codes.requires_grad
    assert space.warnings == ()


@pytest.mark.parametrize(
    ("saved", "count", "said"),
    [
        (None, 0, "no LatentCodes"),
        (embedding(torch.zeros(0, 3)), 0, "holds no codes"),
        ({"latent_codes": torch.zeros(0)}, 0, "holds no codes"),
        ({"latent_codes": torch.zeros(0, 1, 3)}, 0, "holds no codes"),
        (embedding(torch.zeros(4, 3)), 4, "All 4 codes of LatentCodes/latest.pth are zero"),
        (
            {"latent_codes": torch.zeros(4, 3), "latent_fields_state_dict": OrderedDict()},
            4,
            "spline fields",
        ),
    ],
)
def test_codes_that_are_none_are_said(tmp_path: Path, saved: Any, count: int, said: str) -> None:
    space = load_space(Dialect().write(tmp_path, codes=saved))
    assert space.codes.shape == (count, 3)
    assert said in " ".join(space.warnings)
    assert torch.equal(space.mean_code, torch.zeros(3))


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (embedding(torch.zeros(4, 2)), "shape (4, 2); expected (N, 3)"),
        ({"latent_codes": torch.zeros(4, 2, 3)}, "shape (4, 2, 3)"),
        ({"latent_codes": torch.full((4, 3), float("nan"))}, "Code 0"),
        ({"latent_codes": {"other": torch.zeros(2)}}, "holds no codes"),
        ({"latent_codes": 3}, "holds no codes"),
        ([torch.zeros(2)], "holds no codes"),
    ],
)
def test_codes_that_do_not_fit_are_refused(tmp_path: Path, saved: Any, said: str) -> None:
    refused(Dialect().write(tmp_path, codes=saved), said, "LatentCodes")


def refused(path: Path, *said: str) -> SpaceError:
    """Loading fails with a SpaceError that says all of ``said`` and what to do."""
    with pytest.raises(SpaceError) as caught:
        load_space(path)
    for text in said:
        assert text in str(caught.value)
    assert caught.value.remedy
    assert len(str(caught.value)) < 2000
    return caught.value


@pytest.mark.parametrize(
    "part", ["", "specs.json", "ModelParameters/latest.pth", "ModelParameters"]
)
def test_an_experiment_has_many_names(tmp_path: Path, part: str) -> None:
    folder = Dialect().write(tmp_path / "heads", codes=embedding(CODES))
    assert load_space(folder / part).name == "heads"


def test_a_trailing_dot_still_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Dialect().write(tmp_path / "heads")
    monkeypatch.chdir(tmp_path / "heads")
    assert load_space(".").name == "heads"


def test_snapshots(tmp_path: Path) -> None:
    """latest first, then the highest number; a named one brings its own codes."""
    dialect = Dialect()
    for number in ("9", "100", "20"):
        dialect.write(tmp_path, codes=embedding(torch.full((1, 3), float(number))), snapshot=number)
    assert float(load_space(tmp_path).codes[0, 0]) == 100
    assert float(load_space(tmp_path / "ModelParameters" / "20.pth").codes[0, 0]) == 20
    assert float(load_space(tmp_path / "LatentCodes" / "9.pth").codes[0, 0]) == 9
    dialect.write(tmp_path, codes=embedding(torch.full((1, 3), 1.0)))
    assert float(load_space(tmp_path).codes[0, 0]) == 1
    (tmp_path / "LatentCodes" / "100.pth").unlink()
    space = load_space(tmp_path / "ModelParameters" / "100.pth")
    assert "another time of the training" in space.warnings[0]
    (tmp_path / "ModelParameters" / "20.pth").unlink()
    refused(tmp_path / "LatentCodes" / "20.pth", "no ModelParameters/20.pth", "latest.pth")


def test_codes_of_another_epoch_are_said(tmp_path: Path) -> None:
    space = load_space(Dialect().write(tmp_path, codes={**embedding(CODES), "epoch": 8}))
    assert "epoch 8" in space.warnings[0]
    assert "epoch 7" in space.warnings[0]


def test_a_bare_state_dictionary(tmp_path: Path) -> None:
    dialect = Dialect()
    dialect.write(tmp_path)
    torch.save(dialect.state(), tmp_path / "ModelParameters" / "latest.pth")
    load_space(tmp_path)


@pytest.mark.parametrize("axis", ["Z", "Y"])
def test_up_can_be_asked_for(tmp_path: Path, axis: str) -> None:
    folder = Dialect().write(tmp_path / "a")
    assert load_space(folder, up=axis).frame.up == axis
    write_space(tmp_path / "a.safetensors", load_space(folder))
    assert load_space(tmp_path / "a.safetensors", up=axis).frame.up == axis
    with pytest.raises(SpaceError, match="'X'"):
        load_space(folder, up="X")


def test_shape_names_of_the_split(tmp_path: Path) -> None:
    folder = Dialect().write(tmp_path / "examples" / "heads", codes=embedding(CODES[:3]))
    specs = json.loads((folder / "specs.json").read_text())
    specs["TrainSplit"] = "examples/splits/heads.json"
    (folder / "specs.json").write_text(json.dumps(specs))
    assert load_space(folder).shape_names == ()
    (tmp_path / "examples" / "splits").mkdir()
    split = tmp_path / "examples" / "splits" / "heads.json"
    split.write_text(json.dumps({"Set": {"a": ["1", "2"], "b": ["3"]}}))
    assert load_space(folder).shape_names == ("1", "2", "3")
    split.write_text(json.dumps({"Set": {"a": ["1"]}}))
    assert load_space(folder).shape_names == ()
    split.write_text("no json")
    assert load_space(folder).shape_names == ()


def changed(tmp_path: Path, dialect: Dialect = Dialect(), **changes: Any) -> Path:  # noqa: B008
    """An experiment with entries of specs.json changed; None removes one."""
    folder = dialect.write(tmp_path)
    specs = json.loads((folder / "specs.json").read_text())
    for key, value in changes.items():
        target = specs["NetworkSpecs"] if key in Dialect().specs()["NetworkSpecs"] else specs
        target = specs["NetworkSpecs"] if key in ("geom_dimension", "extra") else target
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    (folder / "specs.json").write_text(json.dumps(specs))
    return folder


def test_descriptions(tmp_path: Path) -> None:
    assert load_space(changed(tmp_path / "a")).card["description"] == "two lines"
    one = load_space(changed(tmp_path / "b", Description="one"))
    assert one.card["description"] == "one"
    assert load_space(changed(tmp_path / "c", Description=None)).card["description"] == ""


@pytest.mark.parametrize("arch", [None, "deep_sdf_decoder", "networks.deep_sdf_decoder"])
def test_network_archs(tmp_path: Path, arch: str | None) -> None:
    load_space(changed(tmp_path, NetworkArch=arch))


def test_missing_lists_and_a_byte_order_mark(tmp_path: Path) -> None:
    folder = changed(tmp_path, latent_in=None, norm_layers=None, dims=None)
    text = (folder / "specs.json").read_text()
    (folder / "specs.json").write_text(text, encoding="utf-8-sig")
    points = torch.rand(20, 3)
    space = load_space(folder)
    assert torch.allclose(
        space.decoder(torch.ones(3), points).double(),
        Dialect().forward(torch.ones(3), points),
        atol=1e-4,
    )


def test_norms_of_layers_whose_widths_the_specs_leave_out(tmp_path: Path) -> None:
    dialect = Dialect(weight_norm=False, norm_layers=(0, 2))
    folder = dialect.write(tmp_path)
    specs = json.loads((folder / "specs.json").read_text())
    del specs["NetworkSpecs"]["dims"]
    (folder / "specs.json").write_text(json.dumps(specs))
    points = torch.rand(20, 3)
    assert torch.allclose(
        load_space(folder).decoder(torch.ones(3), points).double(),
        dialect.forward(torch.ones(3), points),
        atol=1e-4,
    )


def test_unknown_specs_are_named(tmp_path: Path) -> None:
    space = load_space(changed(tmp_path, extra=[1]))
    assert "extra" in space.warnings[0]


def test_unused_parameters_are_named(tmp_path: Path) -> None:
    dialect = Dialect(prefix="module.")
    dialect.write(tmp_path)
    state = {**dialect.state(), "predictor.lin0.weight": torch.zeros(2, 2), "step": torch.ones(1)}
    torch.save({"model_state_dict": state}, tmp_path / "ModelParameters" / "latest.pth")
    warning = load_space(tmp_path).warnings[0]
    assert "predictor.lin0.weight" in warning
    assert "step" in warning


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CodeLength": [8, 16]}, "hierarchy of codes"),
        ({"CodeLength": None}, "'CodeLength'"),
        ({"CodeLength": 4}, "lin0"),
        ({"CodeLength": True}, "'CodeLength'"),
        ({"NetworkArch": "hierarchical_deep_sdf_decoder"}, "NetworkArch"),
        ({"NetworkSpecs": None}, "'NetworkSpecs'"),
        ({"dims": [24, 20, 28]}, "5 layers"),
        ({"dims": [24, 21, 28, 24]}, "(20, 24); expected (21, 24)"),
        ({"dims": "wide"}, "'NetworkSpecs.dims'"),
        ({"latent_in": [2]}, "lin1"),
        ({"latent_in": [0]}, "latent_in"),
        ({"latent_in": [9]}, "latent_in"),
        ({"xyz_in_all": True}, "lin0"),
        ({"xyz_in_all": "yes"}, "'NetworkSpecs.xyz_in_all'"),
        ({"geom_dimension": 2}, "only solid shapes"),
        ({"weight_norm": False, "norm_layers": [1]}, "bn1.weight"),
    ],
)
def test_specs_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    refused(changed(tmp_path, **changes), said, "specs.json")


def test_fourier_features_that_the_specs_forget_are_guessed(tmp_path: Path) -> None:
    dialect = Dialect(fourier_degree=4, dims=(40, 40))
    dialect.write(tmp_path)
    specs = dialect.specs()
    del specs["NetworkSpecs"]["positional_encoding"]
    (tmp_path / "specs.json").write_text(json.dumps(specs))
    refused(tmp_path, "(40, 27); expected (40, 6)", "fourier_degree 4")


def with_state(tmp_path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    dialect = Dialect(forms=(OLD_NORM,))
    dialect.write(tmp_path)
    state = dialect.state()
    changed = change(state)
    saved = {"model_state_dict": state if changed is None else changed}
    torch.save(saved, tmp_path / "ModelParameters" / "latest.pth")
    return tmp_path


def key_is(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("lin1.bias"), "lin1"),
        (lambda state: state.pop("lin1.weight_g"), "lin1"),
        (lambda state: [state.pop(k) for k in list(state) if "lin1" in k], "without a gap"),
        (lambda state: {}, "lin0"),
        (lambda state: 3, "no dictionary"),
        (lambda state: {"conv.weight": torch.zeros(2)}, "conv.weight"),
        (key_is("lin1.weight", torch.zeros(20, 24)), "lin1"),
        (key_is("lin1.weight_orig", torch.zeros(20, 24)), "weight_orig"),
        (key_is("lin1.weight_g", torch.zeros(24)), "lin1.weight_g"),
        (key_is("lin1.weight_v", torch.zeros(20, 24)), "not finite"),
        (key_is("lin1.weight_v", torch.zeros(20, 24, 1)), "lin1.weight_v"),
        (key_is("lin1.bias", torch.zeros(21)), "lin1.bias"),
        (key_is("lin1.bias", torch.full((20,), float("inf"))), "not finite"),
        (key_is("bn0.running_mean", torch.zeros(24)), "LayerNorm"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Any, said: str) -> None:
    def apply(state: dict[str, Any]) -> Any:
        result = change(state)
        return result if isinstance(result, dict | int) else None

    refused(with_state(tmp_path, apply), said, "latest.pth")


def test_norms_that_the_specs_do_not_tell_are_used_and_said(tmp_path: Path) -> None:
    dialect = Dialect(weight_norm=False, norm_layers=(1,))
    dialect.write(tmp_path)
    specs = {**dialect.specs(), "NetworkSpecs": Dialect().specs()["NetworkSpecs"]}
    (tmp_path / "specs.json").write_text(json.dumps(specs))
    space = load_space(tmp_path)
    assert "bn1" in space.warnings[0]
    points = torch.rand(20, 3)
    expected = dialect.forward(torch.ones(3), points)
    assert torch.allclose(space.decoder(torch.ones(3), points).double(), expected, atol=1e-4)


def test_a_missing_decoder_is_named(tmp_path: Path) -> None:
    folder = Dialect().write(tmp_path, codes=embedding(CODES))
    shutil.rmtree(folder / "ModelParameters")
    refused(folder, "no decoder", "ModelParameters/latest.pth is missing", "has latent codes")
    shutil.rmtree(folder / "LatentCodes")
    refused(folder, "no decoder")


def test_what_is_no_space_at_all(tmp_path: Path) -> None:
    (tmp_path / "mesh.ply").write_text("ply")
    refused(tmp_path / "mesh.ply", "is no shape space")
    refused(tmp_path, "no DeepSDF experiment")
    refused(tmp_path / "nothing", "There is no file or folder")
    (tmp_path / "specs.json").write_text("[]")
    refused(tmp_path, "no JSON object")
    (tmp_path / "specs.json").write_text("{")
    refused(tmp_path, "is not JSON")
    (tmp_path / "specs.json").write_text("[" * 100_000)
    refused(tmp_path, "is not JSON")


# Files that are meant to do harm.


class Harm:
    """Unpickled, it would create a file."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self._path,)


@pytest.mark.parametrize("form", ["pickle", "legacy", "zip"])
@pytest.mark.parametrize("where", ["ModelParameters", "LatentCodes"])
def test_malicious_pickles_do_not_run(tmp_path: Path, form: str, where: str) -> None:
    folder = Dialect().write(tmp_path / "a", codes=embedding(CODES))
    path, harm = folder / where / "latest.pth", Harm(tmp_path / "harmed")
    if form == "pickle":
        path.write_bytes(pickle.dumps({"model_state_dict": harm}))
    else:
        value = {"model_state_dict": harm, "latent_codes": harm}
        torch.save(value, path, _use_new_zipfile_serialization=form == "zip")
    error = refused(folder, "refused", "mkdir")
    assert "nothing of it was run" in str(error)
    assert not (tmp_path / "harmed").exists()
    # The test itself can fail: with a reader that trusts the file, the harm is done.
    if form == "zip" and where == "ModelParameters":
        torch.load(path, weights_only=False)
        assert (tmp_path / "harmed").exists()


def test_old_torch_reads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Dialect().write(tmp_path)
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    refused(folder, "2.5.1", "2.6")


def repickled(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes in the pickle of a zip ``.pth``."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    found = False
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            found |= name.endswith("data.pkl") and old in data
            archive.writestr(name, data.replace(old, new) if name.endswith(".pkl") else data)
    assert found


def binint(value: int) -> bytes:
    return pickle.dumps(value, protocol=2)[2:-1]


def test_a_huge_storage_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(12345)}, path)
    repickled(path, binint(12345), binint(10**12))
    with pytest.raises(SpaceError, match="larger tensors than it holds"):
        read_checkpoint(path)


def test_a_huge_legacy_storage_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(12345)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    path.write_bytes(data.replace(binint(12345), binint(10**12)))
    with pytest.raises(SpaceError, match="larger tensors than it holds"):
        read_checkpoint(path)


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(100)[:77]}, path)
    repickled(path, binint(77), binint(10**12))
    with pytest.raises(SpaceError, match="tensor of 1000000000000 values"):
        read_checkpoint(path)


def test_a_tensor_of_stride_zero_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, path)
    with pytest.raises(SpaceError, match="values in a storage of 1"):
        read_checkpoint(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(10)}, path)
    block = bytes(64 * 1024**2)
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"a/data/{number + 5}", block)
    assert path.stat().st_size < 2 * 1024**2
    with pytest.raises(SpaceError, match="what the archive holds would take"):
        read_checkpoint(path)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Dialect().write(tmp_path)
    monkeypatch.setattr(checkpoint_module, "MAX_FILE_BYTES", 1000)
    refused(folder, "bytes, and at most 1,000 are allowed")


def test_a_long_legacy_pickle_is_not_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Dialect(zipped=False).write(tmp_path)
    monkeypatch.setattr(checkpoint_module, "MAX_PICKLE_BYTES", 100)
    refused(folder, "its pickle would take", "at most 100 are allowed")


@pytest.mark.parametrize(
    "operation", [b"X\xff\xff\xff\x0f", b"V", b"\x95" + b"\xff" * 4 + b"\0" * 4]
)
def test_no_operation_reads_past_the_longest_pickle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: bytes
) -> None:
    """A long text, a long line and a long frame, each longer than a pickle may be."""
    folder = Dialect().write(tmp_path)
    monkeypatch.setattr(checkpoint_module, "MAX_PICKLE_BYTES", 100)
    (folder / "ModelParameters" / "latest.pth").write_bytes(b"\x80\x04" + operation + b"a" * 200)
    refused(folder, "its pickle would take", "at most 100 are allowed")


def test_a_huge_bytearray_is_not_allocated(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"\x80\x05" + pickle.BYTEARRAY8 + (2**40).to_bytes(8, "little") + b"x.")
    with pytest.raises(SpaceError, match="damaged"):
        read_checkpoint(path)


def test_a_nest_of_tuples_is_not_written_out(tmp_path: Path) -> None:
    """Each tuple holds the one before twice: 100 bytes that would make a text of 2^60."""
    nest = b")" + b"2\x86" * 60
    path = tmp_path / "a.pth"
    # A persistent id whose kind is the nest: as the object's, and as a dictionary's value.
    kind = b"(" + nest + b"K\x01K\x01K\x01K\x01tQ"
    for program in (kind, b"}K\x01" + kind + b"s"):
        path.write_bytes(b"\x80\x02" + program + b".")
        with pytest.raises(SpaceError, match="a saved object"):
            read_checkpoint(path)


def test_cuda_tensors_come_to_the_cpu(tmp_path: Path) -> None:
    """As a machine with a GPU writes them: the same file but for the name of the place."""
    dialect = Dialect(zipped=False)
    folder = dialect.write(tmp_path, codes=embedding(CODES))
    cpu, cuda = (b"X" + len(name).to_bytes(4, "little") + name for name in (b"cpu", b"cuda:0"))
    legacy = folder / "ModelParameters" / "latest.pth"
    data = legacy.read_bytes()
    assert cpu in data
    legacy.write_bytes(data.replace(cpu, cuda))
    zipped = folder / "LatentCodes" / "latest.pth"
    torch.save(embedding(CODES), zipped)
    repickled(zipped, cpu, cuda)
    space = load_space(folder)
    assert space.device.type == "cpu"
    assert torch.equal(space.codes, CODES)


def test_numpy_scalars_and_scripts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"loss": np.float64(3.0)}, path)
    with pytest.raises(SpaceError, match="refused"):
        read_checkpoint(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(SpaceError):
        read_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(SpaceError, match="zip archive, but none"):
        read_checkpoint(path)


def saved_bytes(zipped: bool) -> bytes:
    stream = io.BytesIO()
    saved = {"model_state_dict": Dialect(forms=(NEW_NORM,)).state()}
    torch.save(saved, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


GOOD = {zipped: saved_bytes(zipped) for zipped in (True, False)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Dialect(forms=(NEW_NORM,)).write(tmp_path_factory.mktemp("garbled") / "a")


# Half of the changes near the start and the end, where the pickles and the directory are.
places = st.one_of(st.integers(0, 600), st.integers(0, 10**6), st.integers(-800, -1))


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(zipped=st.booleans(), cut=st.integers(0, 10**6))
def test_truncated_bytes(folder: Path, zipped: bool, cut: int) -> None:
    data = GOOD[zipped]
    (folder / "ModelParameters" / "latest.pth").write_bytes(data[: cut % len(data)])
    with pytest.raises(SpaceError):
        load_space(folder)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(zipped=st.booleans(), changes=st.lists(st.tuples(places, st.binary(min_size=1, max_size=3))))
def test_garbled_bytes(folder: Path, zipped: bool, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(GOOD[zipped])
    for at, new in changes:
        start = at % len(data)
        data[start : start + len(new)] = new
    (folder / "ModelParameters" / "latest.pth").write_bytes(bytes(data))
    with suppress(SpaceError):
        load_space(folder)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=100))
def test_random_bytes(folder: Path, data: bytes) -> None:
    (folder / "ModelParameters" / "latest.pth").write_bytes(data)
    with pytest.raises(SpaceError):
        load_space(folder)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
SPEC_KEYS = ["CodeLength", "NetworkSpecs", "NetworkArch", "Description", "TrainSplit"]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.dictionaries(st.sampled_from(SPEC_KEYS), json_values, max_size=2), data=st.data())
def test_any_specs(folder: Path, changes: dict[str, Any], data: st.DataObject) -> None:
    (folder / "ModelParameters" / "latest.pth").write_bytes(GOOD[True])
    specs = Dialect(forms=(NEW_NORM,)).specs()
    inner = st.dictionaries(st.sampled_from(sorted(specs["NetworkSpecs"])), json_values, max_size=2)
    specs["NetworkSpecs"] |= data.draw(inner)
    (folder / "specs.json").write_text(json.dumps({**specs, **changes}))
    with suppress(SpaceError):
        load_space(folder)


# Real files.


def test_official_bob_and_spot(checkpoint: Callable[[str], Path]) -> None:
    """The figures of the paper's own model, on a dense grid of 63 cells."""
    from core.extraction import extract
    from core.topology import topology

    space = load_space(checkpoint("meshsdf_official_bob_and_spot"))
    assert (space.code_length, len(space.codes), space.warnings) == (2, 2, ())
    for code, genus, volume in zip(space.codes, (1, 0), (0.7082, 0.5073), strict=True):
        mesh = extract(space, code, 63, dense=True)
        shape = topology(mesh.vertices, mesh.faces)
        assert (shape.components, shape.genus, shape.watertight) == (1, genus, True)
        assert shape.volume == pytest.approx(volume, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "codes", "said"),
    [
        ("deepsdfstruct_round_cross", (20, 1), ()),
        (
            "deepsdfstruct_test_experiment_homogenization",
            (1000, 10),
            ("homogen_predictor_dims",),
        ),
        ("deepsdfstruct_primitives_cl08", (100, 8), ("spline fields",)),
    ],
)
def test_deepsdfstruct(
    checkpoint: Callable[[str], Path], name: str, codes: tuple[int, int], said: tuple[str, ...]
) -> None:
    space: Space = load_space(checkpoint(name))
    assert tuple(space.codes.shape) == codes
    assert not space.decoder.architecture.tanh_out
    assert len(space.warnings) == len(said)
    assert all(text in warning for text, warning in zip(said, space.warnings, strict=True))
    values = space.fold(space.mean_code).evaluate(torch.rand(5000, 3) * 2 - 1)
    assert float(values.min()) < 0 < float(values.max())


def test_codes_without_a_decoder(checkpoint: Callable[[str], Path]) -> None:
    refused(
        checkpoint("legacy_latents_only_chairs"),
        "has latent codes",
        "ModelParameters/latest.pth is missing",
    )


def test_a_built_in_space_is_loaded_by_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = load_space(builtin_spaces()["bob_and_spot"])
    for name in ("bob_and_spot", "Bob_and_Spot", "builtin:bob_and_spot"):
        assert torch.equal(load_space(name).codes, wanted.codes)
    with pytest.raises(SpaceError, match=r"There is no file or folder 'tails'.*heads") as error:
        load_space("tails")
    assert "or name a built-in space" in error.value.remedy


def test_a_file_or_folder_of_a_built_in_spaces_name_goes_first(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heads").mkdir()
    refused(Path("heads"), "no DeepSDF experiment")
    (tmp_path / "cars").write_text("ply")
    refused(Path("cars"), "is no shape space")
