"""A family's folder of generated shapes: resumable, whole files only, attributes beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import count as numbers
from pathlib import Path
from typing import Any

import numpy as np

from core.files import write_whole
from tools.spaces.solidify import FloatArray, IntArray, NotOneSolid, Solid

# The shapes of shared test families have low numbers: these are others.
FIRST_SEED = 1000
# Beside a family's meshes: the digest of the program that drew them.
PROGRAM = "program.txt"


@dataclass(frozen=True)
class Made:
    """One generated shape and what a person would name of it."""

    solid: Solid
    attributes: Mapping[str, float]


def collect(
    folder: Path,
    stem: str,
    count: int,
    make: Callable[[int], Made],
    sources: Mapping[str, Any],
    *,
    program: str,
) -> None:
    """Have ``count`` shapes ``STEM_SEED.ply`` in ``folder``, made by ``make`` from seeds 1000 up.

    ``program`` is the digest of what draws them (see drawn_by): where the folder holds shapes that
    another one drew, it raises SystemExit. Beside the folder: ``attributes.json`` by shape,
    ``sources.json``, and ``refused.json``, which names the seeds for which ``make`` raised
    NotOneSolid, with the reason: they are left out.
    """
    check_same_program(folder, program)
    write_json(folder.parent / "sources.json", sources)
    named = read_json(folder.parent / "attributes.json")
    refused = read_json(folder.parent / "refused.json")
    found = 0
    for seed in numbers(FIRST_SEED):
        if found >= count:
            break
        name = f"{stem}_{seed}"
        path = folder / f"{name}.ply"
        if name in refused:
            continue
        if not (path.exists() and name in named):
            try:
                made = make(seed)
            except NotOneSolid as error:
                refused[name] = str(error)
                write_json(folder.parent / "refused.json", refused)
                print(f"{name}: left out, {error}", flush=True)
                continue
            named[name] = {key: round(value, 5) for key, value in made.attributes.items()}
            write_json(folder.parent / "attributes.json", named)
            write_ply(path, made.solid.vertices, made.solid.faces)
            print(f"{name}: {len(made.solid.faces)} faces, genus {made.solid.genus}", flush=True)
        found += 1


def drawn_by(files: Iterable[Path], *options: object) -> str:
    """A digest of a generator: its source ``files`` and what it is told."""
    told = sha256(repr(options).encode())
    for path in sorted(files):
        told.update(path.read_bytes())
    return told.hexdigest()


def check_same_program(folder: Path, program: str) -> None:
    """Make ``folder``, and note beside it whose shapes it holds. Raises SystemExit where the shapes
    in it were drawn by another program."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder.parent / PROGRAM
    former = note.read_text().strip() if note.exists() else program
    if former != program and any(folder.iterdir()):
        raise SystemExit(
            f"The program that draws the shapes in {folder} has changed since. Remove that folder, "
            f"attributes.json and refused.json beside it to have them drawn anew; where they would "
            f"be the same, remove {note}"
        )
    write_whole(note, f"{program}\n".encode())


def read_json(path: Path) -> dict[str, Any]:
    """What the file holds; nothing where there is none."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file whole or not at all."""
    write_whole(path, json.dumps(content, indent=1).encode())


def write_ply(path: Path, vertices: FloatArray, faces: IntArray) -> None:
    """Write a binary PLY file (float32 vertices, triangles), whole or not at all."""
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    records = np.empty(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    records["count"], records["corners"] = 3, faces
    write_whole(path, header.encode() + vertices.astype("<f4").tobytes() + records.tobytes())
