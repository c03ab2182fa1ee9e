"""From meshes to samples: the stages "signing" and "sampling" of a run.

Samples are cached by all that they depend on, so an interrupted run takes none of them twice. A
mesh that cannot be signed is refused by name, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

import numpy as np

from ..errors import SampleError, TrainingError
from ..shapes.family import Placement
from ..shapes.packages import check_packages
from ..shapes.samplecache import SampleCache
from ..shapes.sampling import Samples, sample_solid
from ..shapes.signing import Report, solid
from .meshreport import MeshReport, memory_for
from .progress import Pace, Progress
from .runfolder import RunFolder
from .runoptions import RunOptions
from .sources import Source, Sources

# Points of each shape; see docs/training.md for what they cost.
NEAR_POINTS, VOLUME_POINTS = 150_000, 50_000
SAMPLES_VERSION = 1


class Preparation:
    """Signs and samples; ``samples`` by name grows as :meth:`sample` is run."""

    def __init__(
        self, folder: RunFolder, options: RunOptions, placement: Placement, report: MeshReport
    ) -> None:
        self.samples: dict[str, Samples] = {}
        self._cache = SampleCache(folder.samples)
        self._options = options
        self._placement = placement
        self._report = report

    def sample(
        self, sources: Sources, wanted: Sequence[str], *, all_of_them: bool
    ) -> Iterator[Progress]:
        """The samples of the shapes named ``wanted``, those that are cached from the cache.

        Raises TrainingError where fewer than two are left, or, with ``all_of_them``, where one is
        missing.
        """
        chosen = [source for source in sources.found if source.name in set(wanted)]
        pace, before = Pace(len(chosen)), 0
        for done, source in enumerate(chosen):
            name, file = source.name, source.file
            key = self._key(source)
            with memory_for("sampling", name):
                samples = self._cache.get(key)
                said = self._cache.report(key)
            if samples is not None and said is not None:
                self.samples[name] = samples
                self._report.use(name, file, said)
                before += 1
                continue
            yield self._said("signing", done, len(chosen), name, pace)
            check_packages()
            try:
                with memory_for("signing", name):
                    mesh = self._placement.apply(sources.mesh(source))
                    scale = self._placement.shapes[name].scale
                    signed = solid(
                        mesh,
                        thickness=self._options.thickness * scale,
                        fill_voids=self._options.fill_voids,
                    )
                told = _told(signed.report)
                yield self._said("sampling", done, len(chosen), told, pace)
                rng = np.random.default_rng((self._options.seed, int(source.digest[:16], 16)))
                with memory_for("sampling", name):
                    samples = sample_solid(signed, near=NEAR_POINTS, volume=VOLUME_POINTS, rng=rng)
                    self._cache.put(key, samples, signed.report)
            except SampleError as error:
                if all_of_them:
                    raise TrainingError(
                        f"'{name}' is part of this run and cannot be used any more: "
                        f"{error.problem}",
                        error.remedy,
                    ) from error
                self._report.refuse(name, file, error)
                continue
            self.samples[name] = samples
            self._report.use(name, file, signed.report)
            self._report.write()
        if before:
            # Nothing was done to them now: a line for all.
            told = f"{before} of {len(chosen)} were sampled before"
            yield self._said("signing", len(chosen), len(chosen), told, pace)
        self._finish(sources)

    def cached(self, sources: Sources, wanted: Sequence[str]) -> None:
        """The samples of the shapes named ``wanted``, all of them from the cache.

        Raises TrainingError where one is missing.
        """
        for source in (source for source in sources.found if source.name in set(wanted)):
            samples = self._cache.get(self._key(source))
            if samples is None:
                raise TrainingError(f"There are no samples of '{source.name}'", "Resume the run")
            self.samples[source.name] = samples

    def _finish(self, sources: Sources) -> None:
        for source in sources.found:
            self._report.hold_out(source.name, source.file)
        self._report.write()
        self._report.check_enough(self.samples)

    def _said(self, stage: str, done: int, total: int, message: str, pace: Pace) -> Progress:
        left, warnings = pace.seconds_left(done), tuple(self._report.warnings)
        return Progress(stage, done, total, message, seconds_left=left, warnings=warnings)

    def _key(self, source: Source) -> str:
        """Names the samples by all that they depend on."""
        shape = self._placement.shapes[source.name]
        parts: tuple[object, ...] = (
            SAMPLES_VERSION,
            source.digest,
            self._options.alignment.up,
            shape.scale,
            shape.middle,
            self._options.thickness,
            self._options.seed,
            NEAR_POINTS,
            VOLUME_POINTS,
        )
        # Samples that were taken without these still hold; a thickness once moved all surfaces.
        if self._options.thickness:
            parts += ("plates",)
        if self._options.fill_voids:
            parts += ("fill_voids",)
        return sha256(repr(parts).encode()).hexdigest()[:40]


def _told(report: Report) -> str:
    return f"{report.name}: {', '.join(report.repairs) or report.kind}"
