"""Exported experiments: read back bit for bit, and by an independent DeepSDF decoder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.decoder import Architecture, Decoder
from core.deepsdf import read_experiment
from core.deepsdf.export import export_experiment
from core.errors import SpaceError
from core.exporting import export_space
from core.loading import load_space
from core.space import Frame, Slider, Space
from core.spacefile import space_bytes

FORMS = {
    "plain": Architecture(3, (16, 12)),
    "skip": Architecture(3, (16, 10, 16, 16), skips=(2,)),
    "skip at the output": Architecture(2, (16, 16), skips=(2,)),
    "two skips": Architecture(3, (16, 10, 16, 12, 16), skips=(2, 4)),
    "coordinates everywhere": Architecture(3, (16, 12, 9), xyz_in_all=True),
    "both": Architecture(3, (16, 12, 9), skips=(1,), xyz_in_all=True),
    "norms": Architecture(3, (16, 12, 8), skips=(1,), norms=(0, 2)),
    "two tanhs": Architecture(3, (16, 12), tanh_last=True),
}
OURS = {
    "Fourier": Architecture(3, (16, 12, 16), skips=(1,), fourier_degree=3),
    "no tanh": Architecture(3, (16, 12), tanh_out=False),
}


def space_of(form: Architecture, count: int = 2) -> Space:
    generator = torch.Generator().manual_seed(5)
    decoder = Decoder(form, generator=generator).requires_grad_(False)
    for scales in (*decoder.norm_weights.values(), *decoder.norm_biases.values()):
        scales.add_(torch.randn(scales.shape, generator=generator))
    return Space(
        name="Tässen",
        decoder=decoder,
        codes=torch.randn(count, form.code_length, generator=generator),
        shape_names=("Mug", "顔")[:count],
        frame=Frame("Z", 2.5, (0.1, 0.0, -3.0)),
        card={"licence": "CC0-1.0", "origin": "here", "quality": {"iou": 0.25}},
        warnings=("a warning",),
        sliders=(Slider("Höhe", torch.randn(form.code_length, generator=generator), -1.5, 2.0),),
    )


class DeepSDF(nn.Module):
    """The decoder of DeepSDF's supplement, from its description: layers are counted from 0, a
    layer of ``latent_in`` reads code and point again, and dims counts what the next layer reads."""

    def __init__(
        self,
        latent_size: int,
        dims: list[int],
        *,
        norm_layers: tuple[int, ...] = (),
        latent_in: tuple[int, ...] = (),
        xyz_in_all: bool = False,
        use_tanh: bool = False,
        weight_norm: bool = False,
        dropout: tuple[int, ...] = (),
        dropout_prob: float = 0.0,
        latent_dropout: bool = False,
    ) -> None:
        super().__init__()
        assert not any((weight_norm, dropout, dropout_prob, latent_dropout))
        self.again, self.xyz_in_all, self.use_tanh = latent_in, xyz_in_all, use_tanh
        sizes = [latent_size + 3, *dims, 1]
        self.last = len(sizes) - 2
        for layer in range(self.last + 1):
            width = sizes[layer + 1]
            if layer + 1 in latent_in:
                width -= sizes[0]
            elif xyz_in_all and layer != self.last:
                width -= 3
            self.add_module(f"lin{layer}", nn.Linear(sizes[layer], width))
            if layer in norm_layers:
                self.add_module(f"bn{layer}", nn.LayerNorm(width))

    def forward(self, both: Tensor) -> Any:
        value = both
        for layer in range(self.last + 1):
            if layer in self.again:
                value = torch.cat([value, both], 1)
            elif layer and self.xyz_in_all:
                value = torch.cat([value, both[:, -3:]], 1)
            value = self.get_submodule(f"lin{layer}")(value)
            if layer == self.last:
                return (value.tanh() if self.use_tanh else value).tanh()
            if hasattr(self, f"bn{layer}"):
                value = self.get_submodule(f"bn{layer}")(value)
            value = value.relu()
        raise AssertionError


def load_as_deepsdf(folder: Path) -> tuple[nn.Module, Tensor]:
    """Decoder and codes, loaded in the steps of DeepSDF's programs."""
    specs = json.loads((folder / "specs.json").read_text())
    assert specs["NetworkArch"] == "deep_sdf_decoder"
    decoder = nn.DataParallel(DeepSDF(specs["CodeLength"], **specs["NetworkSpecs"]))
    saved = torch.load(folder / "ModelParameters" / "latest.pth", weights_only=True)
    decoder.load_state_dict(saved["model_state_dict"])
    assert type(saved["epoch"]) is int
    codes = torch.load(folder / "LatentCodes" / "latest.pth", weights_only=True)["latent_codes"]
    count, length = codes["weight"].shape
    embedding = nn.Embedding(count, length)
    embedding.load_state_dict(codes)
    return decoder.module.eval(), embedding.weight.data


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_deepsdf_code_computes_the_same_values(form: Architecture, tmp_path: Path) -> None:
    space = space_of(form)
    _, notes = export_experiment(space, tmp_path / "a")
    assert notes == []
    decoder, codes = load_as_deepsdf(tmp_path / "a")
    assert torch.equal(codes, space.codes)
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for code in space.codes:
        both = torch.cat([code.expand(len(points), -1), points], 1)
        expected = space.fold(code).evaluate(points)
        assert float(expected.std()) > 1e-3
        with torch.no_grad():
            assert torch.allclose(decoder(both).squeeze(1), expected, atol=2e-6)


@pytest.mark.parametrize("form", (FORMS | OURS).values(), ids=FORMS | OURS)
def test_an_export_comes_back_bit_for_bit(form: Architecture, tmp_path: Path) -> None:
    space = space_of(form)
    files, _ = export_experiment(space, tmp_path / "a")
    assert all(file.is_file() for file in files)
    assert sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()) == sorted(files)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    # The file's bytes hold everything that a space has.
    assert space_bytes(load_space(tmp_path / "a")) == space_bytes(space)


def test_what_plain_deepsdf_lacks_is_said(tmp_path: Path) -> None:
    _, notes = export_experiment(space_of(OURS["Fourier"]), tmp_path / "a")
    assert len(notes) == 1
    assert "Fourier features of degree 3" in notes[0]
    network = json.loads((tmp_path / "a" / "specs.json").read_text())["NetworkSpecs"]
    assert (network["positional_encoding"], network["fourier_degree"]) == (True, 3)
    with pytest.raises(TypeError, match="positional_encoding"):
        load_as_deepsdf(tmp_path / "a")
    _, notes = export_experiment(space_of(OURS["no tanh"]), tmp_path / "b")
    assert "no last tanh" in notes[0]


def test_without_our_file_it_is_an_experiment_as_any_other(tmp_path: Path) -> None:
    space = space_of(FORMS["skip"])
    export_experiment(space, tmp_path / "a")
    (tmp_path / "a" / "meshsdf.json").unlink()
    found = read_experiment(tmp_path / "a")
    assert (found.name, found.frame.up, found.shape_names) == ("a", "Y", ())
    assert found.decoder.architecture == space.decoder.architecture
    assert torch.equal(found.codes, space.codes)


def test_a_space_without_codes(tmp_path: Path) -> None:
    export_experiment(space_of(FORMS["skip"], count=0), tmp_path / "a")
    found = read_experiment(tmp_path / "a")
    assert found.codes.shape == (0, 3)
    assert found.warnings[0] == "a warning"
    assert "holds no codes" in found.warnings[1]


def test_an_export_that_was_trained_further_keeps_its_frame(tmp_path: Path) -> None:
    export_experiment(space_of(FORMS["skip"]), tmp_path / "a")
    codes = {"epoch": 0, "latent_codes": {"weight": torch.ones(3, 3)}}
    torch.save(codes, tmp_path / "a" / "LatentCodes" / "latest.pth")
    found = read_experiment(tmp_path / "a")
    assert (found.frame.scale, found.shape_names, len(found.codes)) == (2.5, (), 3)
    assert any("names 2 shapes of 3" in text for text in found.warnings)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 9},
        {"architecture": {"widths": [3]}},
        {"slider_offsets": [[1, 2]]},
        {"slider_offsets": [[1, 2, "x"]]},
        {"slider_offsets": None},
    ],
)
def test_a_damaged_meshsdf_json_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    export_experiment(space_of(FORMS["skip"]), tmp_path / "a")
    file = tmp_path / "a" / "meshsdf.json"
    described = json.loads(file.read_text())
    if "architecture" in change:
        change = {"architecture": {**described["architecture"], **change["architecture"]}}
    file.write_text(json.dumps({**described, **change}))
    with pytest.raises(SpaceError, match=r"meshsdf\.json"):
        read_experiment(tmp_path / "a")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    space = space_of(FORMS["plain"])
    (tmp_path / "empty").mkdir()
    export_experiment(space, tmp_path / "empty")
    with pytest.raises(SpaceError, match="not empty"):
        export_experiment(space, tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SpaceError, match="is a file"):
        export_experiment(space, tmp_path / "file")
    with pytest.raises(SpaceError, match="There is no folder"):
        export_experiment(space, tmp_path / "none" / "a")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        if path.name == "meshsdf.json":
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr("core.deepsdf.export.write_whole", full)
    with pytest.raises(SpaceError, match="No space left on device"):
        export_experiment(space_of(FORMS["plain"]), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    space = space_of(FORMS["plain"])
    space.decoder.biases[0][0] = math.nan
    with pytest.raises(SpaceError, match="not finite"):
        export_experiment(space, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_ends_in_safetensors_is_our_own_file(tmp_path: Path) -> None:
    space, target = space_of(FORMS["plain"]), tmp_path / "mine.safetensors"
    assert export_space(space, target) == ([target], [])
    assert target.read_bytes() == space_bytes(space)
    with pytest.raises(SpaceError, match="there already"):
        export_space(space, target)
    files, _ = export_space(space, tmp_path / "folder")
    assert files[0].parent == tmp_path / "folder"
