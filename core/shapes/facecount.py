"""How many faces a mesh file claims to have, from its header or a glance, before it is parsed.

A few bytes can claim billions of faces, or one mesh a million times over: the claim is checked
against a limit before anything of that size is allocated.
"""

from __future__ import annotations

import json
import struct
from typing import Any

GLB_HEADER = 12
GLB_CHUNK_HEADER = 8
STL_HEADER = 80
STL_FACE = 50


def face_count(data: bytes, kind: str) -> int:
    """The faces that ``data`` claims, or a third of its vertices if those are more.

    Raises ValueError, KeyError, IndexError or TypeError for data that is no such file.
    """
    return {".ply": _ply, ".stl": _stl, ".obj": _obj, ".glb": _glb}[kind](data)


def _ply(data: bytes) -> int:
    """Every element counts: each is read into an array of its claimed length."""
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise ValueError("it has no PLY header")
    counts = {}
    for line in data[:end].decode("ascii", "replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "element":
            counts[words[1]] = int(words[2])
    faces = max(counts.get("face", 0), counts.get("tristrips", 0))
    return max([faces, *(count // 3 for name, count in counts.items() if name != "face")])


def _stl(data: bytes) -> int:
    """Of a binary one what it says, if that is what it holds; of a text one its facets."""
    if len(data) >= STL_HEADER + 4:
        (count,) = struct.unpack_from("<I", data, STL_HEADER)
        if len(data) == STL_HEADER + 4 + STL_FACE * count:
            return int(count)
    if not data.lstrip()[:5].lower() == b"solid":
        raise ValueError("its length is not what its header says")
    return data.lower().count(b"endfacet")


def _obj(data: bytes) -> int:
    return max(data.count(b"\nf "), (data.count(b"\nv ")) // 3)


def _glb(data: bytes) -> int:
    """The triangles of every node's mesh: one stored mesh may stand in a scene many times."""
    if data[:4] != b"glTF":
        raise ValueError("it has no GLB header")
    (length,) = struct.unpack_from("<I", data, GLB_HEADER)
    start = GLB_HEADER + GLB_CHUNK_HEADER
    tree = json.loads(data[start : start + length])
    accessors = tree.get("accessors", [])
    sizes = [
        sum(_primitive(primitive, accessors) for primitive in mesh.get("primitives", []))
        for mesh in tree.get("meshes", [])
    ]
    shown = _shown(tree, sizes)
    return max(shown, sum(sizes), max((int(a["count"]) // 3 for a in accessors), default=0))


def _primitive(primitive: dict[str, Any], accessors: list[dict[str, Any]]) -> int:
    at = primitive.get("indices", primitive["attributes"]["POSITION"])
    return int(accessors[at]["count"]) // 3


def _shown(tree: dict[str, Any], sizes: list[int]) -> int:
    """Triangles of all nodes of all scenes. Raises ValueError where nodes form no tree.

    A node below two parents would show what hangs below it twice, and so on, doubling at each step.
    """
    nodes, total = tree.get("nodes", []), 0
    for scene in tree.get("scenes", []):
        ahead, seen = list(scene.get("nodes", [])), set()
        while ahead:
            at = int(ahead.pop())
            if at in seen:
                raise ValueError(f"its node {at} has two parents")
            seen.add(at)
            total += sizes[nodes[at]["mesh"]] if "mesh" in nodes[at] else 0
            ahead.extend(nodes[at].get("children", []))
    return total
