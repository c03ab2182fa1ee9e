"""From a picture to a shape: with an encoder that knows the truth, and by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from core import reconstruction_commands
from core.__main__ import _parser
from core.builtin import builtin_spaces
from core.camera import View, lens_view
from core.errors import FitError, PictureError, ViewError
from core.extraction import extract
from core.fitting import Belief, FitOptions, fit
from core.pose import transformed
from core.reconstruction import (
    Reconstruction,
    ReconstructOptions,
    SpaceEncoder,
    judging,
    reconstruct,
)
from core.reconstruction.cropview import CropView, Square, around
from core.reconstruction.drawing import draw
from core.reconstruction.encoder import Encoder, EncoderForm
from core.reconstruction.encoderfile import encoder_path, fingerprint, read_encoder, write_encoder
from core.reconstruction.examples import shape_of, squared
from core.reconstruction.lighting import lit
from core.reconstruction.masker import Masker
from core.reconstruction.masking import MARGIN
from core.silhouette import see
from core.space import Space
from core.spacefile import write_space
from core.viewfile import read_view

from .command_line import fails, run
from .octahedron import octahedra

WIDTH, HEIGHT, SIDE = 320, 240, 140
ASIDE = Square(180, 110, SIDE / 2)
MIDDLE = Square(WIDTH / 2, HEIGHT / 2, SIDE / 2)
FEW = ReconstructOptions(steps=3, resolution=40)


def knowing(space: Space, whitened: Tensor, guesses: list[tuple[CropView, float]]) -> SpaceEncoder:
    """An encoder that says the same of every picture: code, views, logarithms of likelihood."""
    form = EncoderForm(
        space.code_length, guesses=len(guesses), side=32, widths=(4, 8, 8, 8), features=8
    )
    encoder = Encoder(form).eval().requires_grad_(False)
    rows = [
        torch.cat([torch.from_numpy(view.numbers()).float(), torch.tensor([log])])
        for view, log in guesses
    ]
    encoder.guesses.weight.zero_()
    encoder.guesses.bias.copy_(torch.cat([whitened, *rows]))
    usual = 0.09 * torch.eye(space.code_length)
    return SpaceEncoder(space.name, fingerprint(space), encoder, Masker().eval(), usual)


@pytest.fixture(scope="module")
def cow(bob_and_spot: Space) -> tuple[Tensor, CropView, Tensor]:
    """A whitened code, how it is seen, and the picture of it in a square."""
    return seen_cow(bob_and_spot, tilt=0.0)


def seen_cow(space: Space, *, tilt: float) -> tuple[Tensor, CropView, Tensor]:
    whitened = space.statistics.whiten(space.codes[1])
    shape = shape_of(space, whitened, 48)
    view = squared(shape, around(0.8, 0.2, tilt), 5.0, margin=MARGIN)
    relief = torch.from_numpy(draw(shape, view, SIDE))
    rgb, coverage = lit(relief[None], torch.Generator().manual_seed(4))
    return whitened, view, torch.cat([rgb[0], coverage[0]])


def in_picture(part: Tensor, square: Square) -> Tensor:
    """RGBA ``(4, H, W)``, clear but for the square."""
    picture = torch.zeros(4, HEIGHT, WIDTH)
    top, left = int(square.row - SIDE / 2), int(square.column - SIDE / 2)
    here = picture[:, top : top + SIDE, left : left + SIDE]
    here[:3] = part[:3] / part[3].clamp_min(1e-6)
    here[3] = part[3]
    return picture


def silhouette(space: Space, found: Reconstruction, view: View) -> Tensor:
    mesh = extract(space, found.code, 48)
    world = transformed(found.object_matrix @ space.frame.matrix(), mesh.vertices.double())
    return torch.from_numpy(see(view, world, mesh.faces.numpy()).mask)


def overlap(a: Tensor, b: Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("square", [MIDDLE, ASIDE])
def test_a_true_guess_is_found_with_its_camera(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor], square: Square
) -> None:
    whitened, view, part = cow
    picture = in_picture(part, square)
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    *steps, last = reconstruct(bob_and_spot, encoder, picture, options=FEW)
    assert [step.stage for step in steps[:2]] == ["guess", "trial"]
    assert {step.stage for step in steps[2:]} == {"refine"}
    assert last.done
    assert last.reason in {"converged", "patience", "steps"}
    assert last.step == steps[-1].step
    assert last.start_iou == steps[0].iou > 0.85
    assert last.iou > 0.95
    assert last.ms.keys() >= {"mask", "encoder", "trials", "refine"}
    assert not last.predicted
    # The view is that of the camera, and shows the object where it is in the picture.
    assert last.camera is not None
    lens = last.focal * 36 / WIDTH
    again = lens_view(last.camera, WIDTH, HEIGHT, lens=lens)
    torch.testing.assert_close(
        last.view.project(torch.ones(1, 3).double()), again.project(torch.ones(1, 3).double())
    )
    assert overlap(silhouette(bob_and_spot, last, last.view), picture[3] > 0.5) > 0.93
    assert torch.equal(last.object_matrix, torch.eye(4, dtype=torch.float64))
    assert float((last.code - bob_and_spot.codes[1]).norm()) < 0.2


@pytest.mark.parametrize("told", [True, False])
def test_a_lens_is_kept_where_it_is_told_and_found_where_it_is_not(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor], told: bool
) -> None:
    whitened, view, part = cow
    lens = ASIDE.half / view.tangent * 36 / WIDTH
    wrong = view.with_tangent(view.tangent / 1.7)  # a longer one
    encoder = knowing(bob_and_spot, whitened, [(wrong, 0.0)])
    *_, last = reconstruct(
        bob_and_spot, encoder, in_picture(part, ASIDE), lens=lens if told else None
    )
    assert last.lens == (lens if told else None)
    found = last.focal * 36 / WIDTH
    assert found == pytest.approx(lens, rel=1e-9 if told else 0.15)
    assert last.iou > 0.97


def test_a_lens_beside_a_camera_is_refused(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor]
) -> None:
    whitened, view, part = cow
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    camera = lens_view(torch.eye(4, dtype=torch.float64), WIDTH, HEIGHT)
    with pytest.raises(ViewError, match="lens and a camera"):
        reconstruct(bob_and_spot, encoder, in_picture(part, ASIDE), view=camera, lens=50.0)


@pytest.mark.parametrize("lens", [0.0, -5.0, float("nan"), 1e6])
def test_what_is_no_lens_is_refused(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor], lens: float
) -> None:
    whitened, view, part = cow
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    with pytest.raises(ViewError, match="mm"):
        reconstruct(bob_and_spot, encoder, in_picture(part, ASIDE), lens=lens)


@pytest.mark.parametrize("kept", [{}, {"ortho_scale": 4.0}])
def test_a_known_camera_stays_where_it_is(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor], kept: dict[str, float]
) -> None:
    whitened, guess, part = cow
    picture = in_picture(part, ASIDE)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, 3] = torch.tensor([3.0, 1.0, 2.0])
    lens = ASIDE.half / guess.tangent * 36 / WIDTH
    # Of another size than the picture, but of its proportions.
    view = lens_view(pose, 2 * WIDTH, 2 * HEIGHT, lens=lens, **kept)  # type: ignore[arg-type]
    # Where no move makes a shape larger, its scale has to be found.
    size = guess.size * (0.8 if kept else 1.0)
    said = CropView(guess.rotation, guess.centre, size, guess.tangent)
    encoder = knowing(bob_and_spot, whitened, [(said, 0.0)])
    *_, last = reconstruct(bob_and_spot, encoder, picture, view=view, scale=0.5, options=FEW)
    assert last.camera is None
    assert last.iou > (0.9 if kept else 0.95)  # it was drawn in perspective
    if not kept:
        assert float(torch.linalg.det(last.object_matrix[:3, :3])) == pytest.approx(0.125)
    large = torch.nn.functional.interpolate(picture[None, 3:], scale_factor=2)[0, 0] > 0.5
    assert overlap(silhouette(bob_and_spot, last, view), large) > (0.9 if kept else 0.93)


def test_the_guess_that_matches_is_taken(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor]
) -> None:
    whitened, view, part = cow
    picture = in_picture(part, MIDDLE)
    wrong = CropView(around(-1.2, 1.0, 0.5), (0.3, 0.0), 0.5, view.tangent)
    beside = CropView(view.rotation, (40.0, 0.0), view.size, view.tangent)
    guesses = [(wrong, 1.0), (view, 0.0), (beside, 0.5)]
    encoder = knowing(bob_and_spot, whitened, guesses)
    *_, last = reconstruct(bob_and_spot, encoder, picture, options=FEW)
    assert last.guess == 2  # the least likely of three
    assert last.likelihood == pytest.approx(1 / (1 + np.e + np.e**0.5), abs=1e-3)
    assert last.iou > 0.95
    alone = ReconstructOptions(guesses=1, steps=1, resolution=40)
    *_, last = reconstruct(bob_and_spot, encoder, picture, options=alone)
    assert last.guess == 0
    word = ReconstructOptions(steps=0)
    stages = [step.stage for step in reconstruct(bob_and_spot, encoder, picture, options=word)]
    assert stages == ["guess", "done"]


def test_a_picture_of_something_else_is_doubted(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor]
) -> None:
    whitened, view, part = cow
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    *_, last = reconstruct(bob_and_spot, encoder, in_picture(part, MIDDLE), options=FEW)
    assert last.remarks == ()
    frame = torch.zeros(4, HEIGHT, WIDTH)
    frame[:, 50:190, 90:230] = 1.0
    frame[:, 65:175, 105:215] = 0.0
    *steps, last = reconstruct(bob_and_spot, encoder, frame, options=FEW)
    assert last.iou < 0.8
    assert all(step.remarks == () for step in steps)
    assert f"overlap by {last.iou:.0%} only" in last.remarks[0]
    # The encoder's own word was asked for, with nothing that could have come nearer.
    *_, word = reconstruct(bob_and_spot, encoder, frame, options=ReconstructOptions(steps=0))
    assert word.remarks == ()


@pytest.mark.parametrize(("tilt", "doubted"), [(0.35, False), (-1.0, True), (1.0, True)])
def test_a_shape_that_lies_on_its_side_is_doubted(
    bob_and_spot: Space, tilt: float, doubted: bool
) -> None:
    whitened, view, part = seen_cow(bob_and_spot, tilt=tilt)
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    *_, last = reconstruct(bob_and_spot, encoder, in_picture(part, MIDDLE), options=FEW)
    assert last.iou > 0.9
    assert any("tilted by 5" in remark for remark in last.remarks) == doubted
    camera = lens_view(torch.eye(4, dtype=torch.float64), WIDTH, HEIGHT)
    *_, given = reconstruct(
        bob_and_spot, encoder, in_picture(part, MIDDLE), view=camera, options=FEW
    )
    assert not any("tilted" in remark for remark in given.remarks)


def test_a_mask_may_have_another_size_but_not_other_proportions(
    bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor]
) -> None:
    whitened, view, part = cow
    picture = in_picture(part, MIDDLE)
    encoder = knowing(bob_and_spot, whitened, [(view, 0.0)])
    large = torch.nn.functional.interpolate(picture[None, 3:], scale_factor=3)[0, 0]
    picture[3] = 1.0
    word = ReconstructOptions(steps=0)
    *_, last = reconstruct(bob_and_spot, encoder, picture, mask=large, options=word)
    assert last.iou > 0.85
    assert last.mask.shape == (HEIGHT, WIDTH)
    with pytest.raises(PictureError, match="proportions"):
        reconstruct(bob_and_spot, encoder, picture, mask=large.T, options=word)
    upright = lens_view(torch.eye(4), HEIGHT, WIDTH)
    with pytest.raises(ViewError, match="proportions"):
        reconstruct(bob_and_spot, encoder, picture, mask=large, view=upright, options=word)


def test_options_have_ranges() -> None:
    for wrong in ({"guesses": 0}, {"steps": -1}, {"resolution": 3}, {"trust": float("nan")}):
        with pytest.raises(FitError, match=f"'{next(iter(wrong))}'"):
            ReconstructOptions(**wrong)  # type: ignore[arg-type]


def cow_target(space: Space) -> tuple[View, Tensor]:
    pose = torch.tensor([[1, 0, 0, 0], [0, 0, -1, -5], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    view = lens_view(pose.double(), 96, 96, lens=70)
    mesh = extract(space, space.codes[1], 40)
    world = transformed(space.frame.matrix(), mesh.vertices.double())
    return view, torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).double()


def fitted(space: Space, belief: Belief | None, prior: float = 1e-3) -> Tensor:
    view, target = cow_target(space)
    options = FitOptions(steps=3, resolution=32, restarts=0, prior=prior, stop_iou=1.0)
    start = torch.lerp(space.codes[0], space.codes[1], 0.6)
    *_, last = fit(space, start, [view], [target], options=options, belief=belief)
    return space.statistics.whiten(last.code)


def test_what_is_believed_firmly_stays(bob_and_spot: Space) -> None:
    start = bob_and_spot.statistics.whiten(torch.lerp(*bob_and_spot.codes, 0.6))
    firm = fitted(bob_and_spot, Belief.of_deviations(start, torch.full_like(start, 1e-5)))
    assert float((firm - start).norm()) < 1e-3
    free = fitted(bob_and_spot, None)
    assert float((free - start).norm()) > 0.1


def test_what_is_hardly_believed_changes_nothing(bob_and_spot: Space) -> None:
    elsewhere = torch.full((2,), -1.0)
    loose = fitted(bob_and_spot, Belief.of_deviations(elsewhere, torch.full((2,), 1e6)))
    assert torch.allclose(loose, fitted(bob_and_spot, None, prior=0.0), atol=1e-4)
    usual = fitted(bob_and_spot, Belief.of_space(2))
    assert torch.equal(usual, fitted(bob_and_spot, None))


@pytest.mark.parametrize(
    ("whitened", "covariance", "said"),
    [
        ([0.0, torch.nan], [[1.0, 0.0], [0.0, 1.0]], "not finite"),
        ([0.0, 0.0], [[1.0, 0.0], [0.0, torch.inf]], "not finite"),
        ([0.0, 0.0], [[1.0]], "another size"),
        ([0.0, 0.0], [1.0, 1.0], "another size"),
        ([0.0, 0.0], [[1.0, 0.0], [0.0, 0.0]], "not positive"),
        ([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], "not positive"),
        ([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]], "not symmetric"),
    ],
)
def test_a_belief_is_checked(whitened: list[float], covariance: list[Any], said: str) -> None:
    with pytest.raises(FitError, match=said):
        Belief(torch.tensor(whitened), torch.tensor(covariance))


def test_beliefs_tell_how_far_codes_lie(bob_and_spot: Space) -> None:
    belief = Belief(torch.tensor([1.0, 0.0]), torch.tensor([[1.0, 0.6], [0.6, 1.0]]))
    assert belief.distance(torch.tensor([1.0, 0.0])) == 0
    along, across = torch.tensor([2.0, 1.0]), torch.tensor([2.0, -1.0])
    assert belief.distance(along) == pytest.approx(2 / 1.6)
    assert belief.distance(across) == pytest.approx(2 / 0.4)
    apart = Belief.of_deviations(torch.zeros(2), torch.tensor([0.5, 2.0]))
    assert apart.distance(torch.tensor([1.0, 2.0])) == pytest.approx(4 + 1)


def test_a_belief_is_about_this_space(bob_and_spot: Space) -> None:
    with pytest.raises(FitError, match="3 numbers"):
        fitted(bob_and_spot, Belief.of_space(3))
    view, target = cow_target(bob_and_spot)
    adam, start = FitOptions(solver="adam"), bob_and_spot.codes[0]
    with pytest.raises(FitError, match="Adam takes no belief"):
        fit(bob_and_spot, start, [view], [target], options=adam, belief=Belief.of_space(2))


@pytest.fixture
def photo(
    tmp_path: Path, bob_and_spot: Space, cow: tuple[Tensor, CropView, Tensor]
) -> tuple[Path, Path]:
    """A picture three times as large as the encoder's, and a space that has an encoder."""
    whitened, view, part = cow
    pixels = (in_picture(part, ASIDE) * 255).round().byte().permute(1, 2, 0).numpy()
    large = Image.fromarray(pixels).resize((WIDTH * 5, HEIGHT * 5))
    large.save(tmp_path / "photo.png")
    path = tmp_path / "pair.safetensors"
    write_space(path, bob_and_spot)
    write_encoder(encoder_path(path), knowing(bob_and_spot, whitened, [(view, 0.0)]))
    return tmp_path / "photo.png", path


QUICK = ("--steps", 2, "--resolution", 32)


def test_the_command_reconstructs(
    photo: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import trimesh

    picture, space = photo
    out, kept = tmp_path / "new" / "mesh.ply", tmp_path / "new" / "result.json"
    mask = tmp_path / "new" / "mask.png"
    to = ("--out", out, "--save", kept, "--save-mask", mask)
    assert run("reconstruct", picture, "--space", space, *QUICK, *to) == 0
    said = capsys.readouterr()
    assert said.err == ""
    with Image.open(mask) as grey, Image.open(picture) as whole:
        alpha = whole.getchannel("A").resize(grey.size, Image.Resampling.BOX)
        assert np.abs(np.asarray(grey, int) - np.asarray(alpha, int)).mean() < 1
    assert "likeliest: IoU 0." in said.out
    assert "step   0  IoU 0.9" in said.out
    assert re.search(r"trials \d\.\d\d, refine \d\.\d\d", said.out)
    assert "(guess 1, likelihood 1.00)" in said.out
    assert " s: mask " in said.out
    result = json.loads(kept.read_text())
    assert result["iou"] > 0.9
    assert result["remarks"] == []
    camera = result["camera"]
    assert (camera["width"], camera["height"]) == (WIDTH * 5, HEIGHT * 5)
    # What is saved is what fit reads: a camera, and a code to begin with.
    target = tmp_path / "mask.png"
    Image.open(picture).getchannel("A").resize((WIDTH, HEIGHT)).save(target)
    again = ("fit", space, "--target", picture, "--camera", kept, "--start", kept)
    assert run(*again, "--resolution", 32, "--steps", 0, "--save", tmp_path / "fit.json") == 0
    iou = float(capsys.readouterr().out.split("IoU ")[1].split()[0])
    assert iou == pytest.approx(result["iou"], abs=0.03)
    mesh = trimesh.load(out, force="mesh")
    view = read_view(kept, WIDTH * 5, HEIGHT * 5)
    points, depth = view.project(torch.from_numpy(np.asarray(mesh.vertices)))
    assert float(depth.min()) > 0
    middle = (points.max(0).values + points.min(0).values) / 2
    assert middle.tolist() == pytest.approx([5 * ASIDE.column, 5 * ASIDE.row], abs=20)


def test_the_command_takes_a_camera_and_a_mask(
    photo: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, space = photo
    camera, mask, kept = (tmp_path / name for name in ("camera.json", "mask.png", "result.json"))
    camera.write_text(json.dumps({"location": [0, -6, 0], "look_at": [0, 0, 0], "lens": 60}))
    Image.open(picture).getchannel("A").resize((200, 150)).save(mask)
    given = ("--camera", camera, "--mask", mask, "--save", kept, "--fixed-pose")
    assert run("reconstruct", picture, "--space", space, *QUICK, *given) == 0
    capsys.readouterr()
    result = json.loads(kept.read_text())
    view = read_view(camera, WIDTH * 5, HEIGHT * 5)
    again = read_view(kept, WIDTH * 5, HEIGHT * 5)
    np.testing.assert_allclose(again.matrix.numpy(), view.matrix.numpy(), atol=1e-9)
    assert result["object_matrix"][3] == [0, 0, 0, 1]
    assert result["object_matrix"] != np.eye(4).tolist()


def test_what_the_command_refuses(
    photo: tuple[Path, Path], path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, space = photo
    asked = ("reconstruct", picture, "--space", space)
    assert "no encoder" in fails(capsys, "reconstruct", picture, "--space", path)
    assert "core teach" in fails(capsys, "reconstruct", picture, "--space", path)
    assert "no file" in fails(capsys, "reconstruct", tmp_path / "none.png", "--space", space)
    assert "'guesses' is 0" in fails(capsys, *asked, "--guesses", 0)
    assert "'resolution' is 2" in fails(capsys, *asked, "--resolution", 2)
    assert ".ply" in fails(capsys, *asked, "--out", tmp_path / "mesh.txt")
    assert "no encoder of a space" in fails(capsys, *asked, "--encoder", path)
    (tmp_path / "text.png").write_text("text")
    assert "as a picture" in fails(capsys, "reconstruct", tmp_path / "text.png", "--space", space)
    own = encoder_path(space)
    assert "not taught with" in fails(
        capsys, "reconstruct", picture, "--space", path, "--encoder", own
    )


TEACH = ("--pictures", 6, "--steps", 2, "--threads", 1)


@pytest.fixture
def judged_briefly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(judging, "CHECKED", 5)
    monkeypatch.setattr(judging, "CHECKED_MASKS", 2)


@pytest.mark.usefixtures("judged_briefly")
def test_the_command_teaches(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("teach", path, *TEACH) == 0
    said = capsys.readouterr().out
    assert f"goes to {encoder_path(path)}" in said
    assert "runs/octahedra_encoder" in said
    for text in ("pictures", "encoder", "masker", "judging", "the code's error"):
        assert text in said
    assert encoder_path(path).exists()
    assert (tmp_path / "runs" / "octahedra_encoder" / "teach.json").exists()


@pytest.mark.usefixtures("judged_briefly")
def test_the_command_teaches_masks_alone(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "other.safetensors"
    assert run("teach", path, "--out", out, *TEACH) == 0
    before = read_encoder(out)
    capsys.readouterr()
    assert run("teach", path, "--out", out, "--masks-only", "--seed", 2, *TEACH) == 0
    said = capsys.readouterr().out
    assert "runs/octahedra_masker" in said
    assert not any(line.startswith("encoder") for line in said.splitlines())
    after = read_encoder(out)
    for name, value in before.encoder.state_dict().items():
        assert torch.equal(after.encoder.state_dict()[name], value)
    assert after.card["recipe"]["masker"]["seed"] == 2
    assert after.card["recipe"]["seed"] == 1
    assert "has no encoder" in fails(capsys, "teach", path, "--masks-only", *TEACH)


def test_a_stopped_teaching_says_how_it_goes_on(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stopped(*_: object) -> bool:
        return False

    monkeypatch.setattr(reconstruction_commands, "told", stopped)
    asked = ("teach", path, "--out", tmp_path / "a.safetensors", "--run", tmp_path / "run", *TEACH)
    assert run(*asked) == 130
    again = capsys.readouterr().err.split("-m core ")[1].split()
    assert vars(_parser().parse_args(again)) == vars(_parser().parse_args([str(a) for a in asked]))


def test_teaching_refuses_before_it_begins(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cannot be written" in fails(capsys, "teach", path, "--out", tmp_path)
    assert "cannot be written" in fails(capsys, "teach", path, "--out", path / "a.safetensors")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    run_folder = ("--run", tmp_path / "full")
    assert "holds something else" in fails(capsys, "teach", path, *run_folder)
    assert "no file or folder" in fails(capsys, "teach", tmp_path / "none")


def test_encoders_are_no_spaces() -> None:
    assert all(path.parent.name == "spaces" for path in builtin_spaces().values())
    assert octahedra().name not in builtin_spaces()
