"""The stage "training" of a run: steps, checkpoints, previews, and what to do when memory is short.

A checkpoint is at most ``CHECKPOINT_SECONDS`` old, so that is the most that a crash costs. Time
decides when something is written or shown, never what is learnt: a run that was interrupted ends
with the same bits as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from threading import Event
from typing import Any

import torch

from ..errors import SpaceError, TrainingError
from ..extraction import Extraction, extract
from ..memory import short_of_memory
from ..shapes.family import Placement
from ..shapes.sampling import Samples
from ..space import Space
from ..spacefile import write_space
from .autodecoder import Training, TrainingOptions, came_apart
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

        def begun() -> Training:
            generator = torch.Generator().manual_seed(seed)
            training = Training(
                options,
                len(self._shapes),
                generator=generator,
                device=self._device,
                team=self._team,
            )
            self._save(training)
            return training

        yield from self._train(begun)

    def resume(self) -> Iterator[Progress]:
        """Go on from the checkpoint. Raises TrainingError where it does not fit the shapes."""
        yield from self._train(self._loaded)

    def follow(self) -> None:
        """Take part in the steps of the process that leads the team, and nothing else."""
        self._team.wait()
        training = None
        try:
            training = self._loaded()
            self._team.wait()
            for _ in training.run(list(self._shapes.values())):
                pass
        except Exception as error:
            if not short_of_memory(error):
                raise
            raise self._too_little_memory(training) from error
        self._team.wait()

    def _loaded(self) -> Training:
        training = Training.load(self._folder.checkpoint, device=self._device, team=self._team)
        if len(training.codes) != len(self._shapes):
            raise TrainingError(
                f"The checkpoint has {len(training.codes)} codes for {len(self._shapes)} shapes",
                "Start the training anew",
            )
        return training

    def _train(self, begin: Callable[[], Training]) -> Iterator[Progress]:
        """``begin`` makes or loads the training. Memory may give out there as in any step."""
        training = None
        points = 0
        for halvings in range(MOST_HALVINGS + 1):
            try:
                training = begin() if not halvings else self._with_fewer_points(points)
                if not halvings:
                    # The checkpoint is there for the others to load, and stays until they have
                    # done so.
                    self._team.wait()
                    self._team.wait()
                yield from self._steps(training)
                return
            except Exception as error:
                if not short_of_memory(error):
                    raise
                # Without a training there is nothing that could be made smaller; a team cannot
                # go back alone.
                if training is None or halvings == MOST_HALVINGS or self._team.size > 1:
                    raise self._too_little_memory(training) from error
                # The step was cut short, so its state is of no use; the checkpoint's is.
                points = training.options.points_per_shape
                training = None
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()

    def _with_fewer_points(self, points: int) -> Training:
        """The checkpoint's training, to go on with half of ``points`` of each shape a step."""
        training = self._loaded()
        fewer = max(1, points // 2)
        training.options = replace(training.options, points_per_shape=fewer)
        self._warnings.append(
            f"Memory on '{self._device}' was short: going on from step {training.step} with "
            f"{fewer} points of each shape a step in place of {points}"
        )
        return training

    def _too_little_memory(self, training: Training | None) -> TrainingError:
        """The error where memory gave out, with ``training`` or before there was one."""
        what = "to set the training up"
        if training is not None:
            what = f"even with {training.options.points_per_shape} points of each shape a step"
        kept = "checkpoint is" if self._folder.checkpoint.exists() else "samples are"
        return TrainingError(
            f"There is not enough memory on '{self._device}', {what}",
            f"Close other programs, or resume on another device: the {kept} kept",
        )

    def _steps(self, training: Training) -> Iterator[Progress]:
        total = training.options.steps
        pace, loss = Pace(total), None
        saved = shown = time.monotonic()
        wait = PREVIEW_SECONDS
        said = self._said(training, None, None)
        yield from self._given(training, said)
        for step in training.run(list(self._shapes.values())):
            if not math.isfinite(step.error + step.code_norm):
                raise came_apart(step.step)
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
        except Exception as error:
            if not short_of_memory(error):
                raise
            raise TrainingError(
                f"There is not enough memory to write the space '{self._name}'",
                "Close other programs; the checkpoint is kept: then resume the run",
            ) from error

    def _space(self, training: Training) -> Space:
        card = {
            **self._card,
            "steps": training.step,
            "finished": training.step >= training.options.steps,
        }
        return Space(
            name=self._name,
            decoder=training.decoder,
            codes=training.codes.detach().cpu(),
            shape_names=tuple(self._shapes),
            frame=self._placement.frame,
            card=card,
        )

    @torch.no_grad()
    def _with_preview(self, training: Training, said: Progress) -> Progress:
        """A coarse mesh of the next shape; nothing where it has no surface yet."""
        training.check_finite()
        names = list(self._shapes)
        number = self._shown % len(names)
        self._shown += 1
        space = self._space(training)
        preview: Extraction = extract(space, space.codes[number], PREVIEW_CELLS)
        if not len(preview.vertices):
            return said
        return replace(said, preview=preview, preview_name=names[number])
