"""A training in the worker, and what a request says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from ..shapes.family import Alignment
from ..training.run import Progress, RunOptions, train
from .job import Job
from .reply import Arrays, Reply, finite, mesh_arrays
from .request import Request, RequestError

MOST_WARNINGS, MOST_WARNING_LETTERS = 50, 500
ALIGNMENT_OPTIONS = ("up", "centre", "normalise")
FLAGS = ("centre", "normalise", "fill_voids", "plain")
NAMED = ("name", "preset", "seed", "held_out", "thickness", "fill_voids", "plain")
OPTIONS = (*NAMED, *ALIGNMENT_OPTIONS)


class TrainingJob(Job[Progress]):
    """A running training. A preview that was not sent goes with the next step."""

    title = "A training"

    def __init__(self, steps: Iterator[Progress], stop: Event) -> None:
        self._stop = stop
        super().__init__(next(steps), steps, running=True)

    def _merged(self, step: Progress) -> Progress:
        unsent = self._unsent
        if step.preview is None and isinstance(unsent, Progress) and unsent.preview is not None:
            return replace(
                step,
                preview=unsent.preview,
                preview_name=unsent.preview_name,
                frame=unsent.frame,
            )
        return step

    def _done(self, step: Progress) -> bool:
        return step.finished

    def _last(self) -> Progress:
        return self._newest

    def _stopped(self) -> Progress:
        """The run's own last word: it writes checkpoint and space on the way."""
        self._stop.set()
        last = self._newest
        for step in self._rest:
            last = step
        return last

    def reply(self, step: Progress) -> Reply:
        """A progress frame."""
        warnings = [text[:MOST_WARNING_LETTERS] for text in step.warnings[:MOST_WARNINGS]]
        header = {
            "op": "progress",
            **step.to_json(),
            "loss": None if step.loss is None else finite(step.loss),
            "warnings": warnings,
        }
        arrays: Arrays = {}
        if step.preview is not None:
            arrays = mesh_arrays(step.preview.vertices, step.preview.faces, step.frame)
        return header, arrays


def start_training(request: Request, device: str) -> TrainingJob:
    """The training that is asked for; its first step is taken, so that what cannot start says so.

    Raises RequestError, TrainingError.
    """
    stop = Event()
    source = request.optional_text("source")
    folder = Path(request.text("folder"))
    if source is None:
        if request.mapping("options"):
            raise RequestError("A run that goes on takes no options", "Give none, or a source")
        return TrainingJob(train(folder, device=device, stop=stop), stop)
    options = run_options(request.mapping("options"), device)
    anew = request.flag("anew", False)
    return TrainingJob(train(folder, Path(source), options, anew=anew, stop=stop), stop)


def run_options(values: dict[str, Any], device: str) -> RunOptions:
    """The protocol's options T. Raises RequestError for names and types, TrainingError else."""
    for name, value in values.items():
        if name not in OPTIONS:
            raise RequestError(
                f"There is no training option '{name[:40]}'", f"Use {', '.join(OPTIONS)}"
            )
        fitting: dict[str, Any] = {"seed": int, "held_out": int | float, "thickness": int | float}
        wanted = fitting.get(name, bool if name in FLAGS else str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise RequestError(f"The training option '{name}' is {str(value)[:40]!r}")
    alignment = {name: values[name] for name in ALIGNMENT_OPTIONS if name in values}
    others = {name: value for name, value in values.items() if name not in alignment}
    return RunOptions(alignment=Alignment(**alignment), device=device, **others)
