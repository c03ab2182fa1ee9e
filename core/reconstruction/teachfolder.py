"""What a teaching keeps in its folder, to go on from: pictures in parts, and checkpoints.

What cannot be read there is made anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save

from ..errors import TrainingError
from ..files import write_whole
from ..space import Space
from .examples import Example, examples
from .learner import Learner, Schedule
from .learning import Lessons
from .teachclock import Clock, TeachStep

Step = TypeVar("Step")
AnyLearner = TypeVar("AnyLearner", bound=Learner)

NOTE = "teach.json"
PART, TOLD = 500, 25  # pictures of a file, and between two steps that are told
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass(frozen=True)
class Drawing:
    """Pictures to draw: the ``name`` of their files, their side, how many, and their seed."""

    name: str
    side: int
    schedule: Schedule
    seed: int


def drawn(
    space: Space, folder: Path, drawing: Drawing, clock: Clock
) -> Generator[TeachStep, None, Lessons]:
    """The pictures, of which those that are missing are drawn, a file after the other."""
    count, made = drawing.schedule.pictures, []
    for number in range(-(-count // PART)):
        path = folder / f"{drawing.name}_{number}.safetensors"
        lessons = _read(path)
        kept = lessons is not None
        if lessons is None:
            generator = torch.Generator().manual_seed(drawing.seed * 1_000_003 + number)
            views = drawing.schedule.views
            pictures = examples(space, drawing.side, generator=generator, views=views)
            here: list[Example] = []
            for at in range(number * PART, min((number + 1) * PART, count)):
                here.append(next(pictures))
                if len(here) % TOLD == 0:
                    yield clock.step(drawing.name, (at + 1) / count)
            whole = vars(Lessons.of(here))
            data = save({key: each.contiguous() for key, each in whole.items()})
            write_whole(path, data)
            lessons = Lessons(**load(data))  # as one that goes on reads them, bit for bit
        yield clock.step(drawing.name, min((number + 1) * PART / count, 1.0), kept=kept)
        made.append(vars(lessons))
    return Lessons(**{key: torch.cat([each[key] for each in made]) for key in made[0]})


def _read(path: Path) -> Lessons | None:
    if not path.exists():
        return None
    try:
        return Lessons(**load_file(path))
    except (SafetensorError, TypeError):
        return None


def resumed(make: Callable[[], AnyLearner], checkpoint: Path) -> AnyLearner:
    """A learner as its ``checkpoint`` left it, or a new one."""
    learner = make()
    if not checkpoint.exists():
        return learner
    try:
        learner.resume(checkpoint)
    except TrainingError:
        return make()
    return learner


def kept(
    learner: Learner, checkpoint: Path, steps: Iterator[Step], clock: Clock
) -> Generator[Step, None, None]:
    """The ``steps`` of a learner, which is kept in its ``checkpoint``, also where it is stopped."""
    if learner.step:
        clock.step(learner.what, learner.step / learner.schedule.steps, kept=True)
    saved = time.monotonic()
    try:
        for step in steps:
            if learner.done or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
                learner.save(checkpoint)
                saved = time.monotonic()
            yield step
    except GeneratorExit:
        learner.save(checkpoint)
        raise


def learnt(folder: Path) -> list[Path]:
    """The files of what a run in ``folder`` drew and learnt, but for the note of whose it is."""
    names = ("pictures_*.safetensors", "masks_*.safetensors", "encoder.pt", "masker.pt")
    return [path for name in names for path in folder.glob(name)]


def claim(folder: Path, run: Mapping[str, object]) -> None:
    """Make the folder this ``run``'s own; what another run left in it goes.

    Raises TrainingError where it holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note, said = folder / NOTE, json.dumps(run, indent=1)
    if note.exists() and note.read_text("utf-8") == said:
        return
    if note.exists():
        for path in learnt(folder):
            path.unlink(missing_ok=True)
    elif any(folder.iterdir()):
        raise TrainingError(f"The folder '{folder}' holds something else", "Choose an empty one")
    write_whole(note, said.encode())
