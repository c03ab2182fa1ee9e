"""How long a mesh takes into Blender: prints {"ms": median} for the arrays of an .npz file."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from time import perf_counter

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
RUNS = 21

if __name__ == "__main__":
    upload = importlib.import_module("meshsdf_blender.shapes.mesh_upload").upload
    arrays = np.load(sys.argv[1])
    vertices, faces = arrays["vertices"], arrays["faces"]
    mesh = bpy.data.meshes.new("bench")
    times = []
    for run in range(RUNS):
        # Dropping a face in every other run makes each upload one of a new topology.
        start = perf_counter()
        upload(mesh, vertices, faces[run % 2 :])
        times.append(perf_counter() - start)
    print(json.dumps({"ms": sorted(times)[RUNS // 2] * 1e3}))
