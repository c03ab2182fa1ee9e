"""A mesh is made once while its code stays, and the decoder's time is told apart."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest
import torch

from core.camera import lens_view
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.fitting.looking import Looker
from core.fitting.meshes import KEPT, Meshes
from core.fitting.residuals import Landmarks
from core.pose import transformed
from core.silhouette import see

from .fields import ball, space_of

BALLS = space_of(ball, [[0.5, 0.0, 0.0, 0.0], [0.4, 0.1, 0.0, 0.0], [0.6, 0.0, 0.1, 0.0]])
CODE = torch.tensor([0.5, 0.0, 0.0, 0.0])
OPTIONS = FitOptions(resolution=32, steps=8)
FRONT = torch.tensor([[1.0, 0, 0, 0], [0, 0, -1, -4], [0, 1, 0, 0], [0, 0, 0, 1]])


def test_a_code_has_one_mesh_at_a_resolution():
    meshes = Meshes(BALLS, OPTIONS)
    first = meshes.of(CODE, 32)
    taken = meshes.evaluations
    assert meshes.of(CODE.clone(), 32) is first
    assert meshes.evaluations == taken
    assert meshes.of(CODE, 16) is not first
    other = meshes.of(CODE + 1e-6, 32)
    assert other is not first
    assert meshes.evaluations > taken
    plain = extract(BALLS, CODE, 32, keep_thin=True)
    assert torch.equal(first.mesh.vertices, plain.vertices)


def test_few_meshes_are_kept():
    meshes = Meshes(BALLS, OPTIONS)
    first = meshes.of(CODE, 16)
    for number in range(KEPT):
        meshes.of(CODE + 0.01 * (number + 1), 16)
    assert meshes.of(CODE, 16) is not first


@pytest.mark.parametrize("solver", ["second_order", "adam"])
def test_a_fit_of_the_transform_alone_makes_one_mesh(solver, monkeypatch):
    made = []
    monkeypatch.setattr(
        "core.fitting.meshes.extract", lambda *a, **k: made.append(1) or extract(*a, **k)
    )
    view = lens_view(FRONT, 96, 96, lens=50)
    mesh = extract(BALLS, CODE, 64)
    world = transformed(BALLS.frame.matrix(), mesh.vertices.double()) + torch.tensor([0.2, 0, 0.1])
    target = torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).float()
    options = replace(OPTIONS, code=False, move=True, solver=solver)
    steps = list(fit(BALLS, CODE, [view], [target], options=options))
    assert steps[-1].iou > steps[0].iou + 0.1
    assert len(steps) > 3
    assert len(made) == 1
    if solver == "adam":  # the other one also looks along rays
        assert steps[-1].evaluations == steps[0].evaluations > 1000
        assert steps[2].ms["decoder"] == 0.0


@pytest.mark.parametrize("solver", ["second_order", "adam"])
def test_the_parts_of_a_step_add_up_to_its_time(solver):
    view = lens_view(FRONT, 96, 96, lens=50)
    mesh = extract(BALLS, torch.tensor([0.6, 0.1, 0.0, 0.1]), 64)
    world = transformed(BALLS.frame.matrix(), mesh.vertices.double())
    target = torch.from_numpy(see(view, world, mesh.faces.numpy()).mask).float()
    options = replace(OPTIONS, solver=solver, resolution=64)
    residuals = [] if solver == "adam" else [Landmarks([[0.0, -0.5, 0.0]])]
    running = fit(BALLS, CODE, [view], [target], options=options, residuals=residuals)
    steps, took = [], []
    began = perf_counter()
    for step in running:
        took.append((perf_counter() - began) * 1e3)
        steps.append(step)
        began = perf_counter()
    told = [sum(step.ms.values()) for step in steps]
    assert len(steps) > 2
    assert {"decoder", "extraction", "silhouette", "topology"} <= set(steps[1].ms)
    assert ("gradient" if solver == "adam" else "solving") in steps[1].ms
    for step in steps:
        assert all(value >= 0 for value in step.ms.values())
    # Of a step a busy machine may take a slice in between; of most it does not.
    missed = sorted(1 - part / whole for part, whole in zip(told[:-1], took, strict=False))
    assert missed[0] >= 0
    assert missed[len(missed) // 2] < 0.02
    assert told[-1] <= sum(took)
    assert told[-1] > 0.9 * sum(took)
    # The whole has what was tried in vain after the last step too.
    assert told[-1] >= sum(told[:-1])


def test_a_look_that_finds_no_surface_took_time_as_well():
    looker = Looker(BALLS, [], OPTIONS, torch.tensor([0.1, 5.0, 0.0, 0.0]), torch.eye(4).double())
    assert looker.look(looker.start) is None
    assert looker.ms["extraction"] > 0
