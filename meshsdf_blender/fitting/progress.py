"""Showing how a live run is doing: the panel's bar, the status line, the areas that draw them."""

from __future__ import annotations

import bpy

from ..redraw import redraw, tell_status
from ..shapes import shape
from .fit_run import FitRun, FitStep

HINT = "Esc: stop and keep the best"


def show_waiting(context: bpy.types.Context, run: FitRun) -> None:
    """Before the first step: the worker may still be importing torch."""
    told = context.window_manager.meshsdf
    told.step, told.iou, told.best_iou = 0, 0.0, 0.0
    told.text, told.topology = "Starting the worker", ""
    _status(context, "MeshSDF: starting the worker", HINT)
    redraw(context)


def show_progress(context: bpy.types.Context, step: FitStep) -> None:
    """After each step that is shown."""
    told = context.window_manager.meshsdf
    told.step, told.steps = step.step, step.steps
    told.iou, told.best_iou, told.alone = step.iou, step.best_iou, step.alone
    told.text = f"Step {step.step} of {step.steps}, {step.figures}"
    told.topology = shape.topology(step.report)
    _status(context, f"MeshSDF: {told.text}, {told.topology}", HINT)
    redraw(context)


def show_encoding(context: bpy.types.Context, step: int, steps: int) -> None:
    """While a mesh is encoded; before the first step the worker may still be on its way."""
    told = context.window_manager.meshsdf
    told.step, told.steps, told.topology = step, steps, ""
    told.text = f"Encoding: step {step} of {steps}" if steps else "Starting the worker"
    _status(context, f"MeshSDF: {told.text}", HINT)
    redraw(context)


def show_reconstructing(context: bpy.types.Context, text: str, step: int, steps: int) -> None:
    """While a picture is reconstructed; without a text the worker is still on its way."""
    told = context.window_manager.meshsdf
    told.step, told.steps, told.topology = step, steps, ""
    told.text = text or "Looking at the picture"
    _status(context, f"MeshSDF: {told.text}", HINT)
    redraw(context)


def show_stopping(context: bpy.types.Context) -> None:
    """Between the wish to stop and the last frame: the worker finishes its step first."""
    told = context.window_manager.meshsdf
    told.text = "Stopping after this step"
    _status(context, f"MeshSDF: {told.text}")
    redraw(context)


def hide_progress(context: bpy.types.Context) -> None:
    """When the fit is over."""
    _status(context, None)
    redraw(context)


def _status(context: bpy.types.Context, text: str | None, keys: str = "") -> None:
    tell_status(context.window_manager, text, keys=keys)
