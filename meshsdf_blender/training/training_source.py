"""The meshes that a space is trained from, gathered from objects or a collection.

What a person sees is taken: modifiers, instances and world transforms applied. One object is one
shape; a child collection, or an object that instances one, is one shape of all its meshes joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from .. import in_scripts
from ..errors import Refusal

FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
MOST_FACES = 1_000_000  # of one shape, as the worker has it
FEWEST = 2  # one shape alone leaves nothing to vary
MOST_TOLD = 3
LONGEST_NAME = 80
FARTHEST = 1e30
APART = 3.0  # sizes of the largest shape that a family may span before it is said to stand apart


@dataclass(frozen=True)
class SourceMesh:
    """One shape to train on: world units; ``name`` can be a file's stem and is its own."""

    name: str
    vertices: np.ndarray
    faces: np.ndarray


Part = tuple[np.ndarray, np.ndarray]
Named = tuple[str, list[bpy.types.Object], bool]
Instances = dict[str, list[Part] | None]


class Source:
    """Shapes still to be read: ``meshes`` reads them one by one, and notes what it leaves out.

    ``refused`` has name and reason of each that was left out; ``bounds`` the lowest and highest
    corner of all that were read, ``(2, 3)`` in world units; ``largest`` their longest side.
    """

    def __init__(self, context: bpy.types.Context, shapes: list[Named]) -> None:
        self._shapes = shapes
        context.view_layer.update()
        self._depsgraph = context.evaluated_depsgraph_get()
        self.refused: list[tuple[str, str]] = []
        self._mended_by = ""  # a script's line for the first that was left out
        self.count = 0
        self.bounds = np.array([[np.inf] * 3, [-np.inf] * 3])
        self.largest = 0.0

    def meshes(self) -> Iterator[SourceMesh]:
        """Every shape that can be used. Raises Refusal at the end where there are too few."""
        wanted = {_key(ob) for _, objects, _ in self._shapes for ob in objects}
        instances = _instances(self._depsgraph, wanted)
        stems: set[str] = set()
        for name, objects, joined in self._shapes:
            try:
                vertices, faces = _joined(name, objects, self._depsgraph, instances, joined=joined)
            except Refusal as refusal:
                self.refused.append((name, str(refusal)))
                self._mended_by = self._mended_by or refusal.script
                continue
            low, high = vertices.min(axis=0), vertices.max(axis=0)
            self.bounds = np.stack(
                [np.minimum(self.bounds[0], low), np.maximum(self.bounds[1], high)]
            )
            self.largest = max(self.largest, float((high - low).max()))
            self.count += 1
            yield SourceMesh(_stem(name, stems), vertices, faces)
        if self.count < FEWEST:
            raise self._too_few()

    def _too_few(self) -> Refusal:
        more = len(self.refused) - MOST_TOLD
        told = " ".join(why for _, why in self.refused[:MOST_TOLD])
        if more > 0:
            told += f" {more} more were left out."
        if self.count:
            return too_few(self.count, told, script=self._mended_by)
        return Refusal(f"Nothing here can be trained on. {told}", script=self._mended_by)

    @property
    def apart(self) -> bool:
        """Whether the shapes stand beside each other, and not at one place."""
        return float(np.ptp(self.bounds, axis=0).max()) > APART * self.largest


def too_few(count: int, told: str = "", *, script: str = "") -> Refusal:
    """Why so few shapes are refused; ``told`` says what was left out, ``script`` mends that."""
    problem = f"A space needs two shapes or more, and {count} can be used"
    told = ". ".join(filter(None, (problem, told.rstrip(" ."))))
    return Refusal(told, "Add shapes of its kind", script=script)


def from_objects(context: bpy.types.Context, objects: Sequence[bpy.types.Object]) -> Source:
    """Each object is one shape. Raises Refusal where there is none."""
    if not objects:
        raise Refusal("No object is selected", "Select the objects to train on")
    return Source(context, [(ob.name, [ob], False) for ob in objects])


def from_collection(context: bpy.types.Context, collection: bpy.types.Collection) -> Source:
    """Each object in it is one shape, and each child collection. Raises Refusal for none."""
    shapes: list[Named] = [(ob.name, [ob], False) for ob in collection.objects]
    shapes += [(child.name, list(child.all_objects), True) for child in collection.children]
    if not shapes:
        raise Refusal(
            f"Collection '{collection.name}' is empty",
            "Put the objects to train on into it, or choose another",
        )
    return Source(context, shapes)


def _joined(
    name: str,
    objects: list[bpy.types.Object],
    depsgraph: bpy.types.Depsgraph,
    instances: Instances,
    *,
    joined: bool,
) -> Part:
    """All meshes of one shape as one. Raises Refusal, by name."""
    parts: list[Part] = []
    for ob in objects:
        if _key(ob) in instances and instances[_key(ob)] is None:
            raise Refusal(
                f"Object '{ob.name}' instances more than {MOST_FACES:,} triangles",
                "Show fewer instances, or leave it out",
            )
        parts += [part for part in _own(ob, depsgraph) if len(part[1])]
        parts += [part for part in instances.get(_key(ob)) or [] if len(part[1])]
    if not parts:
        raise _nothing(name, objects, joined=joined)
    total = sum(len(faces) for _, faces in parts)
    if total > MOST_FACES:
        raise Refusal(
            f"'{name}' has {total:,} triangles, more than {MOST_FACES:,}",
            "Give it a Decimate modifier, or leave it out",
        )
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    vertices = np.concatenate([vertices for vertices, _ in parts])
    faces = np.concatenate([f + start for (_, f), start in zip(parts, starts[:-1], strict=True)])
    bad = np.flatnonzero(~somewhere(vertices))
    if len(bad):
        what = "Collection" if joined else "Object"
        raise Refusal(
            f"{what} '{name}' has {len(bad)} vertices without a position (NaN or infinite)",
            "Delete them, or look at its modifiers",
        )
    return vertices, faces


def _nothing(name: str, objects: list[bpy.types.Object], *, joined: bool) -> Refusal:
    """Why a shape has no faces."""
    if joined:
        return Refusal(
            f"Collection '{name}' shows no mesh with faces",
            "Show it, put meshes into it, or leave it out",
        )
    ob = objects[0]
    if not ob.visible_get():
        shown = in_scripts.showing(ob)
        return Refusal(f"Object '{name}' is hidden", "Show it, or leave it out", script=shown)
    if ob.mode == "EDIT":
        return Refusal(
            f"Object '{name}' is in Edit Mode",
            "Go back to Object Mode first",
            script="bpy.ops.object.mode_set(mode='OBJECT')",
        )
    if ob.type not in {"MESH", "EMPTY"} or (ob.type == "EMPTY" and not ob.instance_collection):
        return Refusal(
            f"Object '{name}' is no mesh ({ob.type.replace('_', ' ').lower()})",
            "Convert it (Object > Convert > Mesh), or leave it out",
        )
    return Refusal(f"Object '{name}' has no faces", "Give it faces, or leave it out")


def _own(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> Iterator[Part]:
    """The mesh of the object itself, where it is shown."""
    if ob.type == "MESH" and ob.visible_get() and ob.mode != "EDIT":
        evaluated = ob.evaluated_get(depsgraph)
        yield _triangles(evaluated, np.array(evaluated.matrix_world, dtype=np.float64))


def _instances(depsgraph: bpy.types.Depsgraph, wanted: set[str]) -> Instances:
    """The meshes that each wanted object instances: collections, and those of its nodes."""
    found: Instances = {}
    totals: dict[str, int] = {}
    for instance in depsgraph.object_instances:
        if not instance.is_instance or instance.parent is None:
            continue
        key = _key(instance.parent.original)
        if key not in wanted or instance.object.type != "MESH":
            continue
        parts = found.setdefault(key, [])
        if parts is None:
            continue
        part = _triangles(instance.object, np.array(instance.matrix_world, dtype=np.float64))
        parts.append(part)
        totals[key] = totals.get(key, 0) + len(part[1])
        if totals[key] > MOST_FACES:
            found[key] = None  # too many to hold
    return found


def _triangles(evaluated: bpy.types.Object, matrix: np.ndarray) -> Part:
    """Vertices ``(V, 3)`` float64 in the world and triangles ``(F, 3)`` int32."""
    mesh = evaluated.to_mesh()
    try:
        return triangles(mesh, matrix)
    finally:
        evaluated.to_mesh_clear()


def triangles(mesh: bpy.types.Mesh, matrix: np.ndarray) -> Part:
    """A mesh through a 4x4 matrix: vertices ``(V, 3)`` float64, triangles ``(F, 3)`` int32.

    A mirroring matrix turns the faces, so that what was outside stays outside.
    """
    local = np.empty((len(mesh.vertices), 3), dtype=np.float32)
    mesh.vertices.foreach_get("co", local.ravel())
    mesh.calc_loop_triangles()
    faces = np.empty((len(mesh.loop_triangles), 3), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces.ravel())
    with np.errstate(all="ignore"):
        vertices = local @ matrix[:3, :3].T + matrix[:3, 3]
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = faces[:, ::-1]
    return vertices, faces


def somewhere(vertices: np.ndarray) -> np.ndarray:
    """Which vertices ``(V, 3)`` have a position. Blender turns infinity into its largest float."""
    return (np.isfinite(vertices) & (np.abs(vertices) < FARTHEST)).all(axis=1)


def _key(ob: bpy.types.Object) -> str:
    """An object's name with its library: the name alone may be there twice."""
    return f"{ob.library.filepath if ob.library else ''}\n{ob.name}"


def _stem(name: str, taken: set[str]) -> str:
    """A file's stem for a name, unlike all that are taken, on every system."""
    stem = file_stem(name)
    tried, number = stem, 2
    while tried.casefold() in taken:
        tried, number = f"{stem}_{number}", number + 1
    taken.add(tried.casefold())
    return tried


def file_stem(name: str) -> str:
    """A name that can be a file's or folder's on every system."""
    stem = FORBIDDEN.sub("_", name[:LONGEST_NAME]).strip(" .") or "Shape"
    return f"_{stem}" if RESERVED.match(stem) else stem
