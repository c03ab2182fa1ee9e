"""Make raw Infinigen objects: runs in bpy 4.2.0 (see infinigen.py), never in the project's own.

Reads lines ``FAMILY SEED PATH``, writes ``PATH`` (.npz: ``vertices`` (V, 3), ``faces`` (F, 3)) and
answers each with one line of JSON on the stream that was its standard output at the start:
``{"attributes": {...}}`` or ``{"problem": "..."}``. Everything that Infinigen and Blender print
goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# Infinigen and Blender write to standard output: keep it for the answers alone.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import bpy  # noqa: E402
import numpy as np  # noqa: E402
from infinigen.assets.objects.seating.chairs.chair import ChairFactory  # noqa: E402
from infinigen.assets.objects.table_decorations.vase import VaseFactory  # noqa: E402
from infinigen.assets.objects.tableware.cup import CupFactory  # noqa: E402
from infinigen.core.util import blender as butil  # noqa: E402
from infinigen.core.util.math import FixedSeed, int_hash  # noqa: E402

# Infinigen's meshes are fine enough for a close photograph: a quarter of that is plenty here.
MOST_SUBDIVISIONS, MOST_BEVEL_SEGMENTS = 1, 4
apply_modifier = butil.modify_mesh
# Cups: shares of those with no handle, one and two; radii as shares of the height; the largest
# taper, an angle; what is still a few cells thick, where a mouth's radius is 0.25.
HANDLE_SHARES, HANDLE_RADII, MOST_TAPER = (0.3, 0.5, 0.2), (0.06, 0.36), 0.8
THINNEST_HANDLE, THINNEST_WALL = 0.018, 0.014
FLUTES = 8


def apply_coarser(asset: Any, kind: str, *given: Any, **options: Any) -> Any:
    """Infinigen's ``modify_mesh`` with fewer subdivisions and bevel segments."""
    for name in ("levels", "render_levels"):
        if kind == "SUBSURF" and name in options:
            options[name] = min(options[name], MOST_SUBDIVISIONS)
    if kind == "BEVEL":
        options["segments"] = min(options.get("segments", 1), MOST_BEVEL_SEGMENTS)
    return apply_modifier(asset, kind, *given, **options)


butil.modify_mesh = apply_coarser


def cup_attributes(cup: Any) -> dict[str, float]:
    """What a person would name of a cup; lengths in radii of its mouth."""
    return {
        "height": cup.depth / cup.x_end,
        "base width": cup.x_lowest,
        "wall thickness": cup.thickness / cup.x_end,
        "straight side": float(cup.is_profile_straight),
        "handles": float(cup.handles),
        "handle size": cup.handle_radius / cup.x_end if cup.has_guard else 0.0,
        "handle thickness": cup.handle_inner_radius / cup.x_end if cup.has_guard else 0.0,
    }


def vase_attributes(vase: Any) -> dict[str, float]:
    """What a person would name of a vase: widths as shares of the belly's, places of the height."""
    found = vase.params
    return {
        "height": found["Height"] / found["Diameter"],
        "neck width": found["Neck Scale"],
        "neck place": found["Neck Position"],
        "mouth width": found["Top Scale"],
        "shoulder place": found["Shoulder Position"],
        "shoulder roundness": found["Shoulder Thickness"],
        "foot width": found["Foot Scale"],
        "foot height": found["Foot Height"],
        "flute depth": 1.0 - found["Profile Inner Radius"],
    }


def chair_attributes(chair: Any) -> dict[str, float]:
    """What a person would name of a chair; lengths in metres, kinds as 0 or 1."""
    return {
        "seat width": chair.width,
        "seat depth": chair.size,
        "seat thickness": chair.thickness,
        "seat height": chair.leg_height,
        "back height": chair.back_height,
        "back lean": chair.back_y_offset,
        "leg thickness": chair.leg_thickness,
        "leg spread": chair.leg_x_offset,
        "arms": float(chair.has_arm),
        "round seat": float(chair.is_seat_round),
        "round legs": float(chair.is_leg_round),
        "curved legs": float(chair.leg_type in ("up-curved", "down-curved")),
        "side rails": float(chair.has_leg_y_bar),
        "cross rails": float(chair.has_leg_x_bar),
        **{
            f"{name} back": float(chair.back_type == kind)
            for name, kind in (
                ("solid", "whole"),
                ("open", "partial"),
                ("ladder", "horizontal-bar"),
                ("spindle", "vertical-bar"),
            )
        },
    }


def draw_handle(cup: Any, rng: np.random.Generator) -> None:
    """Draw a cup's handles anew: none, one or two, on tall cups too, down to a knob on the wall.

    Infinigen gives only low cups a handle, and none that is small. With those alone nothing lies
    between a cup with a handle and one without. Its larger and more tapered ones reach over the
    rim and leave slivers between themselves and the wall.
    """
    cup.handles = int(rng.choice(3, p=HANDLE_SHARES))
    cup.has_guard = cup.handles > 0
    cup.handle_radius = min(cup.depth, 2 * cup.x_end) * rng.uniform(*HANDLE_RADII)
    cup.handle_inner_radius = max(THINNEST_HANDLE, cup.handle_radius * rng.uniform(0.25, 0.36))
    cup.handle_taper_x, cup.handle_taper_y = rng.uniform(0, MOST_TAPER, 2)
    cup.thickness = max(THINNEST_WALL, cup.thickness)


def draw_flutes(vase: Any, rng: np.random.Generator) -> None:
    """Give every fluted vase the same number of flutes; their depth stays as it was drawn.

    Infinigen draws 16 to 32: between two numbers there is no vase, and the finest are a few cells.
    """
    vase.params["Profile Star Points"] = FLUTES


def as_drawn(asset_factory: Any, rng: np.random.Generator) -> None:
    """Leave everything as Infinigen drew it."""


# A factory, what a person would name of what it makes, and what is drawn anew.
FAMILIES = {
    "cups": (CupFactory, cup_attributes, draw_handle),
    "vases": (VaseFactory, vase_attributes, draw_flutes),
    "chairs": (ChairFactory, chair_attributes, as_drawn),
}


def make(family: str, seed: int, path: Path) -> dict[str, float]:
    """Build one object, write its triangles, return its attributes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    factory_type, attributes, draw_anew = FAMILIES[family]
    # VaseFactory draws its size outside its own seed.
    with FixedSeed(seed):
        factory = factory_type(seed)
    draw_anew(factory, np.random.default_rng(seed))
    with FixedSeed(int_hash((seed, 0))):
        asset = factory.create_asset()
    vertices, faces = triangles(asset, twice="guard" if getattr(factory, "handles", 0) == 2 else "")
    np.savez(path, vertices=vertices, faces=faces)
    return {name: float(value) for name, value in attributes(factory).items()}


def triangles(asset: Any, *, twice: str = "") -> tuple[np.ndarray, np.ndarray]:
    """The object's triangles in the world, without a cup's printed label (an open sheet).

    The part whose polygons bear the attribute ``twice`` is there once more, half a turn about Z on.
    """
    mesh = asset.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    mesh.calc_loop_triangles()
    vertices = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", vertices)
    vertices = vertices.reshape(-1, 3)
    count = len(mesh.loop_triangles)
    faces, polygons = np.empty(count * 3, np.int32), np.empty(count, np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    mesh.loop_triangles.foreach_get("polygon_index", polygons)
    faces = faces.reshape(-1, 3)
    kept = ~marked(mesh, "text")[polygons]
    if twice:
        again = faces[kept & marked(mesh, twice)[polygons]]
        faces = np.concatenate([faces[kept], again + len(vertices)])
        vertices = np.concatenate([vertices, vertices * (-1, -1, 1)])
    else:
        faces = faces[kept]
    world = np.array(asset.matrix_world)
    return vertices @ world[:3, :3].T + world[:3, 3], faces


def marked(mesh: Any, name: str) -> np.ndarray:
    """Which polygons bear the attribute ``name``."""
    values = np.zeros(len(mesh.polygons))
    attribute = mesh.attributes.get(name)
    if attribute is not None:
        attribute.data.foreach_get("value", values)
    return values > 0.5


def main() -> None:
    """Answer the lines of standard input until it ends."""
    for line in sys.stdin:
        family, seed, path = line.rstrip("\n").split(" ", 2)
        try:
            answer: dict[str, Any] = {"attributes": make(family, int(seed), Path(path))}
        except Exception as error:  # any factory's failure costs that seed alone
            answer = {"problem": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
