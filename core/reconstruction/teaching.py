"""Teaching the encoder of a space, from the space alone: one generator, from pictures to file.

Everything that takes long is kept in a folder, so that a run that was interrupted goes on where it
was: the pictures in parts, the encoder's and the masker's training as checkpoints.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import TrainingError
from ..space import Space
from . import judging, teachfolder
from .encoder import Encoder, EncoderForm
from .encoderfile import SpaceEncoder, fingerprint, write_encoder
from .learning import EncoderOptions, EncoderTraining
from .masker import SIDE, Masker
from .maskerlearning import MaskerOptions, MaskerTraining
from .roundness import looks_round
from .solids import solids
from .surfacemeasure import surface_measure
from .teachclock import Clock, TeachStep

# Of one seed all that is drawn at random gets its own.
MASKS_SEED, MASKER_SEED, JUDGING_SEED, MEASURE_SEED, SOLIDS_SEED = 500_009, 2, 3, 4, 5


@dataclass(frozen=True)
class TeachOptions:
    """How an encoder and its masker are taught; ``seed`` of all of it."""

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    masker: MaskerOptions = field(default_factory=MaskerOptions)
    seed: int = 1


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
    chosen = asdict(options)
    if known is None:
        recipe = chosen
    else:
        recipe = _mended_recipe(known, options)
        del chosen["encoder"]  # it plays no part
    teachfolder.claim(folder, {"space": fingerprint(space), "options": chosen})
    clock = Clock(
        encoder=options.encoder if known is None else None,
        masker=options.masker,
        checked=judging.pictures(),
    )
    measure = surface_measure(space, torch.Generator().manual_seed(options.seed + MEASURE_SEED))
    if known is None:
        azimuth = not looks_round(space)
        encoder = yield from _taught_encoder(
            space, folder, options, measure, clock, azimuth=azimuth
        )
    else:
        encoder, azimuth = known.encoder, known.azimuth
    masker = yield from _taught_masker(space, folder, options, clock)
    encoder.eval()
    masker.eval()
    taught = SpaceEncoder(
        space.name,
        fingerprint(space),
        encoder,
        masker,
        torch.eye(space.code_length),
        azimuth,
        space.frame.up,
    )
    judged = judging.judged(space, taught, measure, seed=options.seed + JUDGING_SEED)
    quality, covariance = yield from _told(judged, clock)
    card = {"recipe": recipe, "quality": quality}
    write_encoder(out, replace(taught, covariance=covariance, card=card))
    yield TeachStep("done", 1.0, 0.0, quality)


def _taught_encoder(
    space: Space,
    folder: Path,
    options: TeachOptions,
    measure: Tensor,
    clock: Clock,
    *,
    azimuth: bool,
) -> Generator[TeachStep, None, Encoder]:
    form = EncoderForm(space.code_length)
    drawing = teachfolder.Drawing("pictures", form.side, options.encoder, options.seed)
    lessons = yield from teachfolder.drawn(space, folder, drawing, clock)

    def begun() -> EncoderTraining:
        generator = torch.Generator().manual_seed(options.seed)
        return EncoderTraining(form, options.encoder, generator=generator)

    checkpoint = folder / "encoder.pt"
    training = teachfolder.resumed(begun, checkpoint)
    steps = training.run(lessons, measure, azimuth=azimuth)
    with closing(teachfolder.kept(training, checkpoint, steps, clock)) as told:
        for step in told:
            figures = {"loss": step.loss, "code": step.code_error, "degrees": step.degrees}
            yield clock.step("encoder", step.step / step.steps, figures)
    return training.encoder


def _taught_masker(
    space: Space, folder: Path, options: TeachOptions, clock: Clock
) -> Generator[TeachStep, None, Masker]:
    drawing = teachfolder.Drawing("masks", SIDE, options.masker, options.seed + MASKS_SEED)
    lessons = yield from teachfolder.drawn(space, folder, drawing, clock)

    def begun() -> MaskerTraining:
        generator = torch.Generator().manual_seed(options.seed + MASKER_SEED)
        return MaskerTraining(options.masker, generator=generator)

    checkpoint = folder / "masker.pt"
    training = teachfolder.resumed(begun, checkpoint)
    if not training.done:
        behind = solids(SIDE, torch.Generator().manual_seed(options.seed + SOLIDS_SEED))
        steps = training.run(lessons, behind)
        with closing(teachfolder.kept(training, checkpoint, steps, clock)) as told:
            for iou in told:
                yield clock.step("masker", training.step / options.masker.steps, {"iou": iou})
    return training.masker


def _told(judged: Iterator[Any], clock: Clock) -> Generator[TeachStep, None, Any]:
    """What a judgement comes to, told of on the way."""
    while True:
        try:
            yield clock.step("judging", next(judged))
        except StopIteration as end:
            return end.value


def _mended_recipe(known: SpaceEncoder, options: TeachOptions) -> dict[str, Any]:
    """The recipe of an encoder whose masker is taught anew, by a seed of its own."""
    said = known.card.get("recipe")
    former = dict(said) if isinstance(said, Mapping) else {}
    return former | {"masker": asdict(options.masker) | {"seed": options.seed}}
