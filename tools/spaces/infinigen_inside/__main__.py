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
import chairs  # noqa: E402
import cups  # noqa: E402
import numpy as np  # noqa: E402
import vases  # noqa: E402
from infinigen.core.util import blender as butil  # noqa: E402
from infinigen.core.util.math import FixedSeed, int_hash  # noqa: E402
from triangles import triangles  # noqa: E402

# Each gives a FACTORY, what is drawn anew, and what a person would name of what it makes.
FAMILIES: dict[str, Any] = {"cups": cups, "vases": vases, "chairs": chairs}
# Infinigen's meshes are fine enough for a close photograph: a quarter of that is plenty here.
MOST_SUBDIVISIONS, MOST_BEVEL_SEGMENTS = 1, 4
apply_modifier = butil.modify_mesh


def apply_coarser(asset: Any, kind: str, *given: Any, **options: Any) -> Any:
    """Infinigen's ``modify_mesh`` with fewer subdivisions and bevel segments."""
    for name in ("levels", "render_levels"):
        if kind == "SUBSURF" and name in options:
            options[name] = min(options[name], MOST_SUBDIVISIONS)
    if kind == "BEVEL":
        options["segments"] = min(options.get("segments", 1), MOST_BEVEL_SEGMENTS)
    return apply_modifier(asset, kind, *given, **options)


butil.modify_mesh = apply_coarser


def make(name: str, seed: int, path: Path) -> dict[str, float]:
    """Build one object, write its triangles, return its attributes."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    family = FAMILIES[name]
    # VaseFactory draws its size outside its own seed.
    with FixedSeed(seed):
        factory = family.FACTORY(seed)
    family.draw_anew(factory, np.random.default_rng(seed))
    with FixedSeed(int_hash((seed, 0))):
        asset = factory.create_asset()
    vertices, faces = triangles(asset, twice="guard" if getattr(factory, "handles", 0) == 2 else "")
    np.savez(path, vertices=vertices, faces=faces)
    return {key: float(value) for key, value in family.attributes(factory).items()}


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
