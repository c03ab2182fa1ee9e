"""Driving a fit from its first step to its last, as a script does."""

from __future__ import annotations

import bpy

from .fit_run import FitRun, FitStep

WAIT_SECONDS = 0.1


def run_to_end(context: bpy.types.Context, run: FitRun, *, print_every: int = 0) -> FitStep:
    """Drive a run to its last frame and write that one. Raises Refusal with all as before."""
    printed = 0
    try:
        while True:
            step = run.advance(WAIT_SECONDS)
            if step is not None and step.done:
                run.finish(context, step)
                return step
            # Steps may be passed over, as only the newest one is sent.
            if step is not None and print_every and step.step >= printed + print_every:
                printed = step.step
                print(f"Step {step.step} of {step.steps}: {step.figures}", flush=True)
    except BaseException:  # a KeyboardInterrupt too leaves shape and worker in order
        run.fail()
        raise
