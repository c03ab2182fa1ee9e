"""A fit that is stopped early: it never gives back worse than it was given."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch

from core.fitting import fit, stopped
from core.fitting.options import SOLVERS
from core.fitting.reached import COARSE_DOUBT

from .fields import space_of
from .test_core_fit import BALLS, FAST, front_view, picture

# Cells of the first steps and of the fit; nodes of the coarse grid are 1/16 apart.
COARSE, FINE = 32, 64


def hiding(code, points):
    """A ball with bumps that stand between the coarse grid's nodes, the larger the ball is."""
    radius = code[..., 0]
    bumps = torch.sin(torch.pi * COARSE / 2 * points).square().amax(dim=-1)
    return points.norm(dim=-1) - radius - 0.6 * (radius - 0.3).clamp_min(0) * bumps


HIDING = space_of(hiding, [[0.35], [0.45], [0.3], [0.5]])


def begun(space, start, target, **options):
    given = replace(FAST, **options)
    return fit(space, torch.tensor(start), [front_view()], [target], options=given)


def all_stops(space, start, target, **options):
    """What a fit gives back for each number of steps after which it can be stopped."""
    whole = list(begun(space, start, target, **options))
    lasts = []
    for taken in range(1, len(whole)):
        steps = begun(space, start, target, **options)
        assert len(list(islice(steps, taken))) == taken
        lasts.append(stopped(steps))
        with pytest.raises(StopIteration):
            next(steps)
    return whole, lasts


def test_what_only_coarse_meshes_match_is_not_given_back():
    """Their steps rise well above the start, and are worse than it at the fit's resolution."""
    view = front_view()
    target = picture(BALLS, [0.45, 0, 0, 0], view)
    options = {"resolution": FINE, "keep_thin": False, "restarts": 0}
    whole, lasts = all_stops(HIDING, [0.42], target, **options)
    start = whole[0]
    coarse = [step for step in whole if 0 < len(step.vertices) < 0.5 * len(start.vertices)]
    assert max(step.iou for step in coarse) > start.iou + COARSE_DOUBT
    for last in [*lasts, whole[-1]]:
        assert last.done
        assert last.iou == last.best_iou >= start.iou
        assert last.step == last.best_step
        assert len(last.vertices) > 0.5 * len(start.vertices)


@pytest.mark.parametrize("cells", [48, 96])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stop_keeps_what_was_gained(solver, cells):
    """From the coarse steps too, and a stop costs no more than one look."""
    target = picture(BALLS, [0.55, 0.15, 0, -0.1], front_view())
    whole, lasts = all_stops(
        BALLS, [0.4, 0, 0, 0], target, resolution=cells, steps=6, solver=solver
    )
    for taken, last in enumerate(lasts, start=1):
        assert last.iou == pytest.approx(max(step.iou for step in whole[:taken]), abs=0.01)
        assert (last.done, last.reason) == (True, "stopped")
        assert last.evaluations >= sum(step.evaluations for step in whole[:taken])
    assert lasts[-1].iou > whole[0].iou + 0.1


def test_a_stop_keeps_the_best_of_several_starts():
    """Where the known shapes that it starts anew from are worse than what it had."""
    view = front_view()
    bar = torch.zeros(len(picture(BALLS, [0.4, 0, 0, 0], view)), 96)
    bar[44:52, 4:92] = 1.0
    whole, lasts = all_stops(BALLS, [0.4, 0, 0, 0], bar, resolution=48, steps=12)
    assert min(step.iou for step in whole[3:]) < whole[-1].iou
    for before, after in pairwise([whole[0], *lasts, whole[-1]]):
        assert after.iou >= before.iou - COARSE_DOUBT
        assert after.iou >= whole[0].iou
