"""What a space is worth: figures on shapes it was trained on and on shapes that it never saw.

Meshes are taken at 128 cells and brought to the world, where shapes have radius 1. Held-out shapes
are encoded first: their code is found, the weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from core.extraction import extract
from core.quality import Quality, QualityError, compare
from core.shapes.geometry import FloatArray, IntArray
from core.space import Space
from core.topology import Topology, topology
from core.training.encoding import encode

from . import shapes
from .recipe import Recipe
from .verdict import GenusRange, Likeness, Pieces, Verdict, shortfalls

# To be raised when the same space would get other figures: kept ones are then taken anew.
VERSION = 2
CELLS = 128
# Training shapes, and held-out ones, that are looked at unless asked otherwise, evenly spread: as
# many as in the table of docs/benchmarks.md.
SHAPES = 24
PAIRS, RANDOM_CODES = 100, 100
# A random code is normal along the principal axes; what is farther out is drawn again.
DEVIATIONS = 2.0

Say = Callable[[str], None]


def judge(
    recipe: Recipe,
    space: Space,
    *,
    file_bytes: int,
    folder: Path | None = None,
    most: int = SHAPES,
    held_out_codes: dict[str, Tensor] | None = None,
    say: Say = lambda text: None,
) -> Verdict:
    """Measure ``space``.

    ``folder`` holds the meshes instead of the recipe's own; ``most`` training shapes and as many
    held-out ones are looked at (0: all). Codes of held-out shapes are put into ``held_out_codes``;
    those that are there already are taken from it.
    """
    files = shapes.paths(recipe, folder)
    known = dict(zip(space.shape_names, space.codes, strict=True))
    apart = [name for name in recipe.apart(list(files)) if name not in known]
    seen = spread([name for name in known if name in files], most)
    unseen = spread(apart, most)
    encoded = held_out_codes if held_out_codes is not None else {}
    genera = {name: shapes.genus(shapes.read(files[name])) for name in known if name in files}
    closed = [genus for genus in genera.values() if genus is not None]

    def figures(name: str, code: Tensor) -> tuple[str, Quality, int | None]:
        shape = shapes.read(files[name])
        vertices, faces = surface(space, code)
        rng = np.random.default_rng((recipe.seed, crc32(name.encode())))
        try:
            quality = compare(vertices, faces, shape.vertices, shape.faces, rng=rng)
        except QualityError:  # a code without a surface: as bad as can be, not a reason to stop
            quality = Quality(float("inf"), float("inf"), 0.0, 0.0, False, 0, None)
        own = shapes.genus(shape)
        say(
            f"{name}: IoU {quality.volume_iou:.4f}, distance {quality.chamfer:.5f}, "
            f"components {quality.components}, genus {quality.genus} ({own})"
        )
        return name, quality, own

    training = [figures(name, known[name]) for name in seen]
    held_out = []
    for name in unseen:
        if name not in encoded:
            encoded[name] = encoded_shape(recipe, space, files[name])
        held_out.append(figures(name, encoded[name]))

    def report(code: Tensor) -> tuple[Topology, int]:
        mesh = extract(space, code, CELLS)
        return topology(mesh.vertices, mesh.faces), mesh.specks

    def pieces(codes: Iterable[Tensor], ranges: Sequence[GenusRange]) -> Pieces | None:
        found = [report(code) for code in codes]
        reports = [each for each, _ in found]
        return Pieces.of(reports, ranges, specks=[specks for _, specks in found])

    chosen = random_pairs(list(known), PAIRS, seed=recipe.seed)
    say(f"{len(chosen)} pairs, {RANDOM_CODES} random codes")
    halfway = (torch.lerp(known[a], known[b], 0.5) for a, b in chosen)
    # Of the shapes themselves: a tunnel that the mesh of a code has too many excuses no other.
    ends = [genus_range([genera.get(a), genera.get(b)]) for a, b in chosen]
    anywhere = [genus_range(closed)] * RANDOM_CODES
    verdict = Verdict(
        name=space.name,
        file_bytes=file_bytes,
        codes=len(space.codes),
        code_length=space.code_length,
        training=Likeness.of(training) if training else None,
        held_out=Likeness.of(held_out) if held_out else None,
        between=pieces(halfway, ends),
        random=pieces(within_deviations(space, RANDOM_CODES, seed=recipe.seed), anywhere),
        short=(),
    )
    return replace(verdict, short=tuple(shortfalls(recipe.floors, verdict)))


def surface(space: Space, code: Tensor) -> tuple[FloatArray, IntArray]:
    """The mesh of ``code`` in the world, its vertices projected onto f = 0."""
    mesh = extract(space, code, CELLS, newton=1)
    matrix = space.frame.matrix().numpy()
    vertices = mesh.vertices.double().numpy() @ matrix[:3, :3].T + matrix[:3, 3]
    return vertices, mesh.faces.numpy()


def genus_range(genera: Sequence[int | None]) -> GenusRange:
    """The least and the greatest genus; None where one is unknown, or there are none."""
    known = [genus for genus in genera if genus is not None]
    return (min(known), max(known)) if known and len(known) == len(genera) else None


def encoded_shape(recipe: Recipe, space: Space, path: Path) -> Tensor:
    """The code of a mesh file that the space was not trained on."""
    steps = encode(
        space,
        shapes.samples(recipe, path),
        generator=torch.Generator().manual_seed(recipe.seed),
        steps=recipe.encoding_steps,
        points=recipe.encoding_points,
        clamp=recipe.training.clamp,
    )
    *_, code = steps
    return code


def spread(names: Sequence[str], most: int) -> list[str]:
    """At most ``most`` of ``names``, evenly spread; all of them for 0."""
    if not most or len(names) <= most:
        return list(names)
    return [names[i * len(names) // most] for i in range(most)]


def random_pairs(names: Sequence[str], count: int, *, seed: int) -> list[tuple[str, str]]:
    """``count`` different pairs, or all there are."""
    every = list(combinations(names, 2))
    chosen = np.random.default_rng(seed).permutation(len(every))[:count]
    return [every[i] for i in chosen]


def within_deviations(space: Space, count: int, *, seed: int) -> Tensor:
    """Codes ``(count, L)``, normal along the principal axes, none beyond two deviations."""
    generator = torch.Generator().manual_seed(seed)
    whitened = torch.randn(count, space.code_length, generator=generator)
    while bool((outside := whitened.abs() > DEVIATIONS).any()):
        again = torch.randn(int(outside.sum()), generator=generator)
        whitened[outside] = again
    return space.statistics.unwhiten(whitened)
