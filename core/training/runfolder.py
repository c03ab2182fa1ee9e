"""The files of a run, in one folder: enough to go on after any interruption.

``run.json`` what was asked for, which meshes it found and where they are placed; ``samples/`` their
samples; ``report.json`` what became of each mesh; ``training.pt`` the checkpoint; ``progress.json``
the last word of the run; ``NAME.safetensors`` the space as of the last checkpoint. Each is written
whole or not at all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..builtin import SUFFIX
from ..errors import TrainingError
from ..files import json_object, read_whole, write_whole
from ..memory import short_of_memory

if TYPE_CHECKING:
    from .progress import Progress

RUN, REPORT, PROGRESS = "run.json", "report.json", "progress.json"
CHECKPOINT, SAMPLES = "training.pt", "samples"
MAX_JSON_BYTES = 256 * 1024**2
SECONDS_BETWEEN_WORDS = 2.0


class RunFolder:
    """A run's folder; made where it is missing. Raises TrainingError where it cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = path / CHECKPOINT
        self.samples = path / SAMPLES
        self._told = -float("inf")

    def make(self) -> None:
        """Make the folder and test that it can be written to.

        A folder that is no run's, but holds files that a run would replace, is refused.
        """
        if not self.started:
            others = [self.checkpoint] if self.checkpoint.exists() else []
            others += sorted(self.path.glob(f"*{SUFFIX}"))
            if others:
                raise TrainingError(
                    f"'{self.path}' holds '{others[0].name}', which is not of a run of ours",
                    "Name another folder: a run writes files of such names",
                )
        with self.writing("run folder"):
            self.path.mkdir(parents=True, exist_ok=True)
            self.samples.mkdir(exist_ok=True)

    def space(self, name: str) -> Path:
        """Where the space of that name is written."""
        return self.path / f"{name}{SUFFIX}"

    @property
    def started(self) -> bool:
        """Whether there is a run in the folder."""
        return (self.path / RUN).is_file()

    def read(self) -> dict[str, Any]:
        """What ``run.json`` says. Raises TrainingError."""
        if not self.started:
            raise TrainingError(
                f"There is no run in '{self.path}' to go on with", "Start one: name the meshes"
            )
        return self._json(RUN)

    def write(self, record: dict[str, Any]) -> None:
        """Write ``run.json``."""
        self._write(RUN, record)

    def read_report(self) -> tuple[list[dict[str, Any]], list[str]]:
        """What became of each mesh, and the warnings; nothing where there is no report yet."""
        if not (self.path / REPORT).is_file():
            return [], []
        report = self._json(REPORT)
        meshes = [entry for entry in report.get("meshes", []) if "name" in entry]
        return meshes, [str(text) for text in report.get("warnings", [])]

    def write_report(self, meshes: list[dict[str, Any]], warnings: list[str]) -> None:
        """Write ``report.json``."""
        self._write(REPORT, {"meshes": meshes, "warnings": warnings})

    def tell(self, progress: Progress) -> None:
        """Leave a word in ``progress.json``, now and then and at the end."""
        now = time.monotonic()
        if not progress.finished and now - self._told < SECONDS_BETWEEN_WORDS:
            return
        self._told = now
        self._write(PROGRESS, progress.to_json())

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Turns a failure to write ``what`` into a TrainingError; the files there stay whole."""
        try:
            yield
        # torch's own writer raises a RuntimeError where the disk is full.
        except (OSError, RuntimeError, MemoryError) as error:
            # Ours alone, of files.write_whole in a process that died.
            ours = (f".{CHECKPOINT}.*.part", f".*{SUFFIX}.*.part", ".*.json.*.part")
            for partial in (path for pattern in ours for path in self.path.glob(pattern)):
                partial.unlink(missing_ok=True)
            short = short_of_memory(error)
            reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
            mend = "Free some space or mend the folder's rights"
            raise TrainingError(
                f"The {what} could not be written to '{self.path}': "
                f"{'there is not enough memory' if short else reason}",
                f"{'Close other programs' if short else mend}, then resume the run: what was "
                "written before is whole",
            ) from error

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        return json_object(
            read_whole(path, MAX_JSON_BYTES, TrainingError), f"'{path}'", TrainingError
        )

    def _write(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
        with self.writing(name):
            write_whole(self.path / name, text.encode())
