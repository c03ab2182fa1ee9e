"""A whole run, from a folder of meshes to a space, as one generator of its progress.

Everything a run needs to go on lies in its folder (``runfolder``), so it can be stopped, killed or
moved to another device at any time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Event
from typing import Any

from ..errors import TrainingError, some
from ..shapes.family import place
from ..shapes.packages import check_packages
from ..shapes.sampling import Samples
from .autodecoder import TrainingOptions
from .distributed import ALONE, Team
from .learning import Learning
from .meshreport import MeshReport
from .preparation import Preparation
from .presets import options_for
from .progress import STAGES, Progress
from .runfolder import RunFolder
from .runlock import locked
from .runoptions import RunOptions
from .runrecord import Record
from .sources import Sources, held_out, shown

__all__ = ["Progress", "RunOptions", "train"]


def train(
    folder: Path,
    source: Path | None = None,
    options: RunOptions | None = None,
    *,
    anew: bool = False,
    device: str | None = None,
    stop: Event | None = None,
    team: Team = ALONE,
    previews: bool = True,
) -> Iterator[Progress]:
    """Train a space on the meshes in ``source``, in the run folder ``folder``; a yield a step.

    Without a ``source`` the run in ``folder`` goes on, as if it had never been interrupted; so it
    does with the same meshes and options. Other ones need another folder, or ``anew``: the former
    run is then replaced when the new one takes its first step, and samples that still hold are
    kept. ``device`` is for a run that goes on elsewhere than it began. Setting ``stop``, or closing
    the generator, ends the run after the step and keeps checkpoint and space. Raises TrainingError.

    With a ``team`` (``distributed.join``) every process calls this; the one that leads reads,
    writes and yields, the others only take part in the steps. Ending its processes ends a team.
    """
    home = RunFolder(Path(folder))
    if not team.leads:
        _Run(home).follow(device=device or (options or RunOptions()).device, team=team)
        return
    _check_writable_names(home.path, source)
    if source is None:
        home.read()
    home.make()
    stop = stop or Event()
    with locked(home.path):
        run = _Run(home)
        for progress in run.told(run.prepare(source, options, anew=anew)):
            yield progress
            # A mesh that was signed is sampled first: then it is kept.
            if stop.is_set() and progress.stage != "sampling":
                yield run.tell(replace(progress, finished=True, reason="stopped", path=run.space))
                return
        chosen = device or (options or run.record.options).device
        learning = run.learn(device=chosen, stop=stop, team=team, previews=previews)
        # Whoever closes this generator is told when what was learnt could not be kept.
        with closing(learning):
            yield from run.told(learning)


class _Run:
    """The stages of one run; ``record`` and ``samples`` are there when :meth:`prepare` is done."""

    def __init__(self, home: RunFolder) -> None:
        self.record: Record
        self.samples: dict[str, Samples] = {}
        self._home = home
        self._report = MeshReport(home, go_on=False)
        # Whether the folder is still a former run's, which is to be replaced.
        self._replaces = False

    @property
    def space(self) -> Path | None:
        """The space's file, where an earlier part of the run has written one."""
        path = self._home.space(self.record.options.name)
        return path if path.is_file() else None

    def tell(self, progress: Progress) -> Progress:
        """Leave a word in the folder, once it is this run's."""
        if not self._replaces:
            self._home.tell(progress)
        return progress

    def told(self, steps: Iterator[Progress]) -> Iterator[Progress]:
        """``steps``, each told; the last word of those that fail says why."""
        last = Progress(STAGES[0])
        try:
            for last in steps:
                yield self.tell(last)
        except TrainingError as error:
            with suppress(TrainingError):
                self.tell(replace(last, finished=True, reason="failed", message=str(error)))
            raise

    def prepare(
        self, source: Path | None, options: RunOptions | None, *, anew: bool
    ) -> Iterator[Progress]:
        """Read, sign and sample."""
        former = None
        self._replaces = self._home.started and anew and source is not None
        self._report = MeshReport(self._home, go_on=False, held=self._replaces)
        if self._home.started and not self._replaces:
            former = Record.from_json(self._home.read(), self._home.path)
            self._report = MeshReport(self._home, go_on=True)
        if source is None:
            assert former is not None
            self.record = former
        else:
            self.record = Record(options or RunOptions(), str(Path(source).absolute()))
            if former is not None and not former.options.same_run(self.record.options):
                raise _other_run(self._home.path, "other options")
        sources = Sources(self.record.meshes)
        if self.record.placement is None:
            yield from self._read(sources, former)
        yield from self._sample(sources)

    def _read(self, sources: Sources, former: Record | None) -> Iterator[Progress]:
        record = self.record
        check_packages()
        if former is None:
            self._keep_record()
        yield from sources.find(Path(record.source), record.options.alignment, self._report)
        placement = place((m.bounds for m in sources.found), record.options.alignment)
        for one, other in sources.twins(placement):
            self._report.warn(
                f"'{other}' is the same mesh as '{one}': there is nothing between them"
            )
        names = [mesh.name for mesh in sources.found]
        if former is not None and former.placement is not None:
            if former.geometry != sources.geometry:
                raise _other_run(self._home.path, "other meshes")
            self.record = replace(former, source=record.source, meshes=tuple(sources.found))
        else:
            self.record = replace(
                record,
                meshes=tuple(sources.found),
                placement=placement,
                held_out=tuple(held_out(names, record.options.held_out)),
            )
        self._keep_record()
        if record.options.held_out and not self.record.held_out:
            self._report.warn(f"Nothing is held out: of {len(names)} shapes none can be spared")
        if apart := self.record.held_out:
            yield Progress(
                "reading",
                len(names),
                len(names),
                f"held out {len(apart)} of {len(names)}: {some(apart)}",
                warnings=tuple(self._report.warnings),
            )

    def _sample(self, sources: Sources) -> Iterator[Progress]:
        record = self.record
        assert record.placement is not None
        names = [mesh.name for mesh in sources.found if mesh.name not in record.held_out]
        preparation = Preparation(self._home, record.options, record.placement, self._report)
        yield from preparation.sample(
            sources, record.shapes or names, all_of_them=bool(record.shapes)
        )
        self.samples = preparation.samples

    def follow(self, *, device: str, team: Team) -> None:
        """Wait for the process that leads, then take part in its steps."""
        team.wait()
        record = Record.from_json(self._home.read(), self._home.path)
        assert record.placement is not None
        preparation = Preparation(self._home, record.options, record.placement, self._report)
        preparation.cached(Sources(record.meshes), record.shapes)
        learning = Learning(
            self._home,
            record.options.name,
            preparation.samples,
            record.placement,
            card={},
            device=device,
            team=team,
        )
        learning.follow()

    def learn(self, *, device: str, stop: Event, team: Team, previews: bool) -> Generator[Progress]:
        """Train, from the checkpoint where there is one."""
        record = self.record
        assert record.placement is not None
        learning = Learning(
            self._home,
            record.options.name,
            self.samples,
            record.placement,
            card=self._card(),
            device=device,
            stop=stop,
            team=team,
            previews=previews,
            warnings=tuple(self._report.warnings),
        )
        if record.shapes and self._home.checkpoint.exists():
            team.wait()
            yield from learning.resume()
            return
        # A former run's checkpoint must not be taken for this one's.
        self._home.checkpoint.unlink(missing_ok=True)
        self._replaces = False
        self.record = replace(record, shapes=tuple(self.samples))
        self._keep_record()
        self._report.release()
        team.wait()
        yield from learning.start(training_options(self.record), record.options.seed)

    def _keep_record(self) -> None:
        if not self._replaces:
            self._home.write(self.record.to_json())

    def _card(self) -> dict[str, Any]:
        """What the space's file says of its origin; no path of this machine is told."""
        options = self.record.options
        return {
            "licence": "unknown: ask whoever made the meshes",
            "origin": f"Trained on the meshes in '{Path(self.record.source).name}'",
            "training_shapes": len(self.samples),
            "meshes": self._report.counts(),
            "held_out_shapes": list(self.record.held_out),
            "preset": options.preset,
            "seed": options.seed,
            "alignment": asdict(options.alignment),
            "thickness": options.thickness,
            "fill_voids": options.fill_voids,
        }


def training_options(record: Record) -> TrainingOptions:
    """Those that were asked for, or the preset's for so many shapes."""
    if record.options.training is not None:
        return record.options.training
    options = record.options
    return options_for(len(record.shapes), options.preset, plain=options.plain)


def _check_writable_names(*folders: Path | None) -> None:
    """Raise TrainingError where a folder has a name that no JSON file can hold."""
    for folder in folders:
        if folder is not None and (name := str(folder.absolute())) != shown(name):
            raise TrainingError(
                f"The name of '{shown(str(folder))}' is not valid UTF-8", "Rename the folder"
            )


def _other_run(folder: Path, what: str) -> TrainingError:
    return TrainingError(
        f"'{folder}' holds a run with {what}",
        "Go on with it (--resume), choose another folder, or replace it (--anew)",
    )
