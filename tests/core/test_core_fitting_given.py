"""Residuals as callers give them: arrays of every kind, weights, and what is refused in words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from core.errors import FitError
from core.fitting import fit
from core.fitting.residuals import Depth, Function, Landmarks, Rows, Symmetry, Volume
from core.pose import transformed

from .test_core_fit import BALLS, FAST, front_view, picture

START = torch.tensor([0.4, 0.0, 0.0, 0.0])
SHORT = replace(FAST, steps=2)
POINTS = [[0.0, -0.5, 0.0], [0.5, 0.0, 0.0]]


def ends(residuals):
    return list(fit(BALLS, START, [], [], options=SHORT, residuals=residuals))[-1].code


@pytest.mark.parametrize(
    "build",
    [
        lambda of: Landmarks(of(POINTS), weights=of([1.0, 2.0])),
        lambda of: Depth(of(POINTS)),
        lambda of: Symmetry(of([0.0, 0.1, 0.0]), of([0.0, 1.0, 0.0])),
    ],
    ids=["landmarks", "depth", "symmetry"],
)
def test_lists_and_arrays_are_as_good_as_tensors(build):
    wanted = ends([build(lambda given: torch.tensor(given, dtype=torch.float64))])
    backwards = lambda given: np.array(given[::-1])[::-1]  # noqa: E731
    for of in (list, np.array, backwards, lambda given: torch.tensor(given, requires_grad=True)):
        assert torch.allclose(ends([build(of)]), wanted, atol=1e-5)


def test_a_single_residual_is_taken_as_one():
    assert torch.equal(ends(Landmarks(POINTS)), ends([Landmarks(POINTS)]))


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, "much", None])
@pytest.mark.parametrize("build", [Volume, Depth, Landmarks], ids=lambda each: each.__name__)
def test_a_weight_that_is_none_is_refused(build, weight):
    residual = build(1.0 if build is Volume else POINTS, weight=weight)
    with pytest.raises(FitError, match=f"{build.__name__} has .*weight"):
        fit(BALLS, START, [], [], options=SHORT, residuals=[residual])


@pytest.mark.parametrize("given", [3, [POINTS], "residuals", [Volume], [None]])
def test_what_is_no_residual_is_refused(given):
    with pytest.raises(FitError, match="residuals"):
        fit(BALLS, START, [], [], options=SHORT, residuals=given)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Landmarks([1.0, 2.0, 3.0]),
        lambda: Landmarks([[1.0, 2.0], [3.0]]),
        lambda: Landmarks("points"),
        lambda: Landmarks(POINTS, weights=[1.0]),
        lambda: Landmarks(POINTS, weights=["a", "b"]),
        lambda: Depth([[1.0, 2.0]]),
        lambda: Depth([[math.nan, 0.0, 0.0]]),
        lambda: Depth([]),
        lambda: Symmetry([0.0, 0.0], [0.0, 0.0, 1.0]),
        lambda: Symmetry([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        lambda: Symmetry([0.0, 0.0, 0.0], [math.inf, 0.0, 0.0]),
    ],
)
def test_arrays_that_are_none_are_refused_at_once(build):
    with pytest.raises(FitError):
        build()


class Broken:
    """Values, weights or derivatives that a residual of somebody's own may give."""

    weight = 1.0

    def __init__(self, values=1.0, weights=1.0, derivative=0.0, shape=(1,)):
        self.given = values, weights, derivative, shape

    def rows(self, surface):
        values, weights, derivative, shape = self.given
        return Rows(
            torch.full(shape, values).double(),
            torch.full((1,), weights).double(),
            lambda: torch.full((1, len(START)), derivative).double(),
        )


@pytest.mark.parametrize(
    ("residual", "told"),
    [
        (Volume(math.nan), "Volume gives values that are no numbers"),
        (Function(lambda at: at.sum()[None] * math.inf), "Function gives values that are no"),
        (Broken(weights=math.nan), "Broken gives weights that are no numbers"),
        (Broken(weights=-1e-9), "Broken gives weights below zero"),
        (Broken(derivative=math.nan), "Broken gives derivatives that are no numbers"),
        (Broken(shape=(2, 2)), "Broken gives values and weights of the shapes (2, 2) and (1,)"),
        (Function(lambda at: at.sum()), "Function gives a Tensor of shape (), and no tensor"),
        (Function(lambda at: at.detach().sum().item()), "Function gives a float, and no tensor"),
        (Function(lambda at: at.detach().sum()[None]), "do not follow from the vertices"),
    ],
)
def test_a_residual_without_numbers_is_named(residual, told):
    with pytest.raises(FitError, match=re.escape(told)):
        ends([residual])


# What steps tell of them


def test_steps_tell_how_far_off_residuals_are():
    """A ball of radius 0.5 about the origin: distances are known, in radii of its mesh's box."""
    radius = 0.5 * 3**0.5
    given = [
        Landmarks([[0.7, 0, 0], [0, -0.9, 0]], weights=[1.0, 3.0]),
        Volume(0.0),
        Landmarks([[0.5, 0, 0]], weight=7.0),
        Function(lambda vertices: vertices.square().sum(dim=1).mean()[None] - 3.0),
    ]
    steps = list(fit(BALLS, torch.tensor([0.5, 0.0, 0.0, 0.0]), [], [], residuals=given))
    told = steps[0].residuals
    assert list(told) == ["Landmarks", "Volume", "Landmarks 2", "Function"]
    off = ((0.2**2 + 3 * 0.4**2) / 4) ** 0.5
    assert told["Landmarks"] == pytest.approx(off / radius, rel=0.02)
    assert told["Volume"] == pytest.approx(4 / 3 * math.pi * 0.5**3 / radius**3, rel=0.02)
    assert told["Landmarks 2"] == pytest.approx(0.0, abs=2e-3)
    assert told["Function"] == pytest.approx(2.75, rel=0.01)
    # The last is the best as it was seen finely: told of the mesh that it gives.
    last = steps[-1]
    vertices = transformed(last.object_matrix @ BALLS.frame.matrix(), last.vertices.double())
    far = float(vertices.square().sum(dim=1).mean()) - 3.0
    assert last.residuals.keys() == told.keys()
    assert last.residuals["Function"] == pytest.approx(abs(far), rel=1e-6)


def test_the_last_step_tells_of_residuals_what_the_best_did():
    """At so few cells no step looks at a coarser mesh."""
    options, given = replace(FAST, resolution=32), [Landmarks([[0.7, 0, 0], [0, -0.9, 0]])]
    *steps, last = fit(BALLS, START, [], [], options=options, residuals=given)
    best = next(step for step in steps if step.step == last.best_step)
    assert last.best_step > 0
    assert last.residuals == best.residuals


class Asked(Landmarks):
    """Landmarks that remember on which looks they were asked for rows."""

    looks: ClassVar[list[object]] = []

    def rows(self, surface):
        self.looks.append(surface.look)
        return super().rows(surface)


def test_a_residual_is_asked_once_for_each_look():
    Asked.looks.clear()
    *steps, _ = fit(BALLS, START, [], [], options=FAST, residuals=[Asked(POINTS)])
    assert len(steps) > 2
    assert len(Asked.looks) == len({id(look) for look in Asked.looks}) >= len(steps)


@pytest.mark.parametrize(
    ("values", "weights", "typical"),
    [
        ([3.0, 4.0], [1.0, 1.0], 12.5**0.5),
        ([3.0, 4.0], [0.0, 2.0], 4.0),
        ([3.0, 4.0], [0.0, 0.0], 12.5**0.5),
        ([], [], 0.0),
    ],
)
def test_residuals_that_do_not_count_are_told_as_far_off_as_they_are(values, weights, typical):
    rows = Rows(torch.tensor(values), torch.tensor(weights), lambda: torch.zeros(len(values), 1))
    assert rows.typical == pytest.approx(typical)


def test_without_residuals_there_is_nothing_to_tell():
    view = front_view()
    target = picture(BALLS, [0.5, 0.1, 0, 0], view)
    for solver in ("second_order", "adam"):
        options = replace(FAST, solver=solver, steps=1)
        assert all(not s.residuals for s in fit(BALLS, START, [view], [target], options=options))
