"""A teaching beside the space that it is for: where it is kept, and how it goes on and ends.

The encoder goes where :func:`find_encoder` looks. What a stopped run goes on from lies next to it
in ``NAME.teaching``, with the options in ``teaching.json``, until the encoder is there.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..argumenttypes import MOST_SEED
from ..errors import EncoderError, TrainingError
from ..files import json_object, read_whole, write_whole
from ..space import Space
from ..training.runlock import LOCK, locked
from .encoderfile import encoder_path
from .learning import EncoderOptions
from .teachclock import TeachStep
from .teachfolder import NOTE, learnt
from .teaching import TeachOptions, teach

RUN_SUFFIX, RECORD, LESSONS = ".teaching", "teaching.json", "lessons"
MOST_RECORD_BYTES = 64 * 1024
MOST_PICTURES, MOST_STEPS = 1_000_000, 1_000_000


@dataclass(frozen=True)
class Lesson:
    """What a user chooses of a teaching: how many pictures and steps, and the seed of all."""

    pictures: int = EncoderOptions.pictures
    steps: int = EncoderOptions.steps
    seed: int = TeachOptions.seed

    def __post_init__(self) -> None:
        limits = {"pictures": (1, MOST_PICTURES), "steps": (1, MOST_STEPS), "seed": (0, MOST_SEED)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise TrainingError(
                    f"'{name}' of a teaching is {str(value)[:40]}", f"Use {low} to {high:,}"
                )

    def options(self) -> TeachOptions:
        """The same for :func:`teach`: the masker's numbers go with the encoder's."""
        usual = TeachOptions()
        encoder = replace(usual.encoder, pictures=self.pictures, steps=self.steps)
        masker = replace(
            usual.masker,
            pictures=_alike(usual.masker.pictures, self.pictures, usual.encoder.pictures),
            steps=_alike(usual.masker.steps, self.steps, usual.encoder.steps),
        )
        return TeachOptions(encoder=encoder, masker=masker, seed=self.seed)


def _alike(usual: int, chosen: int, of: int) -> int:
    return max(1, round(usual * chosen / of))


def run_folder(space_path: Path) -> Path:
    """What a stopped teaching of the space in ``space_path`` goes on from."""
    return encoder_path(space_path).with_suffix(RUN_SUFFIX)


def teach_beside(
    space: Space, space_path: Path, lesson: Lesson | None = None
) -> Generator[TeachStep, None, None]:
    """Teach the encoder of ``space``, read from ``space_path``, to where it is looked for.

    Without a ``lesson`` a stopped run goes on as it was begun; with the same one too, with another
    one it begins anew. The encoder that was there stays until the new one is written. Closing the
    generator keeps what was done. Raises EncoderError where nothing can be written there,
    TrainingError.
    """
    out, folder = encoder_path(space_path), run_folder(space_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EncoderError(
            f"The encoder cannot be kept beside its space: '{error.filename or folder}' cannot be "
            f"made ({error.strerror or error})",
            "Copy the space to a folder that you can write to, load it there, and teach that one",
        ) from error
    last: TeachStep | None = None
    try:
        with locked(folder):
            if lesson is None and (folder / LESSONS).exists() and recorded(folder) is None:
                raise TrainingError(
                    f"Nobody can tell how the teaching in '{folder}' was begun: its "
                    f"'{RECORD}' is missing or damaged",
                    "Teach anew, with numbers of your choice",
                )
            lesson = lesson or recorded(folder) or Lesson()
            write_whole(folder / RECORD, json.dumps(asdict(lesson)).encode())
            try:
                with closing(
                    teach(space, out, folder / LESSONS, options=lesson.options())
                ) as steps:
                    for step in steps:
                        if step.stage == "done":
                            last = step  # told once the folder is gone
                        else:
                            yield step
            finally:
                # Nothing to go on from. While the lock is held, so that the run is ours.
                if last is not None or not (folder / LESSONS).exists():
                    clear(folder)
    except OSError as error:
        raise TrainingError(
            f"'{error.filename or folder}' cannot be written: {error.strerror or error}",
            "Free some space or mend the folder's rights, then go on: what was learnt is kept",
        ) from error
    assert last is not None
    yield last


def recorded(folder: Path) -> Lesson | None:
    """What a run was begun with; None where none was, or nobody can tell."""
    try:
        data = read_whole(folder / RECORD, MOST_RECORD_BYTES, TrainingError)
        said = json_object(data, f"'{folder / RECORD}'", TrainingError)
        return Lesson(**{name: said[name] for name in asdict(Lesson())})
    except (TrainingError, KeyError):
        return None


def clear(folder: Path) -> None:
    """Remove what a run left, and nothing that somebody else has put there."""
    lessons = folder / LESSONS
    for path in (*learnt(lessons), lessons / NOTE, folder / RECORD, folder / LOCK):
        with suppress(OSError):
            path.unlink()
    for place in (lessons, folder):
        with suppress(OSError):
            place.rmdir()
