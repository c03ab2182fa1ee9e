"""A family's folder of generated shapes: resumable, whole files only, attributes beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count as numbers
from pathlib import Path
from typing import Any

import numpy as np

from core.files import write_whole
from tools.spaces.solidify import FloatArray, IntArray, NotOneSolid, Solid

# The shapes of shared test families have low numbers: these are others.
FIRST_SEED = 1000


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
) -> None:
    """Have ``count`` shapes ``STEM_SEED.ply`` in ``folder``, made by ``make`` from seeds 1000 up.

    Beside the folder: ``attributes.json`` by shape, ``sources.json``, and ``refused.json``, which
    names the seeds for which ``make`` raised NotOneSolid, with the reason: they are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
