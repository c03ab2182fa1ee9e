"""Named directions of a shape space, from what is known of its shapes.

Where the shapes of a space have attributes (the parameters that a generator made them with, say),
the codes are regressed on them: what one standard deviation of an attribute adds to the expected
code, the others unchanged, is that attribute's slider. What the attributes do not reach is given
to sliders without a name, the principal axes of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .space import Slider, Space

FloatArray = NDArray[np.float64]

MOST_SLIDERS = 12
# An attribute of which the codes, cross-validated, explain less than this share of the variance
# did not arrive in the space: its slider would move something else.
LOWEST_R2 = 0.5
FOLDS = 5
# Fewer shapes with an attribute say nothing of it.
FEWEST_VALUES = 20
# Weights of the penalty that are tried, in units of the codes' variance times their number.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
# Keeps the joint regression solvable where two attributes say the same.
JOINT_PENALTY = 1e-3
# A slider goes as far as the shapes do, in deviations, but no farther than this.
FARTHEST = 3.0
# Principal axes with a smaller share of the codes' variance are noise to the eye.
SMALLEST_SHARE = 0.01


@dataclass(frozen=True)
class NamedAttribute:
    """What became of an attribute: ``r2`` is the cross-validated share of its variance that the
    codes explain; ``reason`` says why it has no slider, or is empty."""

    name: str
    r2: float
    reason: str = ""


@dataclass(frozen=True)
class SliderReport:
    """The sliders, named ones first, by falling length; and what became of every attribute."""

    sliders: tuple[Slider, ...]
    attributes: tuple[NamedAttribute, ...]


def find_sliders(
    codes: Tensor,
    shape_names: Sequence[str],
    attributes: Mapping[str, Mapping[str, float]],
    *,
    names: Mapping[str, str] | None = None,
    most: int = MOST_SLIDERS,
    lowest_r2: float = LOWEST_R2,
) -> SliderReport:
    """Sliders of ``codes`` ``(N, L)`` from ``attributes[shape][attribute]``.

    A shape may lack attributes, or have none: a missing value counts as the attribute's mean.
    ``names`` are what attributes are called; an empty name keeps one from becoming a slider (it
    still takes part in the regression, so that the others are freed of it).
    """
    names = names or {}
    matrix = codes.detach().cpu().numpy().astype(np.float64)
    centred = matrix - matrix.mean(axis=0) if len(matrix) else matrix
    kept: list[str] = []
    columns: list[FloatArray] = []
    told: dict[str, NamedAttribute] = {}
    for key in sorted({key for shape in attributes.values() for key in shape}):
        values = _values(key, shape_names, attributes)
        found = _judge(key, values, centred, lowest_r2)
        told[key] = found
        if not found.reason:
            kept.append(key)
            columns.append(_standardised(values))
    offsets = _joint(np.stack(columns, axis=1), centred) if kept else np.zeros((0, codes.shape[1]))
    order = np.argsort(-np.linalg.norm(offsets, axis=1), kind="stable")
    named: list[Slider] = []
    for at in order:
        label = names.get(kept[at], readable(kept[at]))
        if not label or len(named) == most:
            reason = "kept out" if not label else f"{most} others move the shape more"
            told[kept[at]] = NamedAttribute(kept[at], told[kept[at]].r2, reason)
            continue
        low, high = _range(columns[at])
        named.append(Slider(label, torch.from_numpy(offsets[at]).float(), low, high))
    rest = _principal(centred, offsets, most - len(named))
    return SliderReport((*named, *rest), tuple(told.values()))


def sliders_of(space: Space) -> tuple[Slider, ...]:
    """The space's own sliders, or, where it has none, its codes' principal axes."""
    return space.sliders or find_sliders(space.codes, space.shape_names, {}).sliders


def readable(key: str) -> str:
    """``handle_radius`` as "Handle radius"."""
    words = key.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def _values(
    key: str, shape_names: Sequence[str], attributes: Mapping[str, Mapping[str, float]]
) -> FloatArray:
    """The attribute of each shape ``(N,)``, NaN where it is not known or not finite."""
    values = [attributes.get(shape, {}).get(key) for shape in shape_names]
    array = np.array([np.nan if value is None else float(value) for value in values])
    return np.where(np.isfinite(array), array, np.nan)


def _judge(key: str, values: FloatArray, centred: FloatArray, lowest_r2: float) -> NamedAttribute:
    known = np.isfinite(values)
    if known.sum() < FEWEST_VALUES:
        return NamedAttribute(key, 0.0, f"known of {int(known.sum())} shapes only")
    if np.ptp(values[known]) <= 1e-9 * max(1.0, float(np.abs(values[known]).max())):
        return NamedAttribute(key, 0.0, "the same for all shapes")
    r2 = cross_validated_r2(centred[known], values[known])
    low = r2 < lowest_r2
    reason = f"the codes explain {max(r2, 0):.2f} of it, less than {lowest_r2}" if low else ""
    return NamedAttribute(key, r2, reason)


def cross_validated_r2(codes: FloatArray, values: FloatArray) -> float:
    """The share of the variance of ``values`` ``(N,)`` that a linear function of ``codes``
    ``(N, L)`` predicts for shapes it was not made from; below 0 where the mean does better.

    Ridge regression, every fifth shape at a time; the best of a few penalties.
    """
    fold = np.arange(len(values)) % FOLDS
    best = -np.inf
    for penalty in PENALTIES:
        error = 0.0
        for number in range(FOLDS):
            seen = fold != number
            shift, mean = codes[seen].mean(axis=0), values[seen].mean()
            weights = _ridge(codes[seen] - shift, (values[seen] - mean)[:, None], penalty)[:, 0]
            missed = (codes[~seen] - shift) @ weights + mean - values[~seen]
            error += float(missed @ missed)
        best = max(best, 1 - error / float(((values - values.mean()) ** 2).sum()))
    return best


def _ridge(inputs: FloatArray, outputs: FloatArray, penalty: float) -> FloatArray:
    """Weights ``(K, M)`` of the regression of ``outputs`` ``(N, M)`` on ``inputs`` ``(N, K)``."""
    gram = inputs.T @ inputs
    scale = float(np.trace(gram)) / max(len(gram), 1) or 1.0
    return np.linalg.solve(gram + penalty * scale * np.eye(len(gram)), inputs.T @ outputs)


def _standardised(values: FloatArray) -> FloatArray:
    """Deviations from the mean of what is known, 0 where nothing is."""
    known = np.isfinite(values)
    moved = (values - values[known].mean()) / values[known].std()
    return np.where(known, moved, 0.0)


def _joint(columns: FloatArray, centred: FloatArray) -> FloatArray:
    """What a deviation of each of ``columns`` ``(N, K)`` adds to the code: ``(K, L)``."""
    return _ridge(columns - columns.mean(axis=0), centred, JOINT_PENALTY)


def _range(column: FloatArray) -> tuple[float, float]:
    """From the least to the greatest value seen, in deviations."""
    low, high = np.clip([column.min(), column.max()], -FARTHEST, FARTHEST)
    return float(low), float(high)


def _principal(centred: FloatArray, offsets: FloatArray, count: int) -> list[Slider]:
    """Up to ``count`` principal axes of the codes' part that no offset reaches.

    That part is free of the attributes: the regression leaves no linear trace of them in it.
    """
    if count < 1 or len(centred) < 2:
        return []
    rest = centred
    if len(offsets):
        basis, _ = np.linalg.qr(offsets.T)
        rest = centred - (centred @ basis) @ basis.T
    _, singular, axes = np.linalg.svd(rest, full_matrices=False)
    total = float((centred**2).sum())
    found: list[Slider] = []
    for value, axis in zip(singular[:count], axes, strict=False):
        if total <= 0 or value**2 < SMALLEST_SHARE * total:
            break
        deviation = value / (len(centred) - 1) ** 0.5
        low, high = _range(rest @ axis / deviation)
        offset = torch.from_numpy(axis * deviation).float()
        found.append(Slider(f"Shape {len(found) + 1}", offset, low, high))
    return found
