"""How well messy meshes become solids: whole folders as they are, and clean meshes damaged.

    python3 dev.py bench signing DIR ... [--every N] [--damaged N] [--up Y] [--threads N]

Each DIR, and each folder in it, is a family. For every mesh: whether it was closed, repaired,
sealed or refused; the share of its surface that was lost (it lies outside of the solid) and of the
solid's that was added (nothing of the mesh is near). Of closed meshes, damaged in the ways of real
ones, the truth is known: the damaged one's inside is held against the clean one's. The tables are
Markdown: docs/benchmarks.md holds them. The second takes minutes, most of them for loose faces. The
exit status is 1 when a solid is not watertight.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import process_time

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.errors import SampleError  # noqa: E402
from core.shapes.distances import signed_distances  # noqa: E402
from core.shapes.family import Alignment, place, upright  # noqa: E402
from core.shapes.family import bounds as bounds_of  # noqa: E402
from core.shapes.geometry import FloatArray, IntArray, libigl, open_edges  # noqa: E402
from core.shapes.meshes import SUFFIXES, ShapeMesh, mesh_files, read_mesh  # noqa: E402
from core.shapes.sampling import surface_points  # noqa: E402
from core.shapes.signing import Solid, solid  # noqa: E402

# A cell and a half of the grid on which meshes are sealed, in the cube of side 2.
NEAR = 0.025
SURFACE_POINTS, CUBE_POINTS = 20_000, 20_000
KINDS = ("closed", "repaired", "sealed")
HOLES, HOLE_RADIUS = 4, 0.05
JITTER, FLIPPED = 6e-4, 0.3
Damage = Callable[[FloatArray, IntArray, np.random.Generator], tuple[FloatArray, IntArray]]


@dataclass(frozen=True)
class Signed:
    """A mesh that became a solid: how, how long it took, and the shares of surface, in per cent."""

    name: str
    kind: str
    cpu: float
    lost: float
    added: float
    watertight: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Sign what lies in the folders; the exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench signing", description=__doc__.split("\n")[0]
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth mesh")
    parser.add_argument(
        "--damaged", type=int, default=3, metavar="N", help="closed meshes a family to damage"
    )
    parser.add_argument("--up", choices=("Y", "Z"), default="Z", help="the axis that points up")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    options = parser.parse_args(arguments)
    # libigl reads it when it is first used.
    os.environ.setdefault("IGL_NUM_THREADS", str(options.threads))
    families = {name: files[:: options.every] for name, files in found(options.folders)}
    tight = as_they_are(families, options.up)
    if options.damaged:
        damaged(families, options.up, options.damaged)
    return 0 if tight else 1


def found(folders: Sequence[Path]) -> Iterator[tuple[str, list[Path]]]:
    """The families in the folders, and below them: name and mesh files."""
    for top in folders:
        for folder in sorted({top, *(path for path in top.rglob("*") if path.is_dir())}):
            if any(path.suffix.lower() in SUFFIXES for path in folder.iterdir()):
                name = folder.relative_to(top).as_posix()
                yield (folder.name if name == "." else name), mesh_files(folder)


def as_they_are(families: dict[str, list[Path]], up: str) -> bool:
    """Print a row a family; whether every solid is watertight."""
    print("\n### Meshes as they are, one thread\n")
    print_row(
        *("family", "meshes", *KINDS, "refused", "not watertight", "CPU s: median, most"),
        *("surface lost, %: mean, most", "surface added, %: mean, most"),
    )
    print_row(*["---"] * 10)
    told, everything = [], []
    for family, files in families.items():
        rows, refused = [], 0
        for path in files:
            print(f"{family}: {path.stem}", file=sys.stderr, flush=True)
            try:
                rows.append(one(in_cube(read_mesh(path), up)))
            except SampleError as error:
                refused += 1
                told.append(str(error))
        everything += rows
        show(family, rows, refused)
    if len(families) > 1:
        show("all", everything, len(told))
    for line in told:
        print(f"\n{line}")
    return all(row.watertight for row in everything)


def one(mesh: ShapeMesh) -> Signed:
    """Sign a mesh and compare the surfaces."""
    rng = np.random.default_rng(1)
    start = process_time()
    made = solid(mesh)
    cpu = process_time() - start
    given = surface_points(mesh.vertices, mesh.faces, SURFACE_POINTS, rng=rng)
    out = surface_points(made.vertices, made.faces, SURFACE_POINTS, rng=rng)
    lost = signed_distances(made.vertices, made.faces, given) > NEAR
    added = unsigned(mesh, out) > NEAR
    tight = not len(open_edges(made.faces))
    return Signed(mesh.name, made.report.kind, cpu, 100 * lost.mean(), 100 * added.mean(), tight)


def show(family: str, rows: Sequence[Signed], refused: int) -> None:
    """Print a family's row."""
    counts = [sum(row.kind == kind for row in rows) for kind in KINDS]
    loose = sum(not row.watertight for row in rows)
    cells: list[object] = [family, len(rows) + refused, *counts, refused, loose]
    if rows:
        cells.append(f"{median(r.cpu for r in rows):.1f}, {max(r.cpu for r in rows):.1f}")
        for shares in ([r.lost for r in rows], [r.added for r in rows]):
            cells.append(f"{fmean(shares):.2f}, {max(shares):.1f}")
    print_row(*cells)


def damaged(families: dict[str, list[Path]], up: str, most: int) -> None:
    """Print a row a kind of damage and a family, of the closed meshes."""
    print("\n### Clean meshes, damaged: the inside against the clean mesh's\n")
    heads = ("agreement: mean, least", "IoU: mean, least")
    print_row("damage", "family", "meshes", *heads, "refused", "CPU s, mean")
    print_row(*["---"] * 7)
    clean: dict[str, list[Solid]] = {}
    for family, files in families.items():
        solids = (solid(in_cube(read_mesh(path), up)) for path in files[:: len(files) // most or 1])
        clean[family] = [made for made in solids if made.report.kind == "closed"][:most]
    for kind, damage in DAMAGES.items():
        for family, solids in clean.items():
            if solids:
                print(f"{kind}: {family}", file=sys.stderr, flush=True)
                show_damaged(kind, family, [against(made, damage) for made in solids])


def show_damaged(kind: str, family: str, rows: Sequence[tuple[float, float, float] | None]) -> None:
    """Print the row of a kind of damage and a family."""
    kept = [row for row in rows if row is not None]
    cells: list[object] = [kind, family, len(rows)]
    for column in range(2):
        values = [row[column] for row in kept]
        cells.append(f"{fmean(values):.4f}, {min(values):.4f}" if values else "-")
    took = f"{fmean(row[2] for row in kept):.1f}" if kept else "-"
    print_row(*cells, len(rows) - len(kept), took)


def against(clean: Solid, damage: Damage) -> tuple[float, float, float] | None:
    """Agreement and IoU of the insides at points of the cube, and CPU s; None where refused."""
    rng = np.random.default_rng(2)
    points = rng.uniform(-1, 1, (CUBE_POINTS, 3))
    broken = ShapeMesh(clean.name, *damage(clean.vertices, clean.faces, rng))
    start = process_time()
    try:
        mended = solid(broken)
    except SampleError:
        return None
    cpu = process_time() - start
    there = signed_distances(clean.vertices, clean.faces, points) < 0
    here = signed_distances(mended.vertices, mended.faces, points) < 0
    iou = (there & here).sum() / max(1, (there | here).sum())
    return float((there == here).mean()), float(iou), cpu


def in_cube(mesh: ShapeMesh, up: str) -> ShapeMesh:
    """The mesh, Z-up, where a family of its own would have it."""
    alignment = Alignment(up=up, centre=True, normalise=True)
    placed = place([bounds_of(mesh, alignment)], alignment)
    points = placed.shapes[mesh.name].apply(upright(mesh, alignment.up))
    return ShapeMesh(mesh.name, points, mesh.faces)


def unsigned(mesh: ShapeMesh, points: FloatArray) -> FloatArray:
    """Distances from points to the faces of a mesh."""
    squared, *_ = libigl().point_mesh_squared_distance(points, mesh.vertices, mesh.faces)
    return np.sqrt(np.asarray(squared, np.float64))


def inverted(vertices: FloatArray, faces: IntArray, _: object) -> tuple[FloatArray, IntArray]:
    """Every face turned."""
    return vertices, faces[:, ::-1]


def flipped(vertices: FloatArray, faces: IntArray, rng: np.random.Generator):
    """Some faces turned."""
    turned = rng.random(len(faces)) < FLIPPED
    return vertices, np.where(turned[:, None], faces[:, ::-1], faces)


def with_holes(vertices: FloatArray, faces: IntArray, rng: np.random.Generator):
    """Faces about a few points dropped."""
    middles = vertices[faces].mean(axis=1)
    kept = np.ones(len(faces), bool)
    for middle in middles[rng.integers(len(faces), size=HOLES)]:
        kept &= np.linalg.norm(middles - middle, axis=1) > HOLE_RADIUS
    return vertices, faces[kept]


def twice(vertices: FloatArray, faces: IntArray, _: object) -> tuple[FloatArray, IntArray]:
    """Every face once more, turned."""
    return vertices, np.concatenate([faces, faces[:, ::-1]])


def loose(vertices: FloatArray, faces: IntArray, rng: np.random.Generator):
    """Faces that share no vertex, jittered, some turned."""
    corners = vertices[faces].reshape(-1, 3)
    corners = corners + rng.normal(scale=JITTER, size=corners.shape)
    return flipped(corners, np.arange(len(corners)).reshape(-1, 3), rng)


def holes_and_flips(vertices: FloatArray, faces: IntArray, rng: np.random.Generator):
    """Both."""
    return flipped(*with_holes(vertices, faces, rng), rng)


DAMAGES: dict[str, Damage] = {
    "inverted": inverted,
    f"{FLIPPED:.0%} of faces flipped": flipped,
    f"{HOLES} holes of radius {HOLE_RADIUS}": with_holes,
    "holes and flips": holes_and_flips,
    "every face twice, both ways": twice,
    "loose faces, jittered, flipped": loose,
}


def print_row(*cells: object) -> None:
    """Print a row of a Markdown table."""
    print("|", *(f"{cell} |" for cell in cells), flush=True)


if __name__ == "__main__":
    sys.exit(main())
