"""A shape's inside, in a run and in an encoding: voids filled or kept, how thick plates are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from core.decoder import Architecture
from core.errors import SampleError
from core.loading import load_space
from core.shapes.meshes import read_mesh
from core.space import Frame, Space
from core.training import judging, newshape, preparation
from core.training.autodecoder import TrainingOptions
from core.training.judging import held_out_of_run, judge
from core.training.newshape import NewShape
from core.training.placing import EncodeOptions, fills_voids, plate_thickness
from core.training.run import RunOptions, train
from core.worker.encoding import encode_options
from core.worker.request import RequestError
from core.worker.training import run_options

from .octahedron import octahedra

ROOT = Path(__file__).resolve().parents[2]
FILLED = "filled the voids that no wide opening leads into"
TRAINING = TrainingOptions(
    Architecture(2, (8,)), steps=2, shapes_per_step=2, points_per_shape=64, clamp=0.3
)
OPTIONS = RunOptions(name="balls", training=TRAINING)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(newshape, "NEAR_POINTS", 12_000)
    monkeypatch.setattr(newshape, "VOLUME_POINTS", 8_000)
    monkeypatch.setattr(preparation, "NEAR_POINTS", 2_000)
    monkeypatch.setattr(preparation, "VOLUME_POINTS", 2_000)


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """Balls with a ball-shaped void in each."""
    folder = tmp_path / "meshes"
    folder.mkdir()
    for name, radius in (("a", 1.0), ("b", 0.9), ("c", 0.8)):
        outer, inner = (trimesh.creation.icosphere(3, radius=r) for r in (radius, 0.5))
        inner.invert()
        trimesh.util.concatenate([outer, inner]).export(folder / f"{name}.ply")
    return folder


def inside_of_the_void(run: Path) -> float:
    """The share of the samples near the middle of the cube that are inside the shape."""
    shares = []
    for file in sorted((run / "samples").iterdir()):
        with np.load(file) as data:
            near = np.linalg.norm(data["points"], axis=1) < 0.3
            shares.append((data["distances"][near] < 0).mean())
    return float(np.mean(shares))


def test_a_run_fills_voids_where_it_is_asked_to(hollow: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    *_, kept = train(run, hollow, OPTIONS)
    assert load_space(kept.path or "").card["fill_voids"] is False
    assert inside_of_the_void(run) == 0
    taken = len(list((run / "samples").iterdir()))
    options = replace(OPTIONS, fill_voids=True, held_out=0.3)
    *_, filled = train(run, hollow, options, anew=True)
    # None of the former samples was taken for one of these.
    assert len(list((run / "samples").iterdir())) == taken + 2
    said = json.loads((run / "report.json").read_text())["meshes"]
    assert [each["repairs"] for each in said if each["outcome"] == "used"] == [[FILLED]] * 2
    assert load_space(filled.path or "").card["fill_voids"] is True
    other = tmp_path / "other"
    list(train(other, hollow, options))
    assert inside_of_the_void(other) == 1
    assert held_out_of_run(other).fill_voids is True


def head_iou(space: Space, fill_voids: bool | None = None) -> float:
    mesh = read_mesh(ROOT / "examples/data/held_out_head.ply")
    options = EncodeOptions(steps=12, fill_voids=fill_voids)
    shape = NewShape(space, mesh.vertices, mesh.faces, options)
    assert shape.solid is not None
    assert (FILLED in shape.solid.report.repairs) == (
        space.card.get("fill_voids", False) if fill_voids is None else fill_voids
    )
    return judging._figures(shape, 48, 0).volume_iou


def test_a_head_is_encoded_as_its_space_was_trained() -> None:
    """The space's heads are solid behind their lips; the mesh has a pocket there."""
    heads = load_space(ROOT / "spaces/heads.safetensors")
    plain, filling = (replace(heads, card={**heads.card, "fill_voids": v}) for v in (False, True))
    assert head_iou(filling) >= 0.96
    assert head_iou(filling, False) < 0.92
    assert fills_voids(plain, EncodeOptions(fill_voids=True))
    assert not fills_voids(plain, EncodeOptions())


def test_a_mesh_of_too_many_faces_is_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newshape, "MOST_FACES", 5)
    corners, faces = np.eye(4, 3), np.zeros((6, 3), np.int64)
    with pytest.raises(SampleError, match="6 faces"):
        NewShape(octahedra(), corners, faces, EncodeOptions())


def test_judge_fills_what_the_training_filled(hollow: Path, tmp_path: Path) -> None:
    *_, last = train(tmp_path / "run", hollow, replace(OPTIONS, fill_voids=True, held_out=0.3))
    given = []

    def noted(space: Space, points: object, faces: object, options: EncodeOptions) -> NewShape:
        given.append(options.fill_voids)
        raise judging.TrainingError("enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "NewShape", noted)
        list(judge(held_out_of_run(tmp_path / "run")))
        list(judge(judging.unseen_by(load_space(last.path or ""), hollow)))
    assert given == [True, None]


def test_a_sheet_is_encoded_as_thick_as_the_training_made_it() -> None:
    """In the sheet's own units: the space's are three times as large."""
    frame = Frame(scale=3.0)
    space = replace(octahedra(frame), card={"thickness": 0.3})
    corners = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    for wish, expected in ((None, 0.3), (0.6, 0.6)):
        shape = NewShape(space, corners, faces, EncodeOptions(thickness=wish))
        assert shape.solid is not None
        assert np.ptp(shape.solid.vertices[:, 2]) * 3 == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize("said", [None, True, "thick", -1.0, float("nan")])
def test_a_card_that_says_nothing_of_the_thickness(said: object) -> None:
    space = replace(octahedra(), card={"thickness": said})
    assert plate_thickness(space, EncodeOptions()) == 0


def test_a_run_keeps_its_thickness_in_the_card(hollow: Path, tmp_path: Path) -> None:
    *_, last = train(tmp_path / "run", hollow, replace(OPTIONS, thickness=0.25, held_out=0.3))
    assert load_space(last.path or "").card["thickness"] == 0.25
    assert held_out_of_run(tmp_path / "run").thickness == 0.25


def test_a_request_may_ask_for_it() -> None:
    assert encode_options({"thickness": 0.5}).thickness == 0.5
    with pytest.raises(RequestError, match="'thickness'"):
        encode_options({"thickness": -1})
    assert encode_options({"fill_voids": True}).fill_voids is True
    assert encode_options({"fill_voids": None}).fill_voids is None
    assert run_options({"fill_voids": True}, "cpu").fill_voids is True
    assert run_options({"plain": True}, "cpu").plain is True
    for options in (encode_options, lambda values: run_options(values, "cpu")):
        with pytest.raises(RequestError, match="'fill_voids'"):
            options({"fill_voids": 1})
