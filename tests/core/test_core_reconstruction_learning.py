"""Lessons, losses, training and the encoder's file."""

from __future__ import annotations

import json
import math
import pickle
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.builtin import builtin_spaces
from core.errors import EncoderError, TrainingError
from core.extraction import extract
from core.loading import load_space
from core.pose import rotation_of
from core.reconstruction import (
    find_encoder,
    judging,
    maskerlearning,
    read_encoder,
    teachfolder,
    teaching,
)
from core.reconstruction.cropview import CropView, around
from core.reconstruction.drawing import COVER, CREVICE, NORMAL, PLACE, Shape, draw, projected
from core.reconstruction.encoder import Encoder, EncoderForm
from core.reconstruction.encoderfile import SpaceEncoder, encoder_path, fingerprint, write_encoder
from core.reconstruction.examples import Chance, examples, random_code, shape_of, squared
from core.reconstruction.learning import (
    EncoderOptions,
    EncoderTraining,
    Lessons,
    errors,
    roughened,
    seen,
)
from core.reconstruction.lighting import backgrounds, lit, shadowed
from core.reconstruction.masker import Masker
from core.reconstruction.maskerlearning import MaskerOptions, placed
from core.reconstruction.roundness import looks_round
from core.reconstruction.solids import SOLIDS, solid, solids
from core.reconstruction.surfacemeasure import EVERY_DIRECTION, surface_measure
from core.reconstruction.teaching import TeachOptions, teach
from core.space import Frame, Space
from core.spacefile import write_space
from core.surface import project
from core.zbuffer import look

from .octahedron import octahedra

# Both numbers of a code count, one more than the other.
MEASURE = torch.diag(torch.tensor([0.7, 0.3]).sqrt())
SMALL = EncoderForm(2, guesses=2, side=32, widths=(4, 8, 8, 8), features=16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums on several threads may differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lessons(bob_and_spot: Space) -> Lessons:
    drawn = examples(bob_and_spot, SMALL.side, generator=torch.Generator().manual_seed(1))
    return Lessons.of([next(drawn) for _ in range(12)])


@pytest.fixture(scope="module")
def spot(bob_and_spot: Space) -> tuple[Shape, CropView]:
    shape = shape_of(bob_and_spot, bob_and_spot.statistics.whiten(bob_and_spot.codes[1]))
    return shape, squared(shape, around(0.7, 0.3, 0.0), 4.0)


def test_a_relief_is_what_the_z_buffer_sees(spot: tuple[Shape, CropView]) -> None:
    shape, view = spot
    at, away = projected(shape, view)
    pixels = np.stack([(at[:, 0] + 1) * 64, (1 - at[:, 1]) * 64], axis=1)
    sight = look(pixels, -1 / away, shape.faces, 128, 128)
    relief = draw(shape, view, 64).astype(np.float64) / 255
    assert relief.shape == (8, 64, 64)
    assert relief[7].mean() == pytest.approx(sight.mask.mean(), abs=1e-3)
    whole = relief[7] == 1
    normals, places = relief[NORMAL][:, whole] * 2 - 1, relief[PLACE][:, whole] * 2 - 1
    assert np.linalg.norm(normals, axis=0) == pytest.approx(1, abs=0.02)
    assert (normals[2] > -0.1).all()  # what is seen looks at the camera
    # The places lie where the camera sees them.
    camera = view.rotation @ places + view.place[:, None]
    seen_at = camera[:2] / (-camera[2] * view.tangent)
    rows, columns = np.nonzero(whole)
    assert seen_at[0] == pytest.approx((columns + 0.5) / 32 - 1, abs=0.05)
    assert seen_at[1] == pytest.approx(1 - (rows + 0.5) / 32, abs=0.05)
    assert 0 < relief[CREVICE][0, whole].mean() < 0.5


def test_light_and_material_differ_and_the_outline_stays(spot: tuple[Shape, CropView]) -> None:
    relief = torch.from_numpy(draw(*spot, 64))
    rgb, cover = lit(relief.expand(40, -1, -1, -1), torch.Generator().manual_seed(1))
    assert rgb.shape == (40, 3, 64, 64)
    assert cover.shape == (40, 1, 64, 64)
    assert 0 <= float(rgb.min()) <= float(rgb.max()) <= 1
    assert bool((rgb <= cover + 1e-6).all())  # before black
    assert bool((cover == cover[:1]).all())
    inside = cover[0, 0] == 1
    means = rgb[:, :, inside].mean(-1)
    assert float(means.std(0).min()) > 0.1  # colours
    shades = rgb[:, :, inside].mean(1).std(-1) / means.mean(1)
    assert float(shades.quantile(0.9)) > 2 * float(shades.quantile(0.1)) > 0  # and contrasts
    again, _ = lit(relief.expand(40, -1, -1, -1), torch.Generator().manual_seed(1))
    assert torch.equal(rgb, again)


def test_backgrounds_are_pictures_and_differ() -> None:
    found = backgrounds(40, 24, torch.Generator().manual_seed(1))
    assert found.shape == (40, 3, 24, 24)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    assert float(found.mean((1, 2, 3)).std()) > 0.1
    assert float(found.std((2, 3)).mean()) > 0.05


def test_shadows_lie_below_and_darken_alone() -> None:
    behind = torch.ones(60, 3, 32, 32)
    cover = torch.zeros(60, 1, 32, 32)
    cover[:, :, 12:20, 12:20] = 1
    found = shadowed(behind, cover, torch.Generator().manual_seed(1))
    assert float(found.max()) <= 1
    assert float(found.min()) >= 0
    dark = 1 - found.mean(1)
    assert float(dark[:, 20:].mean()) > 4 * float(dark[:, :12].mean())
    # What leaves the picture on one side does not come in on the other.
    cover = torch.zeros(60, 1, 32, 32)
    cover[:, :, 12:32, 22:32] = 1
    found = shadowed(behind, cover, torch.Generator().manual_seed(1))
    assert float(found[..., :6].min()) == 1
    assert float(found[:, :, :4].min()) > 0.9
    shares = (dark.amax((1, 2)) > 0.05).float().mean()
    assert 0.4 < float(shares) < 0.9


def test_lessons_repeat_by_their_seed(bob_and_spot: Space, lessons: Lessons) -> None:
    again = examples(bob_and_spot, SMALL.side, generator=torch.Generator().manual_seed(1))
    for name, value in vars(Lessons.of([next(again) for _ in range(12)])).items():
        assert torch.equal(value, getattr(lessons, name)), name
    assert len(lessons) == 12
    assert lessons.views.shape == (12, 10)
    # Four pictures of each code, from all around.
    assert len(lessons.whitened.unique(dim=0)) == 3
    assert len(lessons.views.unique(dim=0)) == 12


def test_codes_are_those_of_the_family(bob_and_spot: Space) -> None:
    generator = torch.Generator().manual_seed(1)
    codes = torch.stack([random_code(bob_and_spot, generator) for _ in range(300)])
    assert float(codes.abs().max()) <= 2.5
    assert 0.3 < float(codes.square().mean()) < 1.5


def test_pictures_are_seen_with_masks_that_are_not_quite_right(lessons: Lessons) -> None:
    every = torch.arange(12)
    pictures = seen(lessons, every, torch.Generator().manual_seed(1))
    assert pictures.shape == (12, 4, 32, 32)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1
    _, cover = lit(lessons.reliefs, torch.Generator().manual_seed(1))
    wide = torch.nn.functional.interpolate(cover, (64, 64), mode="bilinear").repeat(8, 1, 1, 1)
    rough = roughened(wide, torch.Generator().manual_seed(2))
    assert 0 <= float(rough.min()) <= float(rough.max()) <= 1
    hard, true = rough > 0.5, wide > 0.5
    ious = (hard & true).sum((1, 2, 3)) / (hard | true).sum((1, 2, 3))
    assert 0.6 < float(ious.mean()) < 0.98
    far = torch.nn.functional.max_pool2d(wide, 11, 1, 5) == 0
    assert float(hard[far].float().mean()) < 0.02  # hardly any islands


def test_a_maskers_lessons_keep_mask_and_picture_together(
    lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    def white(reliefs: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        _, cover = lit(reliefs, generator)
        return cover.expand(-1, 3, -1, -1), cover

    def black(count: int, side: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(count, 3, side, side)

    monkeypatch.setattr(maskerlearning, "lit", white)
    monkeypatch.setattr(maskerlearning, "backgrounds", black)
    nothing = torch.zeros(1, 8, 32, 32, dtype=torch.uint8)
    pictures, masks = placed(lessons, torch.arange(12), nothing, torch.Generator().manual_seed(3))
    assert pictures.shape == (12, 3, 32, 32)
    inside, outside = masks[:, 0] > 0.99, masks[:, 0] < 0.01
    assert inside.any()
    for picture, here, beside in zip(pictures.mean(1), inside, outside, strict=True):
        if here.any():
            assert float(picture[here].mean()) > float(picture[beside].mean()) + 0.4


def test_things_stand_behind_and_are_not_in_the_mask(lessons: Lessons) -> None:
    twelve = torch.arange(12)
    nothing = torch.zeros(1, 8, 32, 32, dtype=torch.uint8)
    everywhere = lessons.reliefs[:1].clone()
    everywhere[:, COVER] = 255
    plain, masks = placed(lessons, twelve, nothing, torch.Generator().manual_seed(3))
    full, again = placed(lessons, twelve, everywhere, torch.Generator().manual_seed(3))
    assert torch.equal(masks, again)  # drawn before the things
    changed = (plain - full).abs().amax(1, keepdim=True) > 0.02
    assert float(changed[masks < 0.01].float().mean()) > 0.05
    assert not changed[masks > 0.99].any()


def test_solids_are_closed_and_sharp() -> None:
    chance = Chance(torch.Generator().manual_seed(1))
    corners = set()
    for _ in range(30):
        shape = solid(chance)
        triangles = shape.vertices[shape.faces]
        around = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        assert (around * triangles.mean(1)).sum() > 0  # outwards
        assert np.abs(around.sum(0)).max() < 1e-9  # closed
        unit = around / np.linalg.norm(around, axis=1, keepdims=True)
        np.testing.assert_allclose(np.repeat(unit, 3, axis=0), shape.normals, atol=1e-6)
        corners.add(len(np.unique(shape.vertices.round(9), axis=0)))
    assert 8 in corners  # boxes, and others
    assert len(corners) > 3
    reliefs = solids(32, torch.Generator().manual_seed(2))
    assert reliefs.shape == (SOLIDS, 8, 32, 32)
    assert reliefs.dtype == torch.uint8
    assert float((reliefs[:, COVER].float().mean((1, 2, 3)) / 255).min()) > 0.02


def outputs_for(whitened: Tensor, views: Tensor) -> Tensor:
    """Two guesses each: the truth, and one that is far off."""
    true = torch.cat([whitened, views, torch.full((len(views), 1), 9.0)], dim=1)
    other = true + 1.5
    other[:, -1] = -9.0
    return torch.stack([other, true], dim=1)


def truth(count: int = 5) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(1)
    rows = [
        CropView(around(*rng.normal(size=3)), (0.1, -0.05), 0.9, 0.2).numbers()
        for _ in range(count)
    ]
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(1)), torch.tensor(
        np.stack(rows), dtype=torch.float32
    )


def test_the_truth_has_no_error() -> None:
    whitened, views = truth()
    outputs = outputs_for(whitened, views)
    loss, code, degrees = errors(outputs[:, 1:], whitened, views, MEASURE)
    assert float(loss) == pytest.approx(0, abs=1e-5)
    assert code == 0
    assert degrees == pytest.approx(0, abs=0.05)
    both, code, _ = errors(outputs, whitened, views, MEASURE)
    assert code == 0
    assert float(both) > float(loss)  # the other one is drawn along a little


@pytest.mark.parametrize("angle", [1.0, 10.0, 90.0, 170.0])
def test_rotations_are_off_by_so_many_degrees(angle: float) -> None:
    whitened, views = truth()
    outputs = outputs_for(whitened, views)[:, 1:]
    axis = torch.tensor([0.3, -0.5, 0.8])
    turn = rotation_of(axis / axis.norm() * math.radians(angle))
    for columns in (slice(2, 5), slice(5, 8)):
        outputs[:, 0, columns] = views[:, columns.start - 2 : columns.stop - 2] @ turn.T
    _, _, degrees = errors(outputs, whitened, views, MEASURE)
    assert degrees == pytest.approx(angle, rel=1e-3, abs=0.05)


def test_round_shapes_may_be_turned_about_their_axis() -> None:
    whitened, views = truth()
    outputs = outputs_for(whitened, views)[:, 1:]
    x, y = views[:, :3], views[:, 3:6]
    turned = math.radians(70)
    outputs[:, 0, 2:5] = math.cos(turned) * x + math.sin(turned) * y
    outputs[:, 0, 5:8] = math.cos(turned) * y - math.sin(turned) * x
    loss, _, degrees = errors(outputs, whitened, views, MEASURE, azimuth=False)
    assert float(loss) == pytest.approx(0, abs=1e-5)
    assert degrees == pytest.approx(0, abs=0.1)
    loss, _, degrees = errors(outputs, whitened, views, MEASURE)
    assert degrees == pytest.approx(70, abs=0.1)
    # But its axis counts.
    tilt = rotation_of(torch.tensor([math.radians(25), 0, 0]))
    outputs[:, 0, 2:5], outputs[:, 0, 5:8] = x @ tilt.T, y @ tilt.T
    upright = torch.linalg.cross(x, y)
    off = ((upright @ tilt.T) * upright).sum(1).acos().rad2deg()
    _, _, degrees = errors(outputs, whitened, views, MEASURE, azimuth=False)
    assert degrees == pytest.approx(float(off.mean()), abs=0.1)


def test_errors_of_codes_are_motions_of_the_surface() -> None:
    """To first order: against the surfaces of codes that are a little off in any direction."""
    space = load_space(builtin_spaces()["cars"])
    generator = torch.Generator().manual_seed(1)
    measure = surface_measure(space, generator).double()
    assert float(measure.square().sum()) == pytest.approx(1, rel=1e-5)
    statistics = space.statistics
    even = EVERY_DIRECTION / space.code_length
    told, moved = [], []
    # The longest axes, a short one, and directions between them.
    errors_of = torch.eye(space.code_length)[[0, 1, 2, 20]]
    between = torch.randn(3, space.code_length, generator=generator)
    for error in (*errors_of, *torch.nn.functional.normalize(between, dim=1)):
        told.append(float((error.double() @ measure).square().sum()) - even)
        total = 0.0
        for code in space.codes[::12]:
            other = statistics.unwhiten(statistics.whiten(code) + 0.05 * error)
            before = extract(space, code, 32, draft=True).vertices[::25]
            before = project(space.fold(code), before, steps=3)
            after = project(space.fold(other), before, steps=3)
            away = (after - before).norm(dim=1)
            total += float(away.square().mean())
        moved.append(total)
    told_shares, shares = (torch.tensor(each) / sum(each) for each in (told, moved))
    assert torch.allclose(told_shares, shares, rtol=0.35, atol=0.01), (told_shares, shares)


def test_a_covariance_of_few_codes_is_not_too_sure() -> None:
    generator = torch.Generator().manual_seed(1)
    off = 0.25 * torch.randn(300, 64, generator=generator)
    found = torch.linalg.eigvalsh(judging.covariance_of(off, 300)).sqrt()
    assert float(found.min()) > 0.25 / 2
    assert float(found.max()) < 0.25 * 2
    # Of many codes it is what they say, how their numbers go together too.
    together = torch.tensor([[0.2, 0.0], [0.15, 0.1]])
    many = torch.randn(20_000, 2, generator=generator) @ together.T
    expected = together @ together.T + judging.LEAST_ERROR**2 * torch.eye(2)
    assert torch.allclose(judging.covariance_of(many, 20_000), expected, rtol=0.05)


def test_a_training_goes_on_exactly_where_it_was(lessons: Lessons, tmp_path: Path) -> None:
    options = EncoderOptions(pictures=12, steps=6, batch=4)
    whole = EncoderTraining(SMALL, options, generator=torch.Generator().manual_seed(5))
    expected = [step.loss for step in whole.run(lessons, MEASURE)]
    part = EncoderTraining(SMALL, options, generator=torch.Generator().manual_seed(5))
    steps = part.run(lessons, MEASURE)
    found = [next(steps).loss for _ in range(3)]
    part.save(tmp_path / "run.pt")
    again = EncoderTraining(SMALL, options, generator=torch.Generator())
    again.resume(tmp_path / "run.pt")
    assert again.step == 3
    found += [step.loss for step in again.run(lessons, MEASURE)]
    assert found == expected
    for key, value in whole.encoder.state_dict().items():
        assert torch.equal(again.encoder.state_dict()[key], value), key


def test_a_training_learns(lessons: Lessons) -> None:
    options = EncoderOptions(pictures=12, steps=90, batch=12, rate=5e-3)
    training = EncoderTraining(SMALL, options, generator=torch.Generator().manual_seed(5))
    losses = [step.loss for step in training.run(lessons, MEASURE)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


class Harm:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("harm"),))


def test_a_checkpoint_never_runs_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = EncoderOptions(pictures=12, steps=6, batch=4)
    training = EncoderTraining(SMALL, options, generator=torch.Generator().manual_seed(5))
    torch.save({"kind": Harm()}, tmp_path / "run.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    torch.save({"kind": "another"}, tmp_path / "other.pt")
    for name in ("run.pt", "text.pt", "other.pt", "none.pt"):
        with pytest.raises(TrainingError, match="no checkpoint of this encoder"):
            training.resume(tmp_path / name)
    assert not (tmp_path / "harm").exists()


def made(space: Space, form: EncoderForm = SMALL) -> SpaceEncoder:
    torch.manual_seed(3)
    form = replace(form, code_length=space.code_length)
    return SpaceEncoder(
        space.name,
        fingerprint(space),
        Encoder(form).eval(),
        Masker().eval(),
        torch.diag(torch.linspace(0.2, 0.6, form.code_length)),
        False,
        space.frame.up,
        {"quality": {"mask_iou": 0.9}},
    )


def test_a_file_holds_the_encoder(bob_and_spot: Space, tmp_path: Path) -> None:
    encoder = made(bob_and_spot)
    write_encoder(tmp_path / "new" / "a.safetensors", encoder)
    state = torch.random.get_rng_state()
    found = read_encoder(tmp_path / "new" / "a.safetensors")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert found.encoder.form == encoder.encoder.form
    for name in ("space", "fingerprint", "azimuth", "up", "card"):
        assert getattr(found, name) == getattr(encoder, name)
    assert torch.equal(found.covariance, encoder.covariance)
    picture = torch.rand(4, 32, 32)
    for one, other in zip(
        found.encoder.guess(picture), encoder.encoder.guess(picture), strict=True
    ):
        np.testing.assert_allclose(one.whitened, other.whitened, atol=5e-3)  # half precision
        np.testing.assert_allclose(one.view.numbers(), other.view.numbers(), atol=5e-3)
    assert [guess.likelihood for guess in found.encoder.guess(picture)] == pytest.approx(
        sorted((g.likelihood for g in encoder.encoder.guess(picture)), reverse=True), abs=5e-3
    )
    mask = found.masker.predict(picture[:3, :, :])
    np.testing.assert_allclose(mask, encoder.masker.predict(picture[:3]), atol=5e-3)
    write_encoder(tmp_path / "again.safetensors", found)
    assert (tmp_path / "again.safetensors").read_bytes() == (
        tmp_path / "new" / "a.safetensors"
    ).read_bytes()


def edited(path: Path, **changes: Any) -> Path:
    """A copy whose description has other entries."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    said = json.loads(header["__metadata__"]["meshsdf"]) | changes
    header["__metadata__"]["meshsdf"] = json.dumps(said)
    text = json.dumps(header).encode()
    copy = path.with_name("edited.safetensors")
    copy.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
    return copy


@pytest.fixture
def written(bob_and_spot: Space, tmp_path: Path) -> Path:
    write_encoder(tmp_path / "a.safetensors", made(bob_and_spot))
    return tmp_path / "a.safetensors"


def test_shortened_files_are_refused(written: Path) -> None:
    data = written.read_bytes()
    for length in (0, 4, 8, 200, len(data) // 2, len(data) - 1):
        written.write_bytes(data[:length])
        with pytest.raises(EncoderError, match=r"a\.safetensors"):
            read_encoder(written)


FORM = {"code_length": 2, "guesses": 2, "side": 32, "widths": [4, 8, 8, 8], "features": 16}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "another"}, "no encoder of a space"),
        ({"version": 2}, "version 2"),
        ({"form": {**FORM, "side": 40}}, "describes no encoder"),
        ({"form": {**FORM, "widths": [4, 8, 8]}}, "describes no encoder"),
        ({"form": {**FORM, "guesses": True}}, "describes no encoder"),
        ({"form": {**FORM, "features": 10**9}}, "describes no encoder"),
        ({"form": {**FORM, "features": 8192, "side": 512, "guesses": 64}}, "smaller than"),
        ({"form": {**FORM, "code_length": 3}}, "another shape"),
        ({"form": None}, "describes no encoder"),
    ],
)
def test_edited_descriptions_are_refused(written: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(EncoderError, match=said):
        read_encoder(edited(written, **changes))


def test_edited_tensors_are_refused(written: Path, tmp_path: Path) -> None:
    tensors = load_file(written)
    described = {"meshsdf": json.dumps(json.loads(_text(written)))}
    wrong = {
        "covariance": torch.tensor([[0.2, 0.0], [0.0, -0.1]]),
        "encoder.guesses.bias": torch.full_like(tensors["encoder.guesses.bias"], torch.nan),
        "encoder.guesses.weight": tensors["encoder.guesses.weight"][:-1],
        "masker.last.bias": torch.zeros(1, dtype=torch.int32),
        "encoder.narrow.1.running_var": -torch.ones(48),
    }
    for name, tensor in wrong.items():
        save_file({**tensors, name: tensor.contiguous()}, tmp_path / "b.safetensors", described)
        with pytest.raises(EncoderError, match=name.replace(".", r"\.")):
            read_encoder(tmp_path / "b.safetensors")
        without = {key: value for key, value in tensors.items() if key != name}
        save_file(without, tmp_path / "b.safetensors", described)
        with pytest.raises(EncoderError, match="missing"):
            read_encoder(tmp_path / "b.safetensors")


def _text(path: Path) -> str:
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    return str(json.loads(data[8 : 8 + size])["__metadata__"]["meshsdf"])


def test_other_files_are_refused_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(Harm()))
    torch.save(Harm(), tmp_path / "zip.safetensors")
    with (tmp_path / "large.safetensors").open("wb") as file:
        file.truncate(65 * 1024**2)
    write_space(tmp_path / "space.safetensors", octahedra())
    for name, said in (
        ("pickle", "damaged"),
        ("zip", "damaged"),
        ("large", "bytes, and at most"),
        ("space", "no encoder of a space"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(EncoderError, match=said):
            read_encoder(tmp_path / f"{name}.safetensors")
    assert not (tmp_path / "harm").exists()


def test_an_encoder_fits_its_own_space_alone(bob_and_spot: Space) -> None:
    encoder = made(bob_and_spot)
    encoder.check(bob_and_spot)
    encoder.check(replace(bob_and_spot, name="renamed"))
    with pytest.raises(EncoderError, match="not taught with"):
        encoder.check(octahedra())
    with pytest.raises(EncoderError, match="not taught with"):
        encoder.check(replace(bob_and_spot, codes=bob_and_spot.codes + 0.1))
    with pytest.raises(EncoderError, match="Z up"):
        encoder.check(replace(bob_and_spot, frame=Frame("Y")))


def test_encoders_are_found_beside_the_space_or_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.reconstruction import encoderfile

    monkeypatch.setattr(encoderfile, "BUILTIN", tmp_path / "builtin")
    space, path = octahedra(), tmp_path / "mine" / "octahedra.safetensors"
    with pytest.raises(EncoderError, match="core teach"):
        find_encoder(space, path)
    (tmp_path / "builtin" / "encoders").mkdir(parents=True)
    (tmp_path / "builtin" / "encoders" / "a.safetensors").write_bytes(b"damaged")
    write_encoder(tmp_path / "builtin" / "encoders" / "b.safetensors", made(space))
    assert find_encoder(space, path).space == "octahedra"  # a copy of a built-in space
    assert encoder_path(path) == tmp_path / "mine" / "encoders" / "octahedra.safetensors"
    write_encoder(encoder_path(path), made(octahedra(Frame("Y"))))
    with pytest.raises(EncoderError, match="Y up"):
        find_encoder(space, path)


SHORT = TeachOptions(
    EncoderOptions(pictures=25, views=5, steps=4, batch=6),
    MaskerOptions(pictures=12, views=5, steps=3, batch=2),
)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachfolder, "PART", 10)
    monkeypatch.setattr(judging, "CHECKED", 10)
    monkeypatch.setattr(judging, "CHECKED_MASKS", 4)


@pytest.mark.usefixtures("brief")
def test_a_stopped_teaching_comes_to_the_same_file(tmp_path: Path) -> None:
    space = octahedra()
    steps = list(teach(space, tmp_path / "a.safetensors", tmp_path / "a", options=SHORT))
    assert [step.stage for step in steps if step.stage != "pictures"] == (
        ["encoder"] * 4 + ["masker"] * 3 + ["judging"] * 2 + ["done"]
    )
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert steps[-1].figures.keys() >= {"code_error", "best_degrees", "mask_iou"}
    # Stopped amid the pictures, the encoder's steps, and the masker's.
    for last in (
        lambda step: step.share > 0.2,
        lambda step: step.stage == "encoder",
        lambda step: step.stage == "masker",
    ):
        running = teach(space, tmp_path / "b.safetensors", tmp_path / "b", options=SHORT)
        next(step for step in running if last(step))
        running.close()
    assert not (tmp_path / "b.safetensors").exists()
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "b").glob("pictures_*")}
    assert len(parts) == 3
    resumed = list(teach(space, tmp_path / "b.safetensors", tmp_path / "b", options=SHORT))
    stages = [step.stage for step in resumed]
    assert stages.count("encoder") == 0  # all of them were taken
    assert stages.count("masker") == 2  # but for the first
    assert {path: path.stat().st_mtime_ns for path in parts} == parts
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()
    found = read_encoder(tmp_path / "a.safetensors")
    found.check(space)
    assert found.azimuth
    assert found.card["recipe"]["encoder"]["pictures"] == 25
    assert float(torch.linalg.eigvalsh(found.covariance).min()) >= 0.9 * judging.LEAST_ERROR**2


@pytest.mark.usefixtures("brief")
def test_a_folder_of_another_run_is_begun_anew(tmp_path: Path) -> None:
    space, folder = octahedra(), tmp_path / "run"
    options = replace(SHORT, encoder=replace(SHORT.encoder, pictures=5, steps=1))
    list(teach(space, tmp_path / "a.safetensors", folder, options=options))
    (folder / "notes.txt").write_text("mine")
    first = (folder / "pictures_0.safetensors").read_bytes()
    list(teach(space, tmp_path / "b.safetensors", folder, options=replace(options, seed=2)))
    assert (folder / "pictures_0.safetensors").read_bytes() != first
    assert (folder / "notes.txt").read_text() == "mine"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="holds something else"):
        next(teach(space, tmp_path / "c.safetensors", tmp_path / "full", options=options))


@pytest.mark.usefixtures("brief")
def test_a_masker_is_taught_anew_beside_the_encoder_that_is_there(tmp_path: Path) -> None:
    space, path = octahedra(), tmp_path / "a.safetensors"
    list(teach(space, path, tmp_path / "whole", options=SHORT))
    known = read_encoder(path)
    other = replace(SHORT, encoder=EncoderOptions(), seed=2)
    steps = list(teach(space, path, tmp_path / "masks", options=other, known=known))
    assert "encoder" not in {step.stage for step in steps}
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    found = read_encoder(path)
    for name, value in known.encoder.state_dict().items():
        assert torch.equal(found.encoder.state_dict()[name], value), name
    learnt = found.masker.state_dict()
    assert not torch.equal(learnt["last.weight"], known.masker.state_dict()["last.weight"])
    assert found.card["recipe"]["encoder"]["pictures"] == SHORT.encoder.pictures
    assert found.card["recipe"]["masker"]["pictures"] == SHORT.masker.pictures
    another = replace(space, codes=space.codes * 2)
    with pytest.raises(EncoderError, match="was not taught with"):
        next(teach(another, path, tmp_path / "other", options=other, known=known))


@pytest.mark.usefixtures("brief")
def test_a_run_of_masks_alone_begins_anew_in_the_folder_of_a_whole_one(tmp_path: Path) -> None:
    space, path, folder = octahedra(), tmp_path / "a.safetensors", tmp_path / "run"
    list(teach(space, path, folder, options=SHORT))
    steps = teach(space, path, folder, options=SHORT, known=read_encoder(path))
    assert [step.stage for step in steps].count("masker") == SHORT.masker.steps


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("name", ["encoder.pt", "masker.pt", "pictures_0.safetensors"])
def test_what_is_damaged_in_the_folder_is_made_anew(tmp_path: Path, name: str) -> None:
    space, path, folder = octahedra(), tmp_path / "a.safetensors", tmp_path / "run"
    list(teach(space, path, folder, options=SHORT))
    whole = path.read_bytes()
    kept = folder / name
    kept.write_bytes(kept.read_bytes()[:100])
    path.unlink()
    list(teach(space, path, folder, options=SHORT))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("recipe", [None, [1], {}, {"encoder": {"steps": 5}, "seed": 3}])
def test_a_recipe_keeps_what_the_encoder_was_taught_by(bob_and_spot: Space, recipe: object) -> None:
    known = replace(made(bob_and_spot), card={"recipe": recipe})
    found = teaching._mended_recipe(known, replace(SHORT, seed=7))
    assert found["masker"] == vars(SHORT.masker) | {"seed": 7}
    former = recipe if isinstance(recipe, dict) else {}
    assert {key: value for key, value in found.items() if key != "masker"} == former


def test_built_in_maskers_have_learnt() -> None:
    for name, path in builtin_spaces().items():
        masker = read_encoder(encoder_path(path)).masker
        assert float(masker.state_dict()["down.0.norm.running_mean"].abs().max()) > 0, name


def test_one_shape_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    space = replace(octahedra(), codes=torch.zeros(1, 1))
    with pytest.raises(TrainingError, match="fewer than two"):
        next(teach(space, tmp_path / "a.safetensors", tmp_path / "run"))


@pytest.mark.parametrize(
    ("name", "alike"), [("vases", True), ("cups", False), ("heads", False), ("chairs", False)]
)
def test_which_families_look_alike_from_all_around(name: str, alike: bool, built_in: Any) -> None:
    assert looks_round(built_in(name)) == alike
