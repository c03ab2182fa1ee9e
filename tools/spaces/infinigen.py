"""Cups, vases and chairs from Infinigen 1.15.5 in bpy 4.2.0, one closed surface each.

Infinigen (Princeton University, BSD-3-Clause) draws its objects by rules from a seed; what it
makes is the output of a program, with no licence of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.spaces.collection import Made, collect, drawn_by
from tools.spaces.environment import environment
from tools.spaces.generator import Generator, Program
from tools.spaces.solidify import NotOneSolid, solidify

HERE = Path(__file__).resolve().parent
SOURCES = {
    "licence": "CC0-1.0",
    "origin": "Drawn by rules with infinigen 1.15.5 (BSD-3-Clause) in bpy 4.2.0, every shape from "
    "its own seed; the output of a program, given away under CC0-1.0.",
    "credits": ["Infinigen: Princeton University (Alexander Raistrick, Lingjie Mei and others)"],
}
# Infinigen's front is +X, ours -Y: a quarter turn about Z, for row vectors.
QUARTER_TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Family:
    """How a family is made: its name in infinigen_inside and its shapes' file names.

    thickness, weld
        See solidify.
    turn
        Whether the shapes have a front, which is to look towards -Y.
    tunnels
        The attribute that says how many tunnels a shape may have; empty for any number.
    """

    key: str
    stem: str
    thickness: float = 0.0
    weld: float = 0.0
    turn: bool = False
    tunnels: str = ""


def program() -> Program:
    """Infinigen in its own environment, with a folder of its own for Blender's settings."""
    python = environment("infinigen", HERE / "infinigen.txt")
    folder = python.parents[1]
    # Infinigen tries to fetch add-ons into the user's Blender.
    resources = folder / "user"
    resources.mkdir(exist_ok=True)
    return Program(
        command=(str(python), str(HERE / "infinigen_inside")),
        variables={"BLENDER_USER_RESOURCES": str(resources)},
        log=folder / "last.log",
    )


def files(family: Family) -> list[Path]:
    """The sources that the family's shapes depend on."""
    inside = [f"infinigen_inside/{name}.py" for name in ("__main__", "triangles", family.key)]
    names = ["infinigen.py", "infinigen.txt", "regrid.py", "solidify.py", *inside]
    return [HERE / name for name in names]


def meshes(family: Family, folder: Path, count: int) -> None:
    """Make what is missing of ``count`` shapes of the family in ``folder``; see collect."""
    with Generator(program) as generator:

        def make(seed: int) -> Made:
            raw, attributes = generator.ask(f"{family.key} {seed}")
            vertices = raw["vertices"] @ (QUARTER_TURN if family.turn else np.eye(3))
            faces = raw["faces"].astype(np.int64)
            solid = solidify(vertices, faces, thickness=family.thickness, weld=family.weld)
            if family.tunnels and solid.genus > attributes[family.tunnels]:
                raise NotOneSolid(
                    f"{solid.genus} tunnels, {family.tunnels}: {attributes[family.tunnels]:g}"
                )
            return Made(solid, {**attributes, "genus": float(solid.genus)})

        collect(folder, family.stem, count, make, SOURCES, program=drawn_by(files(family), family))
