"""Contact sheets of a space for the eye, and the thumbnail that people choose it by.

Four sheets go to ``docs/images/spaces``: training shapes over their reconstructions, held-out
shapes over what encoding found, paths between shapes, random codes. All at the judge's resolution,
so that what the figures count can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from core.extraction import extract
from core.files import write_whole
from core.space import Space
from core.topology import topology

from . import shapes
from .judge import Say, encoded_shape, random_pairs, spread, surface, within_deviations
from .recipe import Recipe
from .render import BACKGROUND, on_background, render, with_alpha

TILE, COLUMNS, BLOCKS = 128, 10, 3
STEPS, PATHS = 7, 8
RANDOM_CODES = 50
THUMBNAIL = 256
CAPTION, LINE, INK = 22, 18, (70, 70, 74)
LARGEST_BYTES = 400_000
# Colours of a sheet's palette: the most that keeps it small.
PALETTES = (256, 128, 64, 48, 32, 24, 16)
# Shapes whose topology is looked at to find paths that change it, and the cells for that.
LOOKED_AT, LOOK_CELLS = 40, 64

Tile = NDArray[np.uint8]
Rows = Sequence[Sequence[Tile]]


def sheets(
    recipe: Recipe,
    space: Space,
    held_out_codes: dict[str, Tensor],
    *,
    folder: Path | None = None,
    say: Say = lambda text: None,
) -> list[Path]:
    """Draw all sheets; ``held_out_codes`` is completed where codes are missing."""
    files = shapes.paths(recipe, folder)
    known = dict(zip(space.shape_names, space.codes, strict=True))
    written = []

    def put(kind: str, caption: str, rows: Rows) -> None:
        path = recipe.sheet(kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, png(contact_sheet(f"{space.name}: {caption}", rows)))
        say(f"drew {path.name}, {path.stat().st_size:,} bytes")
        written.append(path)

    def over(names: Iterable[str], code: Callable[[str], Tensor]) -> Rows:
        pairs = [(mesh_tile(recipe, files[n]), code_tile(space, code(n))) for n in names]
        rows: list[list[Tile]] = []
        for at in range(0, len(pairs), COLUMNS):
            part = pairs[at : at + COLUMNS]
            rows += [[mesh for mesh, _ in part], [found for _, found in part]]
        return rows

    seen = spread([n for n in known if n in files], COLUMNS * BLOCKS)
    put(
        "training", "training shapes, below each what its code gives", over(seen, known.__getitem__)
    )
    apart = spread([n for n in recipe.apart(list(files)) if n not in known], COLUMNS * BLOCKS)
    for name in apart:
        if name not in held_out_codes:
            held_out_codes[name] = encoded_shape(recipe, space, files[name])
    if apart:
        caption = "shapes never trained on, below each what encoding found"
        put("held-out", caption, over(apart, held_out_codes.__getitem__))
    paths = [
        [code_tile(space, torch.lerp(known[a], known[b], i / (STEPS - 1))) for i in range(STEPS)]
        for a, b in chosen_paths(recipe, space)
    ]
    put("between", "straight paths between codes", paths)
    drawn = [code_tile(space, c) for c in within_deviations(space, RANDOM_CODES, seed=recipe.seed)]
    rows = [drawn[i : i + COLUMNS] for i in range(0, len(drawn), COLUMNS)]
    put("random", "random codes within two deviations", rows)
    return written


def thumbnail(recipe: Recipe, space: Space, code: Tensor) -> Path:
    """One shape of the space on nothing, 256 x 256."""
    picture = with_alpha(render(*surface(space, code), THUMBNAIL))
    path = recipe.file.with_suffix(".png")
    # Colours as a palette would lose the soft edge: the file is small anyway.
    write_whole(path, _encoded(Image.fromarray(picture, "RGBA")))
    return path


def chosen_paths(recipe: Recipe, space: Space) -> list[tuple[str, str]]:
    """The recipe's pairs; without any, random ones, half of them of different topology."""
    if recipe.interpolations:
        return list(recipe.interpolations)
    names = spread(space.shape_names, LOOKED_AT)
    known = dict(zip(space.shape_names, space.codes, strict=True))
    genus = {name: _genus(space, known[name]) for name in names}
    pairs = random_pairs(names, LOOKED_AT**2, seed=recipe.seed)
    changing = [(a, b) for a, b in pairs if genus[a] != genus[b]][: PATHS // 2]
    others = [pair for pair in pairs if pair not in changing]
    return [*changing, *others[: PATHS - len(changing)]]


def _genus(space: Space, code: Tensor) -> int | None:
    mesh = extract(space, code, LOOK_CELLS)
    return topology(mesh.vertices, mesh.faces).genus


def mesh_tile(recipe: Recipe, path: Path) -> Tile:
    """A picture of a mesh file, ``(TILE, TILE, 3)``."""
    shape = shapes.read(path)
    return on_background(render(shape.vertices, shape.faces, TILE))


def code_tile(space: Space, code: Tensor) -> Tile:
    """A picture of what a code gives, ``(TILE, TILE, 3)``."""
    return on_background(render(*surface(space, code), TILE))


def contact_sheet(caption: str, rows: Rows) -> Image.Image:
    """Tiles ``(S, S, 3)`` in rows under a caption; short rows are filled with background."""
    size = max((tile.shape[0] for row in rows for tile in row), default=TILE)
    width = max((len(row) for row in rows), default=1) * size
    back = tuple(round(255 * value) for value in BACKGROUND)
    sheet = Image.new("RGB", (width, CAPTION + len(rows) * size), back)
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (c * size, CAPTION + r * size))
    ImageDraw.Draw(sheet).text((6, (CAPTION - LINE) // 2 + 3), caption, fill=INK)
    return sheet


def png(sheet: Image.Image, most: int = LARGEST_BYTES) -> bytes:
    """The sheet's PNG of at most ``most`` bytes: fewer colours, then fewer pixels."""
    while True:
        for colours in PALETTES:
            data = _encoded(sheet.quantize(colours, dither=Image.Dither.NONE))
            if len(data) <= most:
                return data
        sheet = sheet.resize(
            (sheet.width * 4 // 5, sheet.height * 4 // 5), Image.Resampling.LANCZOS
        )


def _encoded(picture: Image.Image) -> bytes:
    stream = BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def example_codes(space: Space, examples: Sequence[Mapping[str, str]]) -> list[Tensor]:
    """The codes of a card's examples, in order."""
    known = dict(zip(space.shape_names, space.codes, strict=True))
    return [known[example["shape"]] for example in examples if example["shape"] in known]
