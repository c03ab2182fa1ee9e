"""What became of each mesh of a run: used as it was, repaired, held out, or refused and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import SampleError, TrainingError, some
from ..memory import short_of_memory
from ..shapes.signing import Report
from .runfolder import RunFolder

# A code that has nothing to vary can be neither blended nor fitted.
FEWEST = 2


class MeshReport:
    """One entry a mesh, by name, and what the user should know, one line each.

    A run that goes on takes up the report that it wrote before. One that is ``held`` writes nothing
    until it is released.
    """

    def __init__(self, folder: RunFolder, *, go_on: bool, held: bool = False) -> None:
        self.refusals: list[SampleError] = []
        self._folder = folder
        self._held = held
        meshes, self.warnings = folder.read_report() if go_on else ([], [])
        self._entries: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in meshes}

    def warn(self, text: str) -> None:
        """Tell the user once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def refuse(self, name: str, file: str, error: SampleError) -> None:
        """The mesh is left out."""
        self.refusals.append(error)
        self.warn(f"Left out: {error}")
        self._enter(name, file, "refused", problem=error.problem, remedy=error.remedy)

    def use(self, name: str, file: str, report: Report) -> None:
        """The mesh is trained on, after what had to be repaired."""
        self._enter(name, file, "used", kind=report.kind, repairs=list(report.repairs))

    def hold_out(self, name: str, file: str) -> None:
        """The mesh is kept apart, unless something was said of it already."""
        if name not in self._entries:
            self._enter(name, file, "held out")

    def write(self) -> None:
        """Write ``report.json``."""
        if self._held:
            return
        entries = [self._entries[name] for name in sorted(self._entries)]
        self._folder.write_report(entries, self.warnings)

    def release(self) -> None:
        """Write now, and from now on."""
        self._held = False
        self.write()

    def counts(self) -> dict[str, int]:
        """How many meshes were used as they were, repaired, sealed, held out, refused."""
        kinds = [entry.get("kind") or entry["outcome"] for entry in self._entries.values()]
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    def check_enough(self, used: Collection[str]) -> None:
        """Raise TrainingError where fewer than ``FEWEST`` meshes, named ``used``, are left."""
        if len(used) >= FEWEST:
            return
        refused = some(name for name, e in self._entries.items() if e["outcome"] == "refused")
        if used:
            why = f"; refused: {refused}: {self.refusals[0].problem}" if self.refusals else ""
            raise TrainingError(
                f"A space needs two shapes or more, and there is one: '{min(used)}'{why}",
                "Add shapes of its kind",
            )
        first = self.refusals[0]
        if len(self.refusals) == 1:
            raise TrainingError(first.problem, first.remedy)
        raise TrainingError(
            f"None of the {len(self.refusals)} meshes can be used ({refused}); the first: "
            f"{first.problem}",
            first.remedy,
        )

    def _enter(self, name: str, file: str, outcome: str, **more: Any) -> None:
        self._entries[name] = {"name": name, "file": Path(file).name, "outcome": outcome, **more}


@contextmanager
def memory_for(what: str, name: str) -> Iterator[None]:
    """Turns a shortage of memory over a mesh into a TrainingError."""
    try:
        yield
    except Exception as error:
        if not short_of_memory(error):
            raise
        raise TrainingError(
            f"There is not enough memory for {what} '{name}'",
            "Close other programs, or decimate the mesh; then resume the run",
        ) from error
