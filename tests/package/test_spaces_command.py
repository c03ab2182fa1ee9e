"""``dev.py spaces`` and ``dev.py bench spaces`` on ellipsoids, from meshes to pictures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from core.decoder import Architecture
from core.quality import compare
from core.reconstruction import find_encoder, judging
from core.reconstruction.learning import EncoderOptions
from core.reconstruction.maskerlearning import MaskerOptions
from core.reconstruction.teaching import TeachOptions
from core.spacefile import read_space
from core.topology import Topology
from core.training.autodecoder import Training, TrainingOptions
from tools import bench_spaces
from tools.spaces import assemble, build, judge, recipe, record, render, shapes, sheets, training
from tools.spaces.card import tell_of_encoder
from tools.spaces.examples import far_apart
from tools.spaces.recipe import Floors, Recipe
from tools.spaces.verdict import Pieces, Verdict, acceptable, shortfalls

COUNT, SEED = 24, 3
NAMES = [f"ball_{i:03}" for i in range(COUNT)]
TINY = Recipe(
    "tiny",
    TrainingOptions(
        Architecture(2, (32, 32)),
        steps=150,
        shapes_per_step=8,
        points_per_shape=256,
        decoder_rate=5e-3,
        code_rate=5e-3,
        code_deviation=0.1,
    ),
    seed=SEED,
    count=COUNT,
    near=4000,
    volume=1000,
    encoding_steps=20,
    encoding_points=512,
    teaching=TeachOptions(
        EncoderOptions(pictures=20, steps=3, batch=8),
        MaskerOptions(pictures=10, steps=2, batch=2),
    ),
    floors=Floors(0.5, 0.5, whole_random=None),
    title="Tiny",
    summary="Ellipsoids.",
    origin="Made by a test",
    limits="Round.",
)


def make_meshes(folder: Path, *, count: int | None = None) -> None:
    """Ellipsoids whose height is an attribute."""
    folder.mkdir(parents=True, exist_ok=True)
    attributes = {}
    for number, name in enumerate(NAMES[:count]):
        height = 0.4 + 0.55 * number / COUNT
        ball = trimesh.creation.icosphere(subdivisions=2)
        ball.apply_scale([0.6, 0.6, height])
        if not (folder / f"{name}.ply").exists():
            ball.export(folder / f"{name}.ply")
        attributes[name] = {"height": height}
    (folder.parent / "attributes.json").write_text(json.dumps(attributes))
    sources = {"licence": "CC0-1.0", "origin": "a test", "credits": ["A. Sphere"]}
    (folder.parent / "sources.json").write_text(json.dumps(sources))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    module = ModuleType("tools.spaces.tiny")
    module.RECIPE, module.meshes = TINY, make_meshes
    module.__file__ = str(recipe.ROOT / "tools" / "spaces" / "recipe.py")
    monkeypatch.setitem(sys.modules, "tools.spaces.tiny", module)
    monkeypatch.setattr(recipe, "NAMES", ("tiny",))
    for name in ("DATA", "SPACES", "SHEETS"):
        monkeypatch.setattr(recipe, name, tmp_path / name)
    monkeypatch.setattr(judge, "CELLS", 24)
    fewer = partial(compare, surface_points=2000, volume_points=5000)
    monkeypatch.setattr(judge, "compare", fewer)
    monkeypatch.setattr(judge, "PAIRS", 5)
    monkeypatch.setattr(judge, "RANDOM_CODES", 5)
    monkeypatch.setattr(judging, "CHECKED", 10)
    monkeypatch.setattr(judging, "CHECKED_MASKS", 4)
    monkeypatch.setattr(sheets, "TILE", 32)
    monkeypatch.setattr(sheets, "PATHS", 2)
    monkeypatch.setattr(sheets, "RANDOM_CODES", 4)
    return TINY


def test_one_command_makes_the_space_and_all_that_belongs_to_it(
    tiny: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build.main(["tiny", "--shapes", "3"]) == 0
    space = read_space(tiny.file)
    held_out = [NAMES[5], NAMES[15]]
    assert space.card["held_out_shapes"] == held_out
    assert space.shape_names == tuple(name for name in NAMES if name not in held_out)
    quality = space.card["quality"]
    assert quality["held_out"]["shapes"] == 2
    assert quality["training"]["shapes"] == 3
    assert quality["held_out"]["volume_iou"] > 0.5
    assert quality["between"]["meshes"] == 5
    assert quality["training"]["same_genus"] == 1.0
    assert quality["random"]["genus_within"] == quality["between"]["genus_within"] == 1.0
    assert space.sliders[0].name == "Height"
    tallest, flattest = space.codes[-1], space.codes[0]
    assert float((tallest - flattest) @ space.sliders[0].offset) > 0
    card = tiny.file.with_suffix(".md").read_text()
    assert "genus of the shape" in card
    assert "genus within that of the shapes" in card
    for text in ("# Tiny", "CC0-1.0", "A. Sphere", held_out[1], "Height", "150 steps", "Round."):
        assert text in card
    with Image.open(tiny.file.with_suffix(".png")) as thumbnail:
        assert thumbnail.size == (256, 256)
    for kind in ("training", "held-out", "between", "random"):
        assert tiny.sheet(kind).stat().st_size <= sheets.LARGEST_BYTES
        assert tiny.sheet(kind).name in card
    assert "all reached" in capsys.readouterr().out

    assert find_encoder(space, tiny.file).card["recipe"]["encoder"]["pictures"] == 20
    assert "## From Pictures\n\n`encoders/tiny.safetensors`" in card
    tell_of_encoder(tiny, space)
    assert tiny.file.with_suffix(".md").read_text() == card

    before = tiny.file.read_bytes()
    assert build.main(["tiny", "--write-only"]) == 0
    assert tiny.file.read_bytes() == before


def test_the_sources_are_what_the_recipe_says_today(tiny: Recipe) -> None:
    """Not what a former state of the recipe left beside the meshes."""
    build.main(["tiny", "--meshes-only"])
    found = untrained(tiny, seed=1)
    space = assemble.bare_space(tiny, found)
    stale = {"licence": "nobody knows", "credits": []}
    (tiny.data / "sources.json").write_text(json.dumps(stale))
    card = assemble.described(tiny, space, found).card
    assert (card["licence"], card["credits"]) == ("CC0-1.0", ["A. Sphere"])


def untrained(tiny: Recipe, *, seed: int) -> Training:
    """The state of a training before its first step, kept as ``tiny``'s."""
    found = Training(tiny.training, 22, generator=torch.Generator().manual_seed(seed))
    training.keep(tiny, found, 1.0, training.identity(tiny))
    return found


def test_an_interrupted_training_goes_on(tiny: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed at a checkpoint and run again, it ends where an uninterrupted one does."""
    build.main(["tiny", "--meshes-only"])
    through = training.train(tiny).codes.detach()
    tiny.checkpoint.unlink()
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    keep, stop_at = training.keep, tiny.training.steps // 2

    def keep_and_die(found: Recipe, state: Training, took: float, of: str) -> None:
        keep(found, state, took, of)
        if state.step == stop_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "keep", keep_and_die)
    with pytest.raises(KeyboardInterrupt):
        training.train(tiny)
    first = training.seconds(tiny)
    state = training.kept(tiny, training.identity(tiny))
    assert state is not None
    assert state.step == stop_at
    assert torch.equal(training.train(tiny).codes.detach(), through)
    assert first is not None
    assert (training.seconds(tiny) or 0) > first


def test_the_state_of_another_training_is_put_aside(tiny: Recipe) -> None:
    """Of other options, or of a mesh that was drawn anew; the former state stays on disk."""
    build.main(["tiny", "--meshes-only"])
    untrained(tiny, seed=1)
    assert training.kept(tiny, training.identity(tiny)) is not None
    other = replace(tiny, training=replace(tiny.training, clamp=0.2))
    assert training.kept(other, training.identity(other)) is None
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.5)
    ball.export(tiny.meshes / f"{NAMES[5]}.ply")  # held out: not of the training
    assert training.kept(tiny, training.identity(tiny)) is not None
    ball.export(tiny.meshes / f"{NAMES[4]}.ply")
    assert training.kept(tiny, training.identity(tiny)) is None
    with pytest.raises(SystemExit, match="not of these meshes and options"):
        build.main(["tiny", "--write-only"])
    former = tiny.checkpoint.read_bytes()
    training.train(replace(tiny, training=replace(tiny.training, steps=2)))
    assert tiny.checkpoint.with_suffix(training.FORMER).read_bytes() == former


def test_only_so_many_meshes_as_the_recipe_says_are_taken(tiny: Recipe) -> None:
    """Ones left over from a longer run are not, and missing ones are made."""
    fewer = replace(tiny, count=COUNT - 4)
    assert list(shapes.paths(tiny)) == NAMES
    assert list(shapes.paths(fewer)) == NAMES[:-4]
    (tiny.meshes / f"{NAMES[3]}.ply").unlink()
    assert list(shapes.paths(tiny)) == NAMES


def test_the_exit_status_tells_of_a_floor_that_is_missed(
    tiny: Recipe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build.main(["tiny", "--meshes-only"])
    untrained(tiny, seed=1)
    build.main(["tiny", "--write-only"])
    assert bench_spaces.main(["tiny", "--shapes", "1", "--quiet"]) == 1
    assert "IoU on training shapes: " in capsys.readouterr().out
    lenient = replace(TINY, accepted={"training_iou": 0.0, "held_out_iou": 0.0, "whole_between": 0})
    monkeypatch.setattr(sys.modules["tools.spaces.tiny"], "RECIPE", lenient)
    assert bench_spaces.main(["tiny", "--shapes", "1", "--quiet"]) == 0
    assert "IoU on training shapes: " in capsys.readouterr().out
    easy = replace(TINY, floors=Floors(0.0, 0.0, None, None))
    monkeypatch.setattr(sys.modules["tools.spaces.tiny"], "RECIPE", easy)
    assert bench_spaces.main(["tiny", "--shapes", "1", "--quiet"]) == 0


def test_figures_of_another_training_are_not_used(tiny: Recipe) -> None:
    build.main(["tiny", "--meshes-only"])
    for seed, known in ((1, False), (1, True), (2, False)):
        untrained(tiny, seed=seed)
        build.main(["tiny", "--write-only"])
        space = read_space(tiny.file)
        assert bool(space.card["quality"]) is known
        if not known and seed == 1:
            bench_spaces.main(["tiny", "--shapes", "1", "--quiet"])
            assert record.read(tiny, space) is None
            build.main(["tiny", "--judge-only", "--shapes", "1"])
            assert set(record.held_out_codes(tiny, space)) == {NAMES[5]}
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.5)
    untrained(tiny, seed=1)
    build.main(["tiny", "--write-only"])
    space = read_space(tiny.file)
    build.main(["tiny", "--judge-only", "--shapes", "1"])
    assert record.read(tiny, space) is not None
    ball.export(tiny.meshes / f"{NAMES[5]}.ply")
    assert record.read(tiny, space) is None


def test_every_tenth_shape_is_kept_apart() -> None:
    shuffled = [NAMES[i] for i in np.random.default_rng(1).permutation(COUNT)]
    assert TINY.apart(shuffled) == [NAMES[5], NAMES[15]]
    assert sorted(TINY.kept(shuffled) + TINY.apart(shuffled)) == NAMES
    assert replace(TINY, held_out=False).kept(NAMES) == NAMES


def test_names_without_a_recipe() -> None:
    with pytest.raises(SystemExit, match="no recipe 'dogs'"):
        recipe.maker("dogs")


def test_floors_and_size() -> None:
    pieces = Pieces(100, 1.0, 0.9, 1.1, 2, 0, 1)
    verdict = Verdict("tiny", 4_000_000, 22, 2, None, None, pieces, None, ())
    short = list(shortfalls(Floors(0.98, None, 0.95, None), verdict))
    assert short == [
        "IoU on training shapes: not measured, 0.98 expected",
        "share of whole shapes between pairs: 0.9000, 0.0500 below 0.95",
        "file: 4,000,000 bytes, more than 3,000,000",
    ]


def test_a_shortfall_that_is_accepted_is_told_all_the_same() -> None:
    pieces = Pieces(100, 1.0, 0.82, 1.4, 5, 0, 13)
    verdict = Verdict("tiny", 1000, 22, 2, None, None, pieces, None, ())
    strict = replace(TINY, floors=Floors(None, None, 0.95, None))
    told = ["share of whole shapes between pairs: 0.8200, 0.1300 below 0.95"]
    for accepted, right in (({}, False), ({"whole_between": 0.8}, True)):
        found = replace(strict, accepted=accepted)
        assert acceptable(found, verdict) is right
        assert list(shortfalls(found.floors, verdict)) == told
    assert not acceptable(replace(strict, accepted={"whole_between": 0.83}), verdict)


def closed(genus: int | None) -> Topology:
    """The report on a mesh of that genus; open for None."""
    return Topology(100, 196, 1, genus, genus is not None, 1.0, 1.0)


def test_the_genus_is_held_against_a_range() -> None:
    reports = [closed(genus) for genus in (0, 1, 2, 49, None, 49)]
    ranges = [(0, 0), (0, 2), (2, 3), (0, 2), (0, 2), None]
    pieces = Pieces.of(reports, ranges)
    assert pieces is not None
    assert pieces.genus_within == pytest.approx(3 / 5)
    assert (pieces.genus_low, pieces.genus_high) == (0, 49)
    unknown = Pieces.of(reports[:2], [None, None])
    assert unknown is not None
    assert unknown.genus_within is None
    assert judge.genus_range([3, 0, 1]) == (0, 3)
    assert judge.genus_range([3, None]) is None
    assert judge.genus_range([]) is None


def test_the_genus_of_the_shapes_counts_not_that_of_their_codes(
    tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every mesh of a code has a tunnel too many, none is excused by those at its ends."""
    build.main(["tiny", "--meshes-only"])
    untrained(tiny, seed=1)
    build.main(["tiny", "--write-only"])
    monkeypatch.setattr(judge, "topology", lambda vertices, faces: closed(1))
    verdict = judge.judge(tiny, read_space(tiny.file), file_bytes=1, most=1)
    assert verdict.between is not None
    assert verdict.random is not None
    assert verdict.between.genus_within == verdict.random.genus_within == 0.0


def test_random_codes_stay_within_two_deviations(tiny: Recipe) -> None:
    build.main(["tiny", "--meshes-only"])
    untrained(tiny, seed=1)
    build.main(["tiny", "--write-only"])
    space = read_space(tiny.file)
    codes = judge.within_deviations(space, 500, seed=1)
    whitened = space.statistics.whiten(codes)
    assert float(whitened.abs().max()) <= 2.001
    assert float(whitened.std()) == pytest.approx(0.88, abs=0.04)  # a normal cut off at two


def test_a_picture_of_a_sphere() -> None:
    """Its silhouette is a disc, it is lit from above, and what is nearer hides what is behind."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.8)
    picture = render.render(np.asarray(ball.vertices), np.asarray(ball.faces), 96, half_height=1.0)
    assert picture[..., 3].mean() == pytest.approx(np.pi * 0.8**2 / 4, rel=0.01)
    assert picture[20, 48, :3].mean() > picture[76, 48, :3].mean() + 0.1
    front = ball.copy().apply_scale(0.3).apply_translation([0, -1, 0])
    both = trimesh.util.concatenate([ball, front])
    alone = render.render(np.asarray(ball.vertices), np.asarray(ball.faces), 64, azimuth=0.0)
    hidden = both.copy().apply_transform(np.diag([1.0, -1, 1, 1]))
    seen = [
        render.render(np.asarray(m.vertices), np.asarray(m.faces), 64, azimuth=0.0, elevation=0.0)
        for m in (both, hidden)
    ]
    assert alone.shape == (64, 64, 4)
    assert np.abs(seen[0] - seen[1]).max() > 0.05  # behind the ball, the small one is not seen
    assert not render.render(np.zeros((0, 3)), np.zeros((0, 3), np.int64), 16).any()


def test_sheets_are_made_small() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    data = sheets.png(sheets.contact_sheet("noise", [[noise, noise], [noise]]), most=20_000)
    assert 5_000 < len(data) <= 20_000


def test_examples_lie_far_apart() -> None:
    codes = torch.tensor([[0.0, 0], [0.1, 0], [5, 5], [-5, 5.2], [0, 0.2]])
    chosen = far_apart(codes, 3)
    assert len(set(chosen)) == 3
    assert {2, 3} < set(chosen)
    assert far_apart(codes[:1], 3) == [0]
