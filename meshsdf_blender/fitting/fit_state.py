"""What can be done with a shape next, as far as fitting goes: the label of the big button."""

from __future__ import annotations

from enum import Enum

import bpy

from .. import running
from ..wording import REASONS
from . import before


class FitState(Enum):
    """Its value is the label; a fit that has nothing more to gain only waits to be accepted."""

    READY = "Fit"
    RUNNING = "Stop"
    UNFINISHED = "Continue"
    ENDED = "Accept"
    COMPARING = "Show Fitted"


# Fits that ended so would end again at once.
SETTLED = (REASONS["converged"], REASONS["patience"])


def fit_state(ob: bpy.types.Object) -> FitState:
    """The state of a shape; READY too where it was changed after its fit."""
    if running.current() is not None:
        return FitState.RUNNING
    told = ob.meshsdf
    if not before.exists(ob):
        return FitState.READY
    if before.shown(ob):
        return FitState.COMPARING
    if told.fit_iou < 0:
        return FitState.READY
    return FitState.ENDED if told.fit_reason in SETTLED else FitState.UNFINISHED
