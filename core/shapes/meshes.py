"""Meshes of shapes from files: OBJ, PLY, STL and GLB, one by one, checked before memory is spent.

Only geometry is read: no material, texture or file that another file names. A scene's meshes are
joined under its transforms. glTF states that +Y is up, so a GLB is turned Z-up as Blender does it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SampleError, TrainingError, reason
from ..files import read_whole
from .facecount import face_count
from .geometry import FloatArray, IntArray, check_mesh

SUFFIXES = (".obj", ".ply", ".stl", ".glb")
# A closed mesh of a million faces takes 1 s to read and 26 s to sign (processor time), and 0.8 GB.
MOST_FACES = 1_000_000
MOST_BYTES = 1 << 30
# (x, y, z) to (x, -z, y)
Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class ShapeMesh:
    """A shape as its file has it: ``vertices`` ``(V, 3)`` and triangles ``(F, 3)``.

    ``upright`` says that the mesh is known to be Z-up, whatever the family's other files are.
    """

    name: str
    vertices: FloatArray
    faces: IntArray
    upright: bool = False


def mesh_files(source: Path) -> list[Path]:
    """The mesh files of the folder ``source``, by name; ``source`` itself if it is such a file.

    Raises TrainingError when there is none, or when two would get the same name.
    """
    if source.is_file() and source.suffix.lower() in SUFFIXES:
        return [source]
    if not source.is_dir():
        raise TrainingError(
            f"'{source}' is no folder of meshes", f"Name a folder with {_kinds()} files"
        )
    files = sorted(
        path for path in source.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not files:
        raise TrainingError(
            f"There is no mesh in '{source}'", f"Put {_kinds()} files into it, one for each shape"
        )
    seen: dict[str, Path] = {}
    for path in files:
        if path.stem in seen:
            raise TrainingError(
                f"'{seen[path.stem].name}' and '{path.name}' would be one shape's name",
                "Rename or remove one of them",
            )
        seen[path.stem] = path
    return files


def read_mesh(path: Path, *, most_faces: int = MOST_FACES) -> ShapeMesh:
    """The mesh in a file, its polygons as triangles. Raises SampleError, naming the file.

    What the file says of its size is held against ``most_faces`` before anything is allocated.
    """
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise SampleError(f"'{path.name}' is no mesh file", f"Use {_kinds()}")
    data = read_whole(path, MOST_BYTES, SampleError)
    try:
        count = face_count(data, kind)
        if count > most_faces:
            raise too_many_faces(f"'{path.name}'", count, most_faces)
        vertices, faces = _parse(data, kind)
    except (SampleError, MemoryError):
        raise
    except Exception as error:  # the parsers raise many types on a damaged file
        raise SampleError(
            f"'{path.name}' cannot be read as {kind[1:].upper()} ({reason(error)})",
            "Export it again",
        ) from error
    if len(faces) > most_faces:
        raise too_many_faces(f"'{path.name}'", len(faces), most_faces)
    try:
        check_mesh(vertices, faces)
    except SampleError as error:
        raise SampleError(f"'{path.name}' is refused: {error.problem}", error.remedy) from error
    return ShapeMesh(path.stem, vertices, faces, upright=kind == ".glb")


def _parse(data: bytes, kind: str) -> tuple[FloatArray, IntArray]:
    """Vertices and triangles, with all parts of a scene in one. Raises what trimesh raises."""
    try:
        import trimesh
    except ImportError as error:
        raise SampleError(
            "Reading meshes needs trimesh, which is not installed",
            "Install it into this Python: python -m pip install trimesh",
        ) from error
    # Without a resolver no other file is opened; without materials no image is decoded.
    options: dict[str, Any] = {"process": False, "skip_materials": True}
    scene = trimesh.load_scene(io.BytesIO(data), file_type=kind[1:], **options)
    parts = [part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]
    if not parts:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    vertices = np.concatenate([np.asarray(part.vertices, np.float64) for part in parts])
    faces = np.concatenate(
        [
            np.asarray(part.faces, np.int64) + start
            for part, start in zip(parts, starts, strict=False)
        ]
    )
    return vertices @ Y_UP_TO_Z_UP.T if kind == ".glb" else vertices, faces


def too_many_faces(name: str, count: int, most: int = MOST_FACES) -> SampleError:
    """The refusal of a mesh that would take too long and too much memory."""
    return SampleError(
        f"{name} is refused: it has {count:,} faces, and at most {most:,} are allowed",
        "Decimate it first (in Blender: the Decimate modifier); a space of shapes "
        "shows no detail finer than some 100,000 faces",
    )


def _kinds() -> str:
    return ", ".join(kind[1:].upper() for kind in SUFFIXES)
