"""The stage "training" of a run: steps, checkpoints, previews, and what to do when memory is short.

A checkpoint is at most ``CHECKPOINT_SECONDS`` old, so that is the most that a crash costs. Time
decides when something is written or shown, never what is learnt: a run that was interrupted ends
with the same bits as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import torch

from ..errors import SpaceError, TrainingError
from ..extraction import Extraction, extract
from ..shapes.family import Placement
from ..shapes.sampling import Samples
from ..space import Space
from ..spacefile import write_space
from .autodecoder import Training, TrainingOptions
from .distributed import ALONE, Team
from .progress import Pace, Progress
from .runfolder import RunFolder

CHECKPOINT_SECONDS = 45.0
PREVIEW_SECONDS = 5.0
PREVIEW_CELLS = 40
# Of the time, so much may go into previews.
PREVIEW_SHARE = 0.05
# Weight of a new step in the loss that is told.
LOSS_SHARE = 0.02
MOST_HALVINGS = 2


class Learning:
    """A training with its checkpoint and its space, in a run folder.

    ``card`` is the space's; ``shapes`` are samples by name, in the order of the codes.
    """

    def __init__(
        self,
        folder: RunFolder,
        name: str,
        shapes: Mapping[str, Samples],
        placement: Placement,
        *,
        card: Mapping[str, Any],
        device: str = "cpu",
        stop: Event | None = None,
        team: Team = ALONE,
        previews: bool = True,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.path = folder.space(name)
        self._folder = folder
        self._name = name
        self._shapes = shapes
        self._placement = placement
        self._card = card
        self._device = device
        self._stop = stop or Event()
        self._team = team
        self._previews = previews
        self._warnings = list(warnings)
        self._shown = 0

    def start(self, options: TrainingOptions, seed: int) -> Iterator[Progress]:
        """Train from the beginning."""
        generator = torch.Generator().manual_seed(seed)
        training = Training(
            options, len(self._shapes), generator=generator, device=self._device, team=self._team
        )
        self._save(training)
        yield from self._train(training)

    def resume(self) -> Iterator[Progress]:
        """Go on from the checkpoint. Raises TrainingError where it does not fit the shapes."""
        training = self._loaded()
        if len(training.codes) != len(self._shapes):
            raise TrainingError(
                f"The checkpoint has {len(training.codes)} codes for {len(self._shapes)} shapes",
                "Start the training anew",
            )
        yield from self._train(training)

    def follow(self) -> None:
        """Take part in the steps of the process that leads the team, and nothing else."""
        self._team.wait()
        training = self._loaded()
        self._team.wait()
        for _ in training.run(list(self._shapes.values())):
            pass
        self._team.wait()

    def _loaded(self) -> Training:
        return Training.load(self._folder.checkpoint, device=self._device, team=self._team)

    def _train(self, training: Training) -> Iterator[Progress]:
        # The checkpoint is there for the others to load, and stays until they have done so.
        self._team.wait()
        self._team.wait()
        for halvings in range(MOST_HALVINGS + 1):
            try:
                yield from self._steps(training)
                return
            except (torch.OutOfMemoryError, MemoryError) as error:
                # The step was cut short, so its state is of no use; the checkpoint's is.
                points = training.options.points_per_shape
                del training
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                # A team cannot go back alone.
                if halvings == MOST_HALVINGS or self._team.size > 1:
                    raise TrainingError(
                        f"There is not enough memory on '{self._device}', even with {points} "
                        "points of each shape a step",
                        "Close other programs, or resume on another device: the checkpoint is kept",
                    ) from error
            training = self._loaded()
            fewer = max(1, points // 2)
            training.options = replace(training.options, points_per_shape=fewer)
            self._warnings.append(
                f"Memory on '{self._device}' was short: going on from step {training.step} with "
                f"{fewer} points of each shape a step in place of {points}"
            )

    def _steps(self, training: Training) -> Iterator[Progress]:
        total = training.options.steps
        pace, loss = Pace(total), None
        saved = shown = time.monotonic()
        wait = PREVIEW_SECONDS
        said = self._said(training, None, None)
        yield from self._given(training, said)
        for step in training.run(list(self._shapes.values())):
            if not math.isfinite(step.error):
                raise TrainingError(
                    f"The training came apart at step {step.step}: its error is not finite",
                    "Start anew with another preset or seed; the last checkpoint is kept",
                )
            loss = step.error if loss is None else loss + LOSS_SHARE * (step.error - loss)
            said = self._said(training, loss, pace.seconds_left(step.step))
            now = time.monotonic()
            if self._previews and now - shown > wait:
                said = self._with_preview(training, said)
                shown = time.monotonic()
                wait = max(PREVIEW_SECONDS, (shown - now) / PREVIEW_SHARE)
            if now - saved > CHECKPOINT_SECONDS:
                self._save(training)
                saved = time.monotonic()
            yield from self._given(training, said)
            if self._stop.is_set():
                break
        else:
            # Whoever is done first must not hang up on the others.
            self._team.wait()
        self._save(training)
        reason = "trained" if training.step >= total else "stopped"
        yield replace(said, stage="writing", finished=True, reason=reason, preview=None)

    def _given(self, training: Training, said: Progress) -> Iterator[Progress]:
        """``said``; whoever closes the run here finds it kept."""
        try:
            yield said
        except GeneratorExit:
            self._save(training)
            raise

    def _said(self, training: Training, loss: float | None, left: float | None) -> Progress:
        step, steps = training.step, training.options.steps
        return Progress(
            "training",
            step,
            steps,
            f"step {step} of {steps}",
            loss=loss,
            seconds_left=left,
            frame=self._placement.frame,
            warnings=tuple(self._warnings),
            path=self.path,
        )

    def _save(self, training: Training) -> None:
        """Checkpoint and space. Raises TrainingError, with what was there before unharmed."""
        with self._folder.writing("checkpoint"):
            training.save(self._folder.checkpoint)
        try:
            write_space(self.path, self._space(training))
        except SpaceError as error:
            raise TrainingError(
                error.problem, f"{error.remedy}; the checkpoint is kept: then resume the run"
            ) from error

    def _space(self, training: Training) -> Space:
        card = {
            **self._card,
            "steps": training.step,
            "finished": training.step >= training.options.steps,
        }
        warnings: tuple[str, ...] = ()
        if len(self._shapes) == 1:
            warnings = ("The space holds one shape: there is nothing to blend it with",)
        return Space(
            name=self._name,
            decoder=training.decoder,
            codes=training.codes.detach().cpu(),
            shape_names=tuple(self._shapes),
            frame=self._placement.frame,
            card=card,
            warnings=warnings,
        )

    @torch.no_grad()
    def _with_preview(self, training: Training, said: Progress) -> Progress:
        """A coarse mesh of the next shape; nothing where it has no surface yet."""
        names = list(self._shapes)
        number = self._shown % len(names)
        self._shown += 1
        space = self._space(training)
        preview: Extraction = extract(space, space.codes[number], PREVIEW_CELLS)
        if not len(preview.vertices):
            return said
        return replace(said, preview=preview, preview_name=names[number])
