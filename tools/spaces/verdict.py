"""The figures of a space in a form that tables, cards and floors are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

import numpy as np

from core.quality import Quality
from core.topology import Topology

from .recipe import Floors, Recipe

LARGEST_BYTES = 3_000_000
# The least and the greatest genus that a mesh may have; None where nobody knows.
GenusRange = tuple[int, int] | None


@dataclass(frozen=True)
class Likeness:
    """Means over shapes; see core.quality.Quality.

    ``same_genus`` is the share of meshes with the genus of their shape, of those shapes that are
    closed (None where none is).
    """

    shapes: int
    chamfer_squared: float
    chamfer: float
    normal_consistency: float
    volume_iou: float
    volume_iou_worst: float
    worst: str
    watertight: float
    whole: float
    components: float
    same_genus: float | None

    @staticmethod
    def of(found: Sequence[tuple[str, Quality, int | None]]) -> Likeness:
        """From each shape's name, figures and own genus."""
        qualities = [quality for _, quality, _ in found]
        worst = min(found, key=lambda item: item[1].volume_iou)
        genus = [float(q.genus == wanted) for _, q, wanted in found if wanted is not None]
        return Likeness(
            shapes=len(found),
            chamfer_squared=fmean(q.chamfer_squared for q in qualities),
            chamfer=fmean(q.chamfer for q in qualities),
            normal_consistency=fmean(q.normal_consistency for q in qualities),
            volume_iou=fmean(q.volume_iou for q in qualities),
            volume_iou_worst=worst[1].volume_iou,
            worst=worst[0],
            watertight=fmean(q.watertight for q in qualities),
            whole=fmean(q.whole for q in qualities),
            components=fmean(q.components for q in qualities),
            same_genus=fmean(genus) if genus else None,
        )


@dataclass(frozen=True)
class Pieces:
    """What many meshes are made of.

    Shares that are watertight and that are one watertight piece; the mean and the largest number
    of components; the range of the genus. ``genus_within``: the share that are closed and whose
    genus lies within the range of training shapes' (of the two ends, or of all for random codes).
    ``specks``: the share from which pieces smaller than a cell were left out (see core.specks);
    they do not count as components.
    """

    meshes: int
    watertight: float
    whole: float
    components: float
    components_most: int
    genus_low: int | None
    genus_high: int | None
    genus_within: float | None = None
    specks: float | None = None

    @staticmethod
    def of(
        reports: Sequence[Topology],
        ranges: Sequence[GenusRange],
        *,
        specks: Sequence[int] = (),
    ) -> Pieces | None:
        """From reports, for each the genus that it may have, and its specks. None without any."""
        if not reports:
            return None
        genera = [r.genus for r in reports if r.genus is not None]
        within = [
            float(r.genus is not None and allowed[0] <= r.genus <= allowed[1])
            for r, allowed in zip(reports, ranges, strict=True)
            if allowed is not None
        ]
        return Pieces(
            meshes=len(reports),
            watertight=fmean(r.watertight for r in reports),
            whole=fmean(r.watertight and r.components == 1 for r in reports),
            components=fmean(r.components for r in reports),
            components_most=max(r.components for r in reports),
            genus_low=min(genera, default=None),
            genus_high=max(genera, default=None),
            genus_within=fmean(within) if within else None,
            specks=fmean(count > 0 for count in specks) if specks else None,
        )


@dataclass(frozen=True)
class Verdict:
    """All figures of a space, and what it falls short of, in words."""

    name: str
    file_bytes: int
    codes: int
    code_length: int
    training: Likeness | None
    held_out: Likeness | None
    between: Pieces | None
    random: Pieces | None
    short: tuple[str, ...]

    def figures(self) -> dict[str, dict[str, object]]:
        """For the space's card: what was measured, rounded."""
        parts = {k: getattr(self, k) for k in ("training", "held_out", "between", "random")}
        return {k: _rounded(asdict(part)) for k, part in parts.items() if part is not None}


def acceptable(recipe: Recipe, verdict: Verdict) -> bool:
    """Whether the verdict falls short of nothing, or only where the recipe accepts it."""
    return not list(shortfalls(recipe.least, verdict))


def shortfalls(floors: Floors, verdict: Verdict) -> Iterable[str]:
    """What the verdict lacks of the floors, one line each."""
    training = verdict.training.volume_iou if verdict.training else None
    held_out = verdict.held_out.volume_iou if verdict.held_out else None
    between = verdict.between.whole if verdict.between else None
    drawn = verdict.random.whole if verdict.random else None
    for what, found, floor in (
        ("IoU on training shapes", training, floors.training_iou),
        ("IoU on held-out shapes", held_out, floors.held_out_iou),
        ("share of whole shapes between pairs", between, floors.whole_between),
        ("share of whole shapes of random codes", drawn, floors.whole_random),
    ):
        if floor is None:
            continue
        if found is None:
            yield f"{what}: not measured, {floor} expected"
        elif found < floor:
            yield f"{what}: {found:.4f}, {floor - found:.4f} below {floor}"
    if verdict.file_bytes > LARGEST_BYTES:
        yield f"file: {verdict.file_bytes:,} bytes, more than {LARGEST_BYTES:,}"


def _rounded(part: Mapping[str, object]) -> dict[str, object]:
    """Floats with five digits; what is infinite (no surface) as None."""
    return {
        key: (round(value, 5) if np.isfinite(value) else None)
        if isinstance(value, float)
        else value
        for key, value in part.items()
    }
