"""What the training panel stores: on the scene, and (not saved) how far a training is."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..compat import RELATIVE_PATH

SOURCES = (
    ("SELECTED", "Selected Objects", "Each selected object is one shape"),
    (
        "COLLECTION",
        "Collection",
        "Each object in a collection is one shape; a child collection is one of all its meshes",
    ),
    ("FOLDER", "Folder", "Each OBJ, PLY, STL or GLB file in a folder is one shape"),
)
PRESETS = (
    ("DRAFT", "Draft", "See soon whether the shapes fit together; details are soft"),
    ("BALANCED", "Balanced", "Good shapes in reasonable time"),
    ("FINE", "Fine", "Closest to the meshes; takes several times as long"),
)
UPS = (
    ("Z", "Z Up", "The files stand along Z, as Blender's do"),
    ("Y", "Y Up", "The files stand along Y; GLB files say so themselves"),
)
PLACEMENTS = (
    (
        "MATCH",
        "Match Size and Place",
        "Scale and move the source so that its box fits the mean shape's; its rotation stays",
    ),
    (
        "KEEP",
        "As It Stands",
        "Take the source as it is: its origin is the space's, with its rotation and scale applied",
    ),
)
LARGEST_SEED = 2**31 - 1


class Training:
    """What to train on and how: of the operator, and of the scene, which keeps it for the panel."""

    source: EnumProperty(name="Train On", description="Where the shapes are", items=SOURCES)
    folder: StringProperty(
        name="Folder",
        description="A folder of mesh files, one for each shape",
        subtype="DIR_PATH",
        options=RELATIVE_PATH,
    )
    up: EnumProperty(name="Up Axis", description="The files' axis that points up", items=UPS)
    name: StringProperty(
        name="Name", description="What the space will be called; empty: as its source"
    )
    preset: EnumProperty(
        name="Quality",
        description="How long to train, and how large a decoder",
        items=PRESETS,
        default="BALANCED",
    )
    centre: BoolProperty(
        name="Centre Each",
        description="Move the middle of each shape's box to one point; turn off where the shapes "
        "already stand where they belong",
        default=True,
    )
    normalise: BoolProperty(
        name="Same Size",
        description="Scale each shape to the same size, so that the space does not learn sizes",
    )
    fill_voids: BoolProperty(
        name="Fill Voids",
        description="Fill the voids that no wide opening leads into, such as a head's mouth behind "
        "its lips; turn on where the shapes are to be solid",
    )
    plain: BoolProperty(
        name="Plain Decoder",
        description="Leave out what DeepSDF's own programs cannot load (the Fourier features): for "
        "spaces to be exported; fine detail is learnt a little less well",
    )
    thickness: FloatProperty(
        name="Thickness",
        description="How thick open surfaces become, half of it on each side; 0: as thin as can be "
        "learnt. Closed meshes stay as they are",
        subtype="DISTANCE",
        min=0.0,
    )
    output: StringProperty(
        name="Output Folder",
        description="Where the run's folder is made, which keeps the trained space; empty: in "
        "meshsdf_training beside the .blend file, or in MeshSDF in your home folder while the file "
        "was never saved",
        subtype="DIR_PATH",
        options=RELATIVE_PATH,
    )
    seed: IntProperty(
        name="Seed",
        description="The same meshes with the same seed give the same space",
        min=0,
        max=LARGEST_SEED,
    )


class TrainingSettings(Training, bpy.types.PropertyGroup):
    """``Scene.meshsdf_training``."""

    collection: PointerProperty(
        name="Collection", description="Holds the shapes", type=bpy.types.Collection
    )


class Encoding:
    """How a mesh is encoded: of the operator, and of the scene, which keeps it for the panel."""

    placement: EnumProperty(
        name="Placement", description="How the source lies in the space", items=PLACEMENTS
    )
    partial: BoolProperty(
        name="Partial",
        description="The source shows only a part of the surface, as a scan from one side does; "
        "the space completes it",
    )
    selected: BoolProperty(
        name="Selected Vertices Only",
        description="Use the selected vertices as a point cloud, without modifiers, and no faces",
    )


def is_part(settings: Encoding) -> bool:
    """Whether only a part of a shape is encoded: the part's box then is not the shape's."""
    return settings.partial or settings.selected


def _placement_used(settings: EncodingSettings) -> int:
    names = [name for name, *_ in PLACEMENTS]
    return names.index("KEEP" if is_part(settings) else settings.placement)


class EncodingSettings(Encoding, bpy.types.PropertyGroup):
    """``Scene.meshsdf_encoding``."""

    placement_used: EnumProperty(
        name="Placement",
        description="How the source will lie in the space; a part is always taken as it stands",
        items=PLACEMENTS,
        get=_placement_used,
    )


class TrainingProgress(bpy.types.PropertyGroup):
    """``WindowManager.meshsdf_training``: how the training is doing, as the panel shows it.

    Whether one runs, ``training_run`` knows; Blender saves the window manager too.
    """

    factor: FloatProperty(
        name="Progress", description="Share of the stage that is done", min=0.0, max=1.0
    )
    text: StringProperty(name="State", description="Stage and time left")
    detail: StringProperty(name="Detail", description="Loss, and what is done just now")
    preview: StringProperty(name="Preview", description="The shape that the preview shows")


classes = (TrainingSettings, EncodingSettings, TrainingProgress)
OWNERS = (
    (bpy.types.Scene, "meshsdf_training", TrainingSettings),
    (bpy.types.Scene, "meshsdf_encoding", EncodingSettings),
    (bpy.types.WindowManager, "meshsdf_training", TrainingProgress),
)


def register() -> None:
    for cls in classes:
        bpy.utils.register_class(cls)
    for owner, name, settings in OWNERS:
        setattr(owner, name, PointerProperty(type=settings))


def unregister() -> None:
    for owner, name, _ in OWNERS:
        delattr(owner, name)
    for cls in reversed(classes):
        bpy.utils.unregister_class(cls)
