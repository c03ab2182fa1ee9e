"""A step of a reconstruction, as the worker sent it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Refusal

STAGES = {
    "guess": "First guess",
    "trial": "Best of the guesses",
    "refine": "Refining",
    "done": "Done",
}


@dataclass(frozen=True)
class ReconstructStep:
    """Vertices in local units, ``matrix`` local to world; ``camera`` to world where it was guessed.

    ``focal`` is in pixels of the picture as it was sent, ``lens`` in millimetres where it was told;
    ``mask`` uint8 comes with the last step.
    """

    stage: str
    step: int
    steps: int
    iou: float
    start_iou: float
    done: bool
    reason: str
    remarks: tuple[str, ...]
    predicted: bool
    focal: float
    lens: float
    report: dict[str, Any]
    code: np.ndarray
    matrix: np.ndarray
    camera: np.ndarray | None
    vertices: np.ndarray
    faces: np.ndarray
    mask: np.ndarray | None

    @property
    def text(self) -> str:
        """How far it is, in words."""
        told = STAGES.get(self.stage, self.stage)
        if self.stage == "refine":
            told = f"{told}: step {self.step} of {self.steps}"
        return f"{told}, IoU {self.iou:.3f}"


def read(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> ReconstructStep:
    """Read a step frame. Raises Refusal where a field is missing or is not what it should be."""
    try:
        camera, mask = arrays.get("camera"), arrays.get("mask")
        step = ReconstructStep(
            stage=str(header["stage"]),
            step=int(header["step"]),
            steps=int(header["steps"]),
            iou=float(header.get("iou") or 0.0),
            start_iou=float(header.get("start_iou") or 0.0),
            done=bool(header["done"]),
            reason=str(header.get("reason") or ""),
            remarks=tuple(str(text) for text in header.get("remarks") or ()),
            predicted=bool(header.get("predicted")),
            focal=float(header.get("focal") or 0.0),
            lens=float(header.get("lens") or 0.0),
            report=dict(header.get("report") or {}),
            code=np.array(arrays["code"], dtype=np.float32).reshape(-1),
            matrix=np.array(arrays["object"], dtype=np.float64),
            camera=None if camera is None else np.array(camera, dtype=np.float64),
            vertices=arrays["vertices"],
            faces=arrays["faces"],
            mask=mask,
        )
        _check(step)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refusal(
            f"The worker sent a step that cannot be read ({error})", "Report this with Copy Details"
        ) from error
    return step


def _check(step: ReconstructStep) -> None:
    for what, matrix in (("its matrix", step.matrix), ("its camera", step.camera)):
        if matrix is not None and (matrix.shape != (4, 4) or not np.isfinite(matrix).all()):
            raise ValueError(what)
    if step.camera is not None and not 0 < step.focal < np.inf:
        raise ValueError("its focal length")
    for what, array in (("its vertices", step.vertices), ("its faces", step.faces)):
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError(what)
    if step.mask is not None and step.mask.ndim != 2:
        raise ValueError("its mask")
