"""Fitting a shape to what views see of it, as a generator of steps: one yield is one step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..camera import View
from ..errors import FitError
from ..pose import check_transform
from ..space import Space
from .adam import Adam
from .belief import Belief
from .given import residuals_of
from .goal import goals_of
from .levenberg import SecondOrder
from .looking import Looker
from .options import ADAM, FitOptions
from .rows import Residual
from .steps import FitStep
from .stopping import FitSteps, stopped
from .zoom import Axis

__all__ = ["Belief", "FitOptions", "FitStep", "FitSteps", "fit", "stopped"]


def fit(
    space: Space,
    code: Tensor,
    views: Sequence[View],
    targets: Sequence[Tensor],
    *,
    options: FitOptions | None = None,
    object_matrix: Tensor | None = None,
    residuals: Residual | Sequence[Residual] = (),
    belief: Belief | None = None,
) -> FitSteps:
    """Fit ``code`` ``(L,)`` to ``targets`` ``(H, W)`` in [0, 1], one per view.

    ``object_matrix`` ``(4, 4)`` takes the shape's own Z-up coordinates to the world (identity by
    default); to fit move, turn or scale it must be a similarity. ``residuals``
    (:mod:`core.fitting.residuals`; one or several) count beside the outlines, and alone where there
    are no views; the IoU is 0 then. ``belief`` says where the code probably lies, in place of the
    space's own statistics, and is what the options' prior pulls to. Step 0 is the start; the last
    step is the best of all, so that a fit never returns worse than it was given. To end it sooner,
    and still get that step, call ``stopped`` with the generator. Deterministic.

    Raises CodeError, ViewError for a target that cannot be matched, FitError where nothing can be
    fitted. All of this is checked before the first step.
    """
    options = options or FitOptions()
    start = space.check_code(code).cpu()
    plugged = residuals_of(residuals)
    if options.lens and options.solver == ADAM:
        raise FitError("Adam leaves the lens as it is", "Use the solver 'second_order'")
    if options.lens and not views:
        raise FitError("There is a lens to fit, and no view that is seen through it", "Give a view")
    for view in views if options.lens else ():
        Axis.of(view)
    if plugged and options.solver == ADAM:
        raise FitError("Adam takes no residuals", "Use the solver 'second_order'")
    if belief is not None and options.solver == ADAM:
        raise FitError("Adam takes no belief", "Use the solver 'second_order'")
    if belief is not None and len(belief.whitened) != space.code_length:
        raise FitError(
            f"The belief is about a code of {len(belief.whitened)} numbers, and those of space "
            f"'{space.name}' have {space.code_length}",
            "Give one of this space",
        )
    goals = (
        goals_of(views, targets, reach=options.reach)
        if views or len(targets) or not plugged
        else []
    )
    matrix = torch.eye(4, dtype=torch.float64)
    if object_matrix is not None:
        matrix = torch.as_tensor(object_matrix, dtype=torch.float64)
    check_transform(matrix, similarity=options.pose)
    looker = Looker(space, goals, options, start, matrix)
    if options.solver == ADAM:
        return Adam(looker, options).run()
    return SecondOrder(looker, options, plugged, belief).run()
