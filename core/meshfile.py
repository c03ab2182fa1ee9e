"""Writing a mesh as a file that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import MeshSDFError
from .files import check_folder, write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from .space import Frame

# glTF demands Y-up; the others say nothing and get Blender's Z-up.
SUFFIXES = (".ply", ".obj", ".stl", ".glb")
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


class MeshFileError(MeshSDFError):
    """A mesh cannot be written: unknown kind of file, a full disk, a missing package."""


def check_mesh_path(path: Path) -> None:
    """Raises MeshFileError where a mesh could not be written to ``path`` later."""
    if path.suffix.lower() not in SUFFIXES:
        raise MeshFileError(
            f"'{path}' is no mesh file that can be written", f"Use {', '.join(SUFFIXES)}"
        )
    check_folder(path, MeshFileError)
    try:
        import trimesh  # noqa: F401
    except ImportError as error:
        raise MeshFileError(
            "Writing meshes needs the package trimesh", "python -m pip install trimesh"
        ) from error


def write_mesh(
    path: Path,
    vertices: Tensor,
    faces: Tensor,
    frame: Frame,
    *,
    object_matrix: Tensor | None = None,
) -> None:
    """Write ``vertices`` ``(V, 3)`` of the cube, turned Z-up by ``frame``, and ``faces``.

    ``object_matrix`` ``(4, 4)`` takes the space's local coordinates to where the mesh is to stand.
    All of the file or nothing; folders that are missing are made. Raises MeshFileError.
    """
    check_mesh_path(path)
    import trimesh

    from .pose import transformed

    matrix = frame.matrix() if object_matrix is None else object_matrix @ frame.matrix()
    points = transformed(matrix, vertices.cpu().double()).numpy()
    kind = path.suffix.lower()[1:]
    if kind == "glb":
        points = points @ Y_UP.T
    mesh = trimesh.Trimesh(points, faces.cpu().numpy(), process=False)
    data: Any = mesh.export(file_type=kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise MeshFileError(
            f"The mesh could not be written to '{path}': {error.strerror or error}",
            "Free some space or choose another folder; the file that was there is unchanged",
        ) from error
