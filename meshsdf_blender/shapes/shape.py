"""A shape: an object with a code and the mesh that the code stands for, written only together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from .. import door
from ..errors import Fix, Refusal
from ..spaces import catalogue
from ..wording import counted
from . import codes, mesh_upload

# Systems of units: how many of which volume a cubic metre has. Blender's own words say 490825 cm³.
VOLUMES = {"METRIC": (1.0, "m³"), "IMPERIAL": (35.3147, "ft³"), "NONE": (1.0, "")}

# Of a mesh: it is not yet what it is to be; the artist edited it before it was.
BEHIND, EDITED = "behind", "edited"

FROM_MEAN = Fix(
    "meshsdf.known_shape", "Start from the Mean", {"shape": catalogue.MEAN}, "MESH_DATA"
)

FIT_READOUT = (
    *("fit_start", "fit_iou", "fit_steps", "fit_reason", "fit_topology"),
    *("fit_off_start", "fit_off", "fit_alone"),
)


def is_shape(ob: bpy.types.Object | None) -> bool:
    """Whether the object is one of ours."""
    return ob is not None and ob.type == "MESH" and bool(ob.meshsdf.space)


def mesh_of(ob: bpy.types.Object) -> bpy.types.Mesh:
    """The mesh of a shape, which :func:`is_shape` and ``check_writable`` have made sure of."""
    mesh: bpy.types.Mesh = ob.data  # type: ignore[assignment]
    return mesh


def source(ob: bpy.types.Object) -> dict[str, Any]:
    """The header fields that name the object's space. Raises Refusal where it is gone."""
    settings = ob.meshsdf
    return {
        "path": catalogue.existing(settings.space, ob.library),
        **catalogue.up_header(settings.up),
    }


def checked_code(ob: bpy.types.Object) -> np.ndarray:
    """The object's code, of its space's length and finite. Raises Refusal."""
    settings = ob.meshsdf
    length = catalogue.info(settings.space, settings.up, ob.library).code_length
    return codes.check(codes.read(ob), ob, length)


def extract(ob: bpy.types.Object, code: np.ndarray) -> None:
    """Mesh ``code`` at the object's resolution and store both. Raises Refusal, changing nothing.

    What the last fit said of another code or mesh is forgotten.
    """
    mesh_upload.check_writable(ob)
    settings = ob.meshsdf
    header = mesh_header(ob, settings.resolution)
    reply, arrays = door.ready_worker().request("mesh", header, {"code": code})
    report = reply.get("report", {})
    if not len(arrays["faces"]):
        # Its mesh is of another code: the one that it has may itself lie where nothing is.
        lost = ob.get(codes.KEY) is not None and is_behind(ob)
        raise Refusal(
            f"Space '{catalogue.title(settings.space)}' has no shape so far out",
            "Bring the sliders nearer to 0, or start from the mean or a known shape",
            fixes=(FROM_MEAN,) if lost else (),
        )
    write(ob, code, arrays["vertices"], arrays["faces"], report)
    forget_fit(ob)


def forget_fit(ob: bpy.types.Object) -> None:
    """Forget what the last fit said: the shape is another one now."""
    for name in FIT_READOUT:
        ob.meshsdf.property_unset(name)


def mesh_header(ob: bpy.types.Object, resolution: int) -> dict[str, Any]:
    """The header fields of a request for the object's mesh. Raises Refusal."""
    settings = ob.meshsdf
    given = {"resolution": resolution, "cap": settings.cap, "newton": settings.newton}
    return {**source(ob), **given}


def write(
    ob: bpy.types.Object,
    code: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    report: Mapping[str, Any],
) -> None:
    """Store a code with its mesh and what is known of it. Checks everything first. Refusal."""
    codes.check(code, "the worker's answer")
    _store(ob, code, vertices, faces, report)
    codes.write(ob, code)


def write_mesh(
    ob: bpy.types.Object, vertices: np.ndarray, faces: np.ndarray, report: Mapping[str, Any]
) -> None:
    """Store the mesh of the code that is there. Checks everything first. Refusal."""
    _store(ob, codes.read(ob), vertices, faces, report)


def _store(
    ob: bpy.types.Object,
    code: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    report: Mapping[str, Any],
) -> None:
    if not np.isfinite(vertices).all() or (
        len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices)
    ):
        raise Refusal("The worker sent a broken mesh", "Report this with Copy Details")
    mesh_upload.check_writable(ob)
    mesh_upload.upload(mesh_of(ob), vertices, faces)
    ob.meshsdf.draft = False
    mesh_of(ob).meshsdf_of = _meshed_as(ob, code)
    _note(ob.meshsdf, report)


def fall_behind(ob: bpy.types.Object) -> None:
    """Note that the mesh is not yet that of the code, or coarser than asked for.

    The trap: undo may bring the mesh of a step back and leave the object as it is now, or the other
    way round, where a timer wrote them after that step. So each of them says it.
    """
    ob.meshsdf.draft = True
    if mesh_of(ob).meshsdf_of != BEHIND:  # not with every move of a slider
        mesh_of(ob).meshsdf_of = BEHIND


def is_behind(ob: bpy.types.Object) -> bool:
    """Whether the mesh is not that of the code, or coarser than asked for. Raises Refusal."""
    of = mesh_of(ob).meshsdf_of
    if of == EDITED:
        return False
    return of != _meshed_as(ob, codes.read(ob)) if of else bool(ob.meshsdf.draft)


def _meshed_as(ob: bpy.types.Object, code: np.ndarray) -> str:
    """Code and settings of a mesh as a short text that changes with them."""
    settings = ob.meshsdf
    how = f"{settings.resolution} {settings.newton} {settings.cap}"
    exact = np.asarray(code, dtype="<f4").tobytes()
    return hashlib.blake2b(exact, digest_size=8, key=how.encode()).hexdigest()


def forget(ob: bpy.types.Object) -> None:
    """Make a shape a plain object, with its mesh as it is."""
    codes.drop(ob)
    for name in (*_stored(ob.meshsdf), "before", "blend", "handles"):
        ob.meshsdf.property_unset(name)


def topology(report: Mapping[str, Any]) -> str:
    """Parts and holes in words: "1 part, 2 holes"."""
    parts, genus = report.get("components"), report.get("genus")
    if parts is None:
        return ""
    words = counted(int(parts), "part")
    return words + (", open" if genus is None else f", {counted(int(genus), 'hole')}")


def readout(ob: bpy.types.Object, scene: bpy.types.Scene) -> list[str]:
    """What is known of a shape's mesh, in lines for the panel; the volume is the world's."""
    told = ob.meshsdf
    genus = None if told.genus < 0 else told.genus
    lines = [
        f"{told.vertices:,} vertices, {told.faces:,} triangles",
        topology({"components": told.components, "genus": genus}),
    ]
    if told.watertight:
        each, unit = VOLUMES[scene.unit_settings.system]
        scale = abs(ob.matrix_world.determinant()) * scene.unit_settings.scale_length**3
        lines.append(f"Volume {told.volume * scale * each:.4g} {unit}".rstrip())
    return lines


def _note(settings: bpy.types.PropertyGroup, report: Mapping[str, Any]) -> None:
    settings.vertices = int(report.get("vertices") or 0)
    settings.faces = int(report.get("faces") or 0)
    settings.message = str(report.get("message") or "")
    if "components" not in report:
        return  # coarse, while a slider is dragged: what was known of the last whole one stays
    genus = report.get("genus")
    settings.components = int(report.get("components") or 0)
    settings.genus = -1 if genus is None else int(genus)
    settings.watertight = bool(report.get("watertight"))
    settings.volume = float(report.get("volume") or 0.0)


def _stored(settings: bpy.types.PropertyGroup) -> list[str]:
    """Its properties that hold something: the sliders only show what the code holds."""
    properties = settings.bl_rna.properties
    return [p.identifier for p in properties if not p.is_readonly and not p.is_skip_save]
