"""Making replies: results as JSON fields and arrays, errors as messages."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import (
    CodeError,
    EncoderError,
    FitError,
    MeshSDFError,
    PictureError,
    SampleError,
    SpaceError,
    TrainingError,
    ViewError,
)
from ..fitting import FitStep
from ..memory import short_of_memory
from ..pose import transformed
from ..shapes.packages import MissingPackageError
from ..sliders import sliders_of
from ..space import Frame, Space
from ..topology import Topology
from .request import BusyError, DroppedError, RequestError

Arrays = dict[str, NDArray[Any]]
Reply = tuple[dict[str, Any], Arrays]

KINDS: dict[type[MeshSDFError], str] = {
    SpaceError: "SpaceError",
    CodeError: "CodeError",
    ViewError: "ViewError",
    FitError: "FitError",
    TrainingError: "TrainingError",
    EncoderError: "EncoderError",
    PictureError: "PictureError",
    SampleError: "TrainingError",
    BusyError: "Busy",
    DroppedError: "Dropped",
    RequestError: "Request",
    # What core raises without a type of its own: an option out of range.
    MeshSDFError: "Request",
}
# Names and cards are left out where they would crowd everything else out of a header of 1 MiB.
MOST_NAME_BYTES = 512 * 1024
MOST_CARD_BYTES = 256 * 1024


def error_header(error: BaseException) -> dict[str, Any]:
    """The reply to a request that failed."""
    if isinstance(error, MeshSDFError):
        kind = next(name for kind, name in KINDS.items() if isinstance(error, kind))
        header = {"op": "error", "kind": kind, "problem": error.problem, "remedy": error.remedy}
        if isinstance(error, MissingPackageError):
            return {**header, "missing": list(error.missing)}
        return header
    problem = f"{type(error).__name__}: {str(error) or 'no message'}"[:2000]
    remedy = "See the worker's log, and report it as a fault of MeshSDF"
    if short_of_memory(error):
        problem = "There is not enough memory for this"
        remedy = "Lower the resolution, or close other programs"
    return {"op": "error", "kind": "Internal", "problem": problem, "remedy": remedy}


def space_reply(space: Space) -> Reply:
    """What Blender needs to know of a space."""
    statistics, warnings = space.statistics, list(space.warnings)
    names, card = list(space.shape_names), dict(space.card)
    sliders = sliders_of(space)
    if len(json.dumps(names)) > MOST_NAME_BYTES:
        names = []
        warnings.append(f"The names of the {len(space.codes)} shapes are too long to be shown")
    if len(json.dumps(card)) > MOST_CARD_BYTES:
        card = {}
        warnings.append("The space's card is too long to be shown")
    header = {
        "op": "space",
        "name": space.name,
        "code_length": space.code_length,
        "shape_names": names,
        "codes_count": len(space.codes),
        "card": card,
        "warnings": warnings,
        "sliders": [{"name": s.name, "low": s.low, "high": s.high} for s in sliders],
    }
    offsets = [slider.offset.cpu() for slider in sliders]
    arrays = {
        "sliders": single(torch.stack(offsets) if offsets else torch.zeros(0, space.code_length)),
        "codes": single(space.codes),
        "mean": single(statistics.mean),
        "axes": single(statistics.axes),
        "deviations": single(statistics.deviations),
    }
    return header, arrays


def mesh_arrays(vertices: Tensor, faces: Tensor, frame: Frame) -> Arrays:
    """Vertices of the cube as the object's local ones, with their faces."""
    local = transformed(frame.matrix(), vertices.detach().cpu().double())
    return {"vertices": single(local), "faces": faces.cpu().numpy().astype("<i4")}


def report(shape: Topology, frame: Frame, *, open_at_wall: bool, message: str) -> dict[str, Any]:
    """Report R of the protocol; ``shape`` was measured in the cube, R is in local units."""
    return {
        "vertices": shape.vertices,
        "faces": shape.faces,
        "components": shape.components,
        "genus": shape.genus,
        "watertight": shape.watertight,
        "volume": finite(shape.volume * frame.scale**3),
        "area": finite(shape.area * frame.scale**2),
        "open_at_wall": open_at_wall,
        "message": message,
    }


def step_reply(step: FitStep, frame: Frame) -> Reply:
    """A step of a fit."""
    header = {
        "op": "step",
        "step": step.step,
        "steps": step.steps,
        "loss": finite(step.loss),
        "iou": finite(step.iou),
        "best_iou": finite(step.best_iou),
        "best_step": step.best_step,
        "done": step.done,
        "reason": step.reason,
        "report": report(
            step.topology, frame, open_at_wall=step.open_at_wall, message=step.message
        ),
        "ms": {part: finite(value) for part, value in step.ms.items()},
        "evaluations": step.evaluations,
    }
    arrays = mesh_arrays(step.vertices, step.faces, frame)
    arrays["code"] = single(step.code)
    arrays["object"] = step.object_matrix.detach().cpu().numpy().astype("<f8")
    for number, mask in enumerate(step.masks):
        arrays[f"mask{number}"] = mask.view("|u1")
    return header, arrays


def single(tensor: Tensor) -> NDArray[np.float32]:
    """``tensor`` as a float32 array."""
    array: NDArray[np.float32] = tensor.detach().to("cpu", torch.float32).numpy()
    return array


def finite(value: float) -> float | None:
    """``value``, or None where JSON has no number for it."""
    return float(value) if math.isfinite(value) else None
