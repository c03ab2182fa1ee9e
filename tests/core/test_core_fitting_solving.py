"""The change of a second-order step: closed forms, and the limits that it stays within."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.fitting.belief import Belief
from core.fitting.rows import Rows
from core.fitting.solving import CODE_REACH, POSE_REACH, Equations, _held
from core.fitting.state import Freedom, State

CODE = Freedom((("whitened", 2),))
ALL = Freedom((("whitened", 4), ("move", 3), ("turn", 3), ("scale", 1)))
FREE = 1e9  # a length that no code reaches


def state(*whitened: float) -> State:
    return State.at(torch.tensor(whitened))


def rows(by: list[list[float]], values: list[float], weights: list[float]) -> Rows:
    matrix = torch.tensor(by, dtype=torch.float64)
    return Rows(torch.tensor(values).double(), torch.tensor(weights).double(), lambda: matrix)


def test_equations_are_the_weighted_sums_of_all_rows_and_the_prior():
    given_ = [rows([[1, 2], [0, 1]], [3, 4], [1, 2]), rows([[1, 0]], [5], [10])]
    found = Equations.of(state(0.5, -1.0), CODE, given_, Belief.of_space(2), prior=7.0)
    assert found.curvature.tolist() == [[1 + 10 + 7, 2], [2, 4 + 2 + 7]]
    assert found.gradient.tolist() == [3 + 50 + 3.5, 6 + 8 - 7]


def test_without_a_code_that_is_free_there_is_no_prior():
    found = Equations.of(state(1.0, 1.0), ALL.only("scale"), [], Belief.of_space(2), prior=7.0)
    assert found.curvature.tolist() == [[0.0]]
    assert found.gradient.tolist() == [0.0]


def test_what_is_believed_of_a_code_takes_the_priors_place():
    belief = Belief.of_deviations(torch.tensor([1.0, -1.0]), torch.tensor([0.5, 2.0]))
    found = Equations.of(state(0.5, -1.0), CODE, [], belief, prior=8.0)
    assert found.curvature.tolist() == [[32.0, 0.0], [0.0, 2.0]]
    assert found.gradient.tolist() == [-16.0, 0.0]


def test_a_change_is_newtons_and_shorter_the_more_it_is_damped():
    """Of a x^2 / 2 + b x it is -b / (a + damping)."""
    given_ = Equations(
        state(0.0, 0.0),
        CODE,
        torch.diag(torch.tensor([2.0, 4.0])).double(),
        torch.tensor([1, -1.0]).double(),
    )
    for damping in (0.0, 1.0, 6.0):
        wanted = [-1 / (2 + damping), 1 / (4 + damping)]
        assert given_.solved(damping, FREE).tolist() == pytest.approx(wanted)


def test_a_code_at_its_longest_is_the_best_there():
    """Of |z - t|^2 within a circle the best is where the way to t leaves it."""
    target, longest = torch.tensor([0.9, 1.2]).double(), 1.0
    start = state(0.6, 0.0)
    off = start.whitened.double() - target
    found = Equations(start, CODE, torch.eye(2).double(), off).solved(0.0, longest)
    code = start.whitened.double() + found
    assert torch.allclose(code, target / target.norm() * longest, atol=1e-3)
    assert float(code.norm()) <= longest


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.floats(0.5, 4))
@settings(max_examples=50, deadline=None)
def test_no_code_that_can_be_pulled_back_ends_beyond_its_longest(gradient, longest):
    start = state(0.1, -0.2, 0.3, 0.1)
    freedom = ALL.only("whitened")
    curvature = torch.diag(torch.tensor([1e-2, 1.0, 2.0, 5.0])).double()
    given_ = Equations(start, freedom, curvature, torch.tensor(gradient).double())
    code = start.whitened.double() + given_.solved(0.0, longest)
    assert float(code.norm()) <= longest + 1e-9


def test_the_pull_leaves_the_transform_alone():
    """Nothing couples them here, so that moves are as if no code were held."""
    freedom = Freedom((("whitened", 2), ("move", 3)))
    gradient = torch.tensor([-5.0, 0, 0.1, -0.2, 0.3]).double()
    given_ = Equations(state(0.9, 0.0), freedom, torch.eye(5).double(), gradient)
    found = given_.solved(0.0, 1.0)
    assert found[0] == pytest.approx(0.1, abs=1e-3)
    assert found[2:].tolist() == pytest.approx([-0.1, 0.2, -0.3])


def test_parts_are_held_each_by_its_own_reach():
    change = torch.cat(
        [torch.full((4,), 9.0), torch.tensor([0, 0, 2.0]), torch.zeros(3), torch.tensor([-7.0])]
    )
    code, move, turn, scale = _held(ALL, change.double()).split([4, 3, 3, 1])
    assert code.tolist() == pytest.approx([CODE_REACH] * 4)  # root mean square
    assert move.tolist() == pytest.approx([0, 0, POSE_REACH])
    assert turn.tolist() == [0.0] * 3
    assert scale.tolist() == pytest.approx([-POSE_REACH])


def test_what_is_within_reach_stays_as_it_is():
    change = torch.tensor([0.5, -0.5, 0.2, 0.1, 0.1, 0.2, 0.3, -0.1, 0.0, 0.4, 0.49]).double()
    assert torch.equal(_held(ALL, change), change)
