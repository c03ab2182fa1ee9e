"""Teaching the encoder of a space, from the space alone: one generator, from pictures to file.

Everything that takes long is kept in a folder, so that a run that was interrupted goes on where it
was: the pictures in parts, the encoder's training as a checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file, save

from ..errors import TrainingError
from ..files import write_whole
from ..space import Space
from . import judging
from .encoder import EncoderForm
from .encoderfile import SpaceEncoder, fingerprint, write_encoder
from .examples import Example, examples
from .learner import Learner, Schedule
from .learning import EncoderOptions, EncoderTraining, Lessons
from .masker import SIDE
from .maskerlearning import MaskerOptions, MaskerTraining
from .roundness import looks_round
from .solids import solids
from .surfacemeasure import surface_measure

Step = TypeVar("Step")

PART = 500  # pictures
CHECKPOINT, MASKER, NOTE = "encoder.pt", "masker.pt", "teach.json"
PICTURES, MASKS = "pictures", "masks"  # the files of what is drawn
SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass(frozen=True)
class TeachOptions:
    """How an encoder and its masker are taught; ``seed`` of all of it."""

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    masker: MaskerOptions = field(default_factory=MaskerOptions)
    seed: int = 1


@dataclass(frozen=True)
class TeachStep:
    """Where a run is: its stage in a word, how much of the whole is done, seconds left, figures."""

    stage: str
    share: float
    seconds_left: float | None
    figures: dict[str, float]


def teach(
    space: Space,
    out: Path,
    folder: Path,
    *,
    options: TeachOptions | None = None,
    known: SpaceEncoder | None = None,
) -> Generator[TeachStep, None, None]:
    """Teach an encoder of ``space``, write it to ``out``; ``folder`` keeps what a run needs.

    With a ``known`` encoder of the space only its masker is taught anew. Deterministic on one
    thread. Raises TrainingError, OSError, EncoderError where ``known`` is another space's.
    """
    options = options or TeachOptions()
    if space.code_length < 1 or len(space.codes) < 2:
        raise TrainingError(
            f"The space '{space.name}' has fewer than two known shapes",
            "An encoder tells shapes apart: use a space of several",
        )
    if known is not None:
        known.check(space)
    _claim(folder, space, options)
    clock = _Clock(options, known is not None)
    azimuth = not looks_round(space)
    masks = _Part(MASKS, SIDE, options.masker, options.seed + 500_009)
    masked = yield from _drawn(space, folder, masks, clock)
    measure = surface_measure(space, torch.Generator().manual_seed(options.seed + 4))
    if known is None:
        parts = _Part(PICTURES, EncoderForm(1).side, options.encoder, options.seed)
        lessons = yield from _drawn(space, folder, parts, clock)
        generator = torch.Generator().manual_seed(options.seed)
        training = EncoderTraining(
            EncoderForm(space.code_length), options.encoder, generator=generator
        )
        steps = training.run(lessons, measure, azimuth=azimuth)
        with closing(_kept(training, folder / CHECKPOINT, steps, clock)) as kept:
            for step in kept:
                figures = {"loss": step.loss, "code": step.code_error, "degrees": step.degrees}
                yield clock.step("encoder", step.step / step.steps, figures)
        encoder, recipe = training.encoder, asdict(options)
    else:
        encoder = known.encoder
        recipe = asdict(options) | {"encoder": known.card.get("recipe", {}).get("encoder")}
    generator = torch.Generator().manual_seed(options.seed + 2)
    learning = MaskerTraining(options.masker, generator=generator)
    things = solids(SIDE, torch.Generator().manual_seed(options.seed + 5))
    with closing(_kept(learning, folder / MASKER, learning.run(masked, things), clock)) as found:
        for iou in found:
            yield clock.step("masker", learning.step / options.masker.steps, {"iou": iou})
    encoder.eval()
    learning.masker.eval()
    taught = SpaceEncoder(
        space.name,
        fingerprint(space),
        encoder,
        learning.masker,
        torch.eye(space.code_length),
        azimuth,
        space.frame.up,
    )
    yield clock.step("judging", 0.0, {})
    quality, covariance = judging.judged(space, taught, measure, seed=options.seed + 3)
    card = {"recipe": recipe, "quality": quality}
    write_encoder(out, replace(taught, covariance=covariance, card=card))
    yield TeachStep("done", 1.0, 0.0, quality)


class _Clock:
    """How much of a run is done, and how long the rest takes at the pace so far."""

    def __init__(self, options: TeachOptions, masker_alone: bool) -> None:
        # Milliseconds a picture, measured once: only their ratios count.
        encoder, masker = options.encoder, options.masker
        self._work = {
            MASKS: 30.0 * masker.pictures,
            PICTURES: 22.0 * encoder.pictures,
            "encoder": 6.0 * encoder.batch * encoder.steps,
            "masker": 18.0 * masker.batch * masker.steps,
            "judging": 52.0 * judging.CHECKED,
        }
        if masker_alone:
            self._work |= {PICTURES: 0.0, "encoder": 0.0}
        self._started, self._first = time.monotonic(), -1.0

    def step(
        self, stage: str, share: float, figures: dict[str, float], *, kept: bool = False
    ) -> TeachStep:
        """Where the run is. What was ``kept`` of a former one took no time, and tells no pace."""
        stages = list(self._work)
        before = sum(self._work[name] for name in stages[: stages.index(stage)])
        done = (before + share * self._work[stage]) / sum(self._work.values())
        if self._first < 0 or kept:
            self._started, self._first = time.monotonic(), done
        passed, made = time.monotonic() - self._started, done - self._first
        left = passed / made * (1 - done) if made > 0.002 else None
        return TeachStep(PICTURES if stage == MASKS else stage, done, left, figures)


@dataclass(frozen=True)
class _Part:
    """Pictures to draw: the name of their files, their side, how many, and their seed."""

    name: str
    side: int
    schedule: Schedule
    seed: int


def _drawn(
    space: Space, folder: Path, part: _Part, clock: _Clock
) -> Generator[TeachStep, None, Lessons]:
    """Pictures, of which those that are missing are drawn, a file of PART after the other."""
    count, made = part.schedule.pictures, []
    for number in range(-(-count // PART)):
        path = folder / f"{part.name}_{number}.safetensors"
        kept = path.exists()
        if not kept:
            generator = torch.Generator().manual_seed(part.seed * 1_000_003 + number)
            drawing = examples(space, part.side, generator=generator, views=part.schedule.views)
            drawn: list[Example] = []
            for here in range(number * PART, min((number + 1) * PART, count)):
                drawn.append(next(drawing))
                if len(drawn) % 25 == 0:
                    yield clock.step(part.name, (here + 1) / count, {})
            lessons = Lessons.of(drawn)
            whole = {name: value.contiguous() for name, value in vars(lessons).items()}
            write_whole(path, save(whole))
        yield clock.step(part.name, min((number + 1) * PART / count, 1.0), {}, kept=kept)
        made.append(load_file(path))
    return Lessons(**{name: torch.cat([each[name] for each in made]) for name in made[0]})


def _kept(
    learner: Learner, checkpoint: Path, steps: Iterator[Step], clock: _Clock
) -> Generator[Step, None, None]:
    """The ``steps`` of a learner that goes on from its ``checkpoint``, and is kept in it."""
    if checkpoint.exists():
        learner.resume(checkpoint)
        clock.step(learner.what, learner.step / learner.schedule.steps, {}, kept=True)
    saved = time.monotonic()
    try:
        for step in steps:
            if learner.done or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
                learner.save(checkpoint)
                saved = time.monotonic()
            yield step
    except GeneratorExit:  # stopped: what was learnt is kept
        learner.save(checkpoint)
        raise


def learnt(folder: Path) -> list[Path]:
    """The files of what a run in ``folder`` drew and learnt, but for the note of whose it is."""
    drawn = (path for name in (PICTURES, MASKS) for path in folder.glob(f"{name}_*.safetensors"))
    return [*drawn, folder / CHECKPOINT, folder / MASKER]


def _claim(folder: Path, space: Space, options: TeachOptions) -> None:
    """Make the folder this run's own; what a run of other options or another space left goes."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / NOTE
    of = json.dumps({"space": fingerprint(space), "options": asdict(options)}, indent=1)
    if note.exists() and note.read_text("utf-8") == of:
        return
    if note.exists():
        for path in learnt(folder):
            path.unlink(missing_ok=True)
    elif any(folder.iterdir()):
        raise TrainingError(f"The folder '{folder}' holds something else", "Choose an empty one")
    write_whole(note, of.encode())
