"""Where the object is in a picture: from its transparency, a drawn mask, or predicted.

A predicted mask is found in looks at the whole picture and at the square around what was found
there; its edge then follows the picture's own colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from skimage.measure import label, regionprops
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

from ..errors import PictureError
from ..viewfile import OPAQUE
from .cropview import Square
from .drawing import Floats
from .masker import SIDE, Masker

COVERED = 0.5
# Of what a masker takes for the object, the share that is more likely it than not: of 64 photos by
# Cycles four had less than this, two of the six worst, and none whose mask was good. What is
# fainter than FAINT counts for nothing.
SURE, FAINT = 0.91, 0.1
# Of the picture's pixels: less is no object, more is the picture itself.
LEAST, MOST = 5e-4, 0.995
# A second piece of so much of the largest one's area is another object, and of so little is dirt.
ANOTHER, DIRT = 0.3, 0.002
# A mask along so much of its box's side at the border is cut off there.
CUT_OFF = 0.15
SIDES = 4  # of a picture
# A picture whose colours differ by less shows nothing.
ONE_COLOUR = 0.5 / 255
MARGIN = 1.15  # of the square, as an encoder is used to
WIDE_MARGIN = 1.5  # of the square that the masker looks at again
# Pixels of the square in which a predicted edge is found, and how many of them are looked at to
# each side; colours that differ by less (squared) tell nothing.
GUIDED_SIDE, REACHES, LEAST_SPREAD = 160, (16, 48), 1e-5
# A mask of half tones is none that encoders know: what colours tell is made so many times as sharp.
SHARPNESS = 8.0
# Colours that keep less of the mask than this tell nothing of it: it is taken as it was predicted.
KEPT = 0.5


@dataclass(frozen=True)
class Found:
    """The object: its mask ``(H, W)`` in [0, 1], the square about it, and what there is to say."""

    mask: Tensor
    square: Square
    predicted: bool
    remarks: tuple[str, ...] = ()


def find(picture: Tensor, masker: Masker | None, mask: Tensor | None = None) -> Found:
    """The object in a ``picture`` ``(4, H, W)``; ``mask`` ``(H, W)`` where it is known.

    Raises PictureError where there is none, or the whole picture is covered.
    """
    predicted, drawn, sure = False, mask is not None, 1.0
    if mask is None and float(picture[3].min()) < OPAQUE:
        mask = picture[3]
    if mask is None:
        if masker is None:
            raise PictureError("The picture has no mask", "Give one, or make its background clear")
        if float(picture[:3].flatten(1).std(dim=1).max()) < ONE_COLOUR:
            raise PictureError("The picture has one colour all over", "Use one of an object")
        (mask, sure), predicted = _predicted(picture[:3], masker), True
    if mask.shape != picture.shape[1:]:
        raise PictureError(
            f"The mask has {mask.shape[1]} x {mask.shape[0]} pixels and the picture "
            f"{picture.shape[2]} x {picture.shape[1]}",
            "Give both the same size",
        )
    _check_cover(mask, predicted=predicted, drawn=drawn)
    mask, remarks = _largest(mask)
    if sure < SURE:
        remarks = (*remarks, "It is not clear what the object is: look at the mask, and give one")
    square, cut = _square(mask)
    if len(cut) == SIDES and not predicted:
        raise PictureError(
            "The mask touches all four borders of the picture",
            "It may be inverted: make it bright, or opaque, where the object is",
        )
    if cut:
        remarks = (*remarks, f"The object is cut off at the {' and the '.join(cut)}: a guess there")
    return Found(mask, square, predicted, remarks)


def _check_cover(mask: Tensor, *, predicted: bool, drawn: bool) -> None:
    """Raises PictureError where a mask covers next to nothing, or all."""
    covered = _covered(mask)
    if LEAST <= covered <= MOST:
        return
    if predicted:
        told = "No object was found in the picture", "Draw a mask, or cut the object out"
    elif covered > MOST:
        told = "The mask covers the whole picture", "Make it dark, or clear, beside the object"
    elif drawn:
        told = "The mask is empty", "Make it bright, or opaque, where the object is"
    else:
        told = "The picture is transparent all over", "Use one that shows an object"
    raise PictureError(*told)


def _covered(mask: Tensor) -> float:
    """The share of a picture that a mask covers."""
    return float((mask > COVERED).float().mean())


def cut(picture: Tensor, square: Square, side: int, *, beside: str = "zeros") -> Tensor:
    """The ``square`` of a ``picture`` ``(C, H, W)`` as ``(C, side, side)``.

    Beside the picture is 0, or with "border" what its border has. Each pixel is the mean of what it
    covers, or interpolated where it covers less than one.
    """
    _, height, width = picture.shape
    finer = max(1, min(8, int(np.ceil(2 * square.half / side))))
    at = (torch.arange(side * finer) + 0.5) / (side * finer) * 2 - 1
    columns = (square.column + at * square.half) / width * 2 - 1
    rows = (square.row + at * square.half) / height * 2 - 1
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], dim=-1)
    fine = grid_sample(
        picture[None].float(), grid[None].float(), padding_mode=beside, align_corners=False
    )
    return avg_pool2d(fine, finer)[0] if finer > 1 else fine[0]


def _square(mask: Tensor) -> tuple[Square, list[str]]:
    """The square around a mask, and the sides of the picture that cut the object off."""
    covered = (mask > COVERED).numpy()
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    half = max(bottom - top, right - left) / 2 * MARGIN
    sides = {
        "left": (covered[:, 0], bottom - top),
        "right": (covered[:, -1], bottom - top),
        "top": (covered[0], right - left),
        "bottom": (covered[-1], right - left),
    }
    cut_off = [name for name, (line, side) in sides.items() if line.sum() > CUT_OFF * side]
    return Square((left + right) / 2, (top + bottom) / 2, max(half, 1.0)), cut_off


def _largest(mask: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    """The mask of its largest piece; pieces much smaller than it are kept, as parts of it.

    Those that are next to nothing are left out: a speck far away would widen the square.
    """
    pieces = label((mask > COVERED).numpy(), connectivity=2)
    regions = sorted(regionprops(pieces), key=lambda region: -region.area)
    whole = regions[0].area
    others = [region.label for region in regions[1:] if region.area > ANOTHER * whole]
    dirt = [region.label for region in regions[1:] if region.area < DIRT * whole]
    mask = mask * torch.from_numpy(~np.isin(pieces, others + dirt))
    if not others:
        return mask, ()
    count = len(others) + 1
    remark = f"There are {count} objects in the picture: the largest is taken; mask what you mean"
    return mask, (remark,)


def _predicted(rgb: Tensor, masker: Masker) -> tuple[Tensor, float]:
    """The mask ``(H, W)`` of a picture ``(3, H, W)``, and how sure the masker is of it."""
    _, height, width = rgb.shape
    near = Square(width / 2, height / 2, max(height, width) / 2)
    mask = _look(rgb, masker, near)
    for _ in range(2):
        if _covered(mask) < LEAST:
            return mask, 1.0
        square, _ = _square(_largest(mask)[0])
        near = Square(square.column, square.row, square.half * WIDE_MARGIN / MARGIN)
        # A look from near sees edges, one from afar what belongs together.
        mask = (mask + _look(rgb, masker, near)) / 2
    if _covered(mask) < LEAST:
        return mask, 1.0
    return _guided(rgb, mask, near), float(mask[mask > COVERED].sum() / mask[mask > FAINT].sum())


def _look(rgb: Tensor, masker: Masker, square: Square) -> Tensor:
    """What the masker sees in a square, in the picture's pixels."""
    seen = masker.predict(cut(rgb, square, SIDE, beside="border"))
    return _pasted(seen, square, rgb.shape[1:])


def _guided(rgb: Tensor, mask: Tensor, square: Square) -> Tensor:
    """The mask with its edge where the picture's colours change, near and far."""
    image = cut(rgb, square, GUIDED_SIDE, beside="border").double().numpy()
    rough = cut(mask[None], square, GUIDED_SIDE, beside="border").double().numpy()
    told = np.mean([_told_by_colours(image, rough, reach) for reach in REACHES], axis=0)
    if (told > COVERED).sum() < KEPT * (rough > COVERED).sum():  # the colours tell nothing
        return mask
    sharp = ((told - COVERED) * SHARPNESS + COVERED).clip(0, 1)
    return _pasted(torch.from_numpy(sharp).float(), square, rgb.shape[1:])


def _told_by_colours(image: Floats, rough: Floats, reach: int) -> Floats:
    """What the colours of an ``image`` ``(3, S, S)`` tell of a ``rough`` mask ``(1, S, S)``.

    About each pixel, so far as ``reach`` pixels, the mask is fitted to colours by least squares;
    the fits that reach a pixel are averaged (He, Sun and Tang, ECCV 2010).
    """
    square = image.shape[1:]
    pairs = (image[:, None] * image).reshape(9, *square)
    means = _around(np.concatenate([image, rough, image * rough, pairs]), reach)
    colour, share, together, spread = np.split(means, [3, 4, 7])
    together = together - colour * share
    spread = spread.reshape(3, 3, *square) - colour[:, None] * colour
    spread += LEAST_SPREAD * np.eye(3)[..., None, None]
    slope = np.linalg.solve(spread.transpose(2, 3, 0, 1), together.transpose(1, 2, 0)[..., None])
    slope = slope[..., 0].transpose(2, 0, 1)
    level = share - (slope * colour).sum(axis=0)
    means = _around(np.concatenate([slope, level]), reach)
    found = (means[:3] * image).sum(axis=0) + means[3]
    return np.asarray(found.clip(0, 1))


def _around(values: Floats, reach: int) -> Floats:
    """The mean of ``values`` ``(C, S, S)`` about each pixel, as far as there are any."""
    size = (1, 2 * reach + 1, 2 * reach + 1)
    there = uniform_filter(np.ones_like(values[:1]), size, mode="constant")
    return np.asarray(uniform_filter(values, size, mode="constant") / there)


def _pasted(found: Tensor, square: Square, size: torch.Size) -> Tensor:
    """A square's values ``(S, S)`` in a picture of that ``size``; 0 beside it."""
    height, width = size
    side = max(2, round(2 * square.half))
    large = interpolate(found[None, None], (side, side), mode="bilinear")[0, 0]
    top, left = round(square.row - square.half), round(square.column - square.half)
    mask = torch.zeros(height, width)
    low_row, low_column = max(top, 0), max(left, 0)
    high_row, high_column = min(top + side, height), min(left + side, width)
    if high_row > low_row and high_column > low_column:
        mask[low_row:high_row, low_column:high_column] = large[
            low_row - top : high_row - top, low_column - left : high_column - left
        ]
    return mask
