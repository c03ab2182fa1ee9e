"""Teaching the encoder of a space, from the space alone: one generator, from pictures to file.

Everything that takes long is kept in a folder, so that a run that was interrupted goes on where it
was: the pictures in parts, the encoder's training as a checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from ..errors import TrainingError
from ..files import write_whole
from ..space import Space
from .encoder import EncoderForm
from .encoderfile import SpaceEncoder, fingerprint, write_encoder
from .examples import examples, shape_of
from .learning import EncoderOptions, EncoderTraining, Lessons, errors, seen
from .masker import Masker
from .maskerlearning import placed, teach_masker
from .surfacemeasure import surface_measure

PART = 500  # pictures
CHECKPOINT, NOTE = "encoder.pt", "teach.json"
SECONDS_BETWEEN_CHECKPOINTS = 30.0
CHECKED = 1_000  # pictures, drawn anew, by which the card tells how good it is
# No guess is held to more firmly than this, in deviations.
LEAST_ERROR = 0.05
# A shape that upright turns change by less than this, in its radii, looks alike from all around. Of
# the built-in families the usual vase changes by 0.03, the usual cup, for its handle, by 0.16.
ROUND, LOOKED_AT = 0.07, 8
TURNS = (25.0, 60.0, 90.0, 145.0, 180.0)  # degrees


@dataclass(frozen=True)
class TeachOptions:
    """How an encoder is taught: ``encoder``, and steps of the ``masker``; ``seed`` of all of it."""

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    masker: int = 500
    seed: int = 1


@dataclass(frozen=True)
class TeachStep:
    """Where a run is: its stage in a word, how much of the whole is done, seconds left, figures."""

    stage: str
    share: float
    seconds_left: float | None
    figures: dict[str, float]


def teach(
    space: Space, out: Path, folder: Path, *, options: TeachOptions | None = None
) -> Generator[TeachStep, None, None]:
    """Teach an encoder of ``space``, write it to ``out``; ``folder`` keeps what a run needs.

    Deterministic on one thread. Raises TrainingError, OSError.
    """
    options = options or TeachOptions()
    if space.code_length < 1 or len(space.codes) < 2:
        raise TrainingError(
            f"The space '{space.name}' has fewer than two known shapes",
            "An encoder tells shapes apart: use a space of several",
        )
    _claim(folder, space, options)
    clock = _Clock(options)
    azimuth = not looks_round(space)
    parts = []
    for number in range(-(-options.encoder.pictures // PART)):
        yield from _pictures(space, folder, number, options, clock)
        parts.append(load_file(folder / f"pictures_{number}.safetensors"))
    lessons = _joined(parts)
    measure = surface_measure(space, torch.Generator().manual_seed(options.seed + 4))
    training = _training(space, folder, options)
    if training.step:
        yield clock.step("encoder", training.step / max(training.options.steps, 1), {}, kept=True)
    saved = time.monotonic()
    try:
        for step in training.run(lessons, measure, azimuth=azimuth):
            if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS or step.step == step.steps:
                training.save(folder / CHECKPOINT)
                saved = time.monotonic()
            figures = {"loss": step.loss, "code": step.code_error, "degrees": step.degrees}
            yield clock.step("encoder", step.step / step.steps, figures)
    except GeneratorExit:  # stopped: what was learnt is kept
        training.save(folder / CHECKPOINT)
        raise
    generator = torch.Generator().manual_seed(options.seed + 2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        masker = Masker().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = options.masker
    for done, iou in enumerate(
        teach_masker(masker, lessons, steps, batch=options.encoder.batch, generator=generator), 1
    ):
        yield clock.step("masker", done / steps, {"iou": iou})
    training.encoder.eval()
    masker.eval()
    networks = training.encoder, masker
    found = SpaceEncoder(
        space.name,
        fingerprint(space),
        *networks,
        torch.eye(space.code_length),
        azimuth,
        space.frame.up,
    )
    yield clock.step("judging", 0.0, {})
    quality, covariance = judged(space, found, measure, seed=options.seed + 3)
    card = {"recipe": asdict(options), "quality": quality}
    write_encoder(out, replace(found, covariance=covariance, card=card))
    yield TeachStep("done", 1.0, 0.0, quality)


def looks_round(space: Space) -> bool:
    """Whether the usual shape looks alike from all around its upright axis."""
    some = torch.linspace(0, len(space.codes) - 1, min(LOOKED_AT, len(space.codes))).long()
    found = [changed_by_turns(space, code) for code in (space.mean_code, *space.codes[some].cpu())]
    changes = sorted(change for change in found if change is not None)
    return bool(changes) and changes[len(changes) // 2] < ROUND


def changed_by_turns(space: Space, code: Tensor) -> float | None:
    """How far turns about the upright axis take a shape's surface from where it was, in its radii.

    None where the code has no surface.
    """
    shape = shape_of(space, space.statistics.whiten(code))
    if not len(shape.faces):
        return None
    away = torch.from_numpy(shape.vertices).float()
    turn = space.frame.matrix()[:3, :3].float() / space.frame.scale
    field, worst = space.fold(code), 0.0
    for degrees in TURNS:
        angle = torch.tensor(degrees).deg2rad()
        about = torch.tensor(
            [[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1]]
        )
        off = field.evaluate((away @ about.T @ turn).to(space.device)).abs().max()
        worst = max(worst, float(off))
    return worst / float(away.norm(dim=1).max())


def judged(
    space: Space, found: SpaceEncoder, measure: Tensor, *, seed: int
) -> tuple[dict[str, float], Tensor]:
    """How good an encoder is on pictures drawn anew: its code, the likeliest view and the best one.

    The code's error is a share of the mean code's. And the covariance ``(L, L)`` of its errors, in
    whitened numbers: where few codes tell of many numbers, how these go together is trusted less
    (Ledoit and Wolf, 2004, shrink towards the diagonal likewise).
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = examples(space, found.encoder.form.side, generator=generator, views=2)
    lessons = Lessons.of([next(drawn) for _ in range(CHECKED)])
    every = torch.arange(CHECKED)
    told: dict[str, float] = {}
    with torch.no_grad():
        outputs = found.encoder(seen(lessons, every, generator))
        likeliest = outputs[every, outputs[..., -1].argmax(1)][:, None]
        for name, guesses in (("likeliest", likeliest), ("best", outputs)):
            truth = (lessons.whitened, lessons.views, measure)
            _, code, degrees = errors(guesses, *truth, azimuth=found.azimuth)
            told[f"{name}_degrees"] = round(degrees, 2)
        usual = float((lessons.whitened @ measure).square().sum(1).mean())
        told["code_error"] = round(code / max(usual, 1e-12), 4)
        pictures, masks = placed(lessons, every, generator)
        hard, true = found.masker(pictures) > 0, masks > 0.5
        iou = (hard & true).sum() / (hard | true).sum()
    off = outputs[:, 0, : space.code_length] - lessons.whitened
    codes = len(lessons.whitened.unique(dim=0))
    return told | {"mask_iou": round(float(iou), 4)}, covariance_of(off, codes)


def covariance_of(off: Tensor, independent: int) -> Tensor:
    """The covariance ``(L, L)`` of errors ``(N, L)``, so many of which are independent."""
    length = off.shape[1]
    found = off.T @ off / len(off)
    share = length / (length + independent)
    found = torch.lerp(found, torch.diag(found.diag()), share)
    return found + LEAST_ERROR**2 * torch.eye(length)


class _Clock:
    """How much of a run is done, and how long the rest takes at the pace so far."""

    def __init__(self, options: TeachOptions) -> None:
        # Milliseconds a picture, measured once: only their ratios count.
        encoder, batch = options.encoder, options.encoder.batch
        self._work = {
            "pictures": 22.0 * encoder.pictures,
            "encoder": 5.0 * batch * encoder.steps,
            "masker": 6.0 * batch * options.masker,
            "judging": 22.0 * CHECKED,
        }
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
        return TeachStep(stage, done, left, figures)


def _pictures(
    space: Space, folder: Path, number: int, options: TeachOptions, clock: _Clock
) -> Iterator[TeachStep]:
    """Draw a part of the pictures where it is missing."""
    path = folder / f"pictures_{number}.safetensors"
    parts = -(-options.encoder.pictures // PART)
    kept = path.exists()
    if not kept:
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
        drawn = examples(
            space, EncoderForm(1).side, generator=generator, views=options.encoder.views
        )
        made = []
        for count in range(min(PART, options.encoder.pictures - number * PART)):
            made.append(next(drawn))
            if count % 25 == 24:
                yield clock.step("pictures", (number + (count + 1) / PART) / parts, {})
        lessons = Lessons.of(made)
        write_whole(path, save({name: value.contiguous() for name, value in vars(lessons).items()}))
    yield clock.step("pictures", (number + 1) / parts, {}, kept=kept)


def _joined(parts: list[dict[str, Tensor]]) -> Lessons:
    return Lessons(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def _training(space: Space, folder: Path, options: TeachOptions) -> EncoderTraining:
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists():
        return EncoderTraining.load(checkpoint)
    generator = torch.Generator().manual_seed(options.seed)
    return EncoderTraining(EncoderForm(space.code_length), options.encoder, generator=generator)


def learnt(folder: Path) -> list[Path]:
    """The files of what a run in ``folder`` drew and learnt, but for the note of whose it is."""
    return [*folder.glob("pictures_*.safetensors"), folder / CHECKPOINT]


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
