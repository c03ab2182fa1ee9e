"""What is stored in Blender's data: on the object, the scene, and (not saved) the window manager.

The code itself is an ID property of the object: see ``codes.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import (
    BoolProperty,
    BoolVectorProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .after.after_properties import AfterSettings
from .blending import blend_properties
from .blending.blend_properties import BakeSettings, BlendSettings, ShapeBlend
from .fitting import fit_properties
from .shapes import slide
from .spaces import sliders, space_choice
from .spaces.packed import Packed
from .views.target_properties import FitView, Targeted

UP_AXES = (
    ("FILE", "As the File Says", "Use the up axis that the file states, or Z where it states none"),
    ("Y", "Y Up", "The space was trained on shapes that stand along Y, as most published ones do"),
    ("Z", "Z Up", "The space was trained on shapes that stand along Z, as Blender's do"),
)
# Blender takes the nearest of these for what lies beyond. The core goes up to 1024 cells: files and
# presets are to stay light enough for whoever opens them.
SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 4, 512


class LoadedSpace(bpy.types.PropertyGroup):
    """A space that was loaded from a file, offered in the menus of this .blend."""

    path: StringProperty(name="File", description="Where the space was loaded from")
    up: EnumProperty(name="Up Axis", description="The axis that points up", items=UP_AXES)


def _remesh(values: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    slide.remesh(_owner(values))


def _resolution(update: Callable[[bpy.types.bpy_struct, bpy.types.Context], None] | None) -> object:
    return IntProperty(
        name="Resolution",
        description=f"Cells along each side of the grid, {SMALLEST_RESOLUTION} to "
        f"{LARGEST_RESOLUTION}; twice as many take four times as long",
        default=64,
        min=SMALLEST_RESOLUTION,
        soft_min=16,
        soft_max=256,
        max=LARGEST_RESOLUTION,
        update=update,
    )


class Meshed:
    """How finely a shape is meshed: of the operators that add one."""

    resolution: _resolution(None)


def _owner(values: bpy.types.bpy_struct) -> bpy.types.Object:
    """The object that holds the values."""
    return values.id_data  # type: ignore[return-value]


def _slider(number: int) -> object:
    """One slider's value, which is read off the code and written into it."""
    return FloatProperty(
        name=f"Slider {number + 1}",
        description="How far along this direction, in deviations of the known shapes",
        soft_min=-2.0,
        soft_max=2.0,
        min=-sliders.FARTHEST,
        max=sliders.FARTHEST,
        precision=2,
        step=5,
        get=lambda values: slide.value(_owner(values), number),
        set=lambda values, value: slide.drag(_owner(values), number, value),
        options={"SKIP_SAVE"},
    )


class ObjectSettings(bpy.types.PropertyGroup):
    """``Object.meshsdf``: which space a shape lives in, how it is meshed, and what is known of it.

    An object is a shape of ours where ``space`` is not empty.
    """

    resolution: _resolution(_remesh)

    space: StringProperty(
        name="Space",
        description="Where the shape's decoder is: builtin:NAME, or a file that may start with //",
    )
    up: EnumProperty(name="Up Axis", description="The space's axis that points up", items=UP_AXES)
    cap: BoolProperty(
        name="Close at the Wall",
        description="Close the surface where it leaves the space's cube, instead of leaving a hole",
        update=_remesh,
    )
    newton: IntProperty(
        name="Projection Steps",
        description="Move each vertex onto the exact surface with this many Newton steps",
        min=0,
        max=3,
        update=_remesh,
    )
    locks: BoolVectorProperty(
        name="Locks", description="Sliders that Randomise leaves alone", size=sliders.MOST
    )
    packed: PointerProperty(name="Packed", description="What brings its space along", type=Packed)
    draft: BoolProperty(
        name="Draft", description="Whether the mesh is coarser than asked for, for now"
    )
    after: PointerProperty(
        name="After", description="What is kept beyond the shape", type=AfterSettings
    )
    blend: PointerProperty(
        name="Blend", description="Stored codes, and the blend of them", type=ShapeBlend
    )
    handles: CollectionProperty(
        name="Handles",
        description="Where the surface has to pass",
        type=fit_properties.ShapeHandle,
    )
    handle_index: IntProperty(
        name="Active Handle", description="The handle shown below the list", min=0
    )
    # What the worker said of the mesh.
    vertices: IntProperty(name="Vertices", description="Vertices of the last extraction")
    faces: IntProperty(name="Faces", description="Triangles of the last extraction")
    components: IntProperty(name="Parts", description="Connected parts of the last extraction")
    genus: IntProperty(name="Holes", description="Handles of the surface (1 for a ring); -1: open")
    watertight: BoolProperty(name="Watertight", description="Whether the surface is closed")
    volume: FloatProperty(name="Volume", description="Enclosed volume in local units")
    message: StringProperty(name="Message", description="What the last extraction warned of")
    # What the last fit said, or the reconstruction that made the mesh.
    fit_start: FloatProperty(name="IoU Before", description="Overlap with the target at the start")
    fit_iou: FloatProperty(
        name="IoU",
        description="Overlap with the target, 1 at best; -1: not fitted, nor reconstructed",
        default=-1.0,
    )
    fit_steps: IntProperty(
        name="Steps", description="Steps that the last fit or reconstruction took"
    )
    fit_reason: StringProperty(name="Ended", description="Why the last fit ended")
    fit_topology: StringProperty(name="Topology", description="How parts and holes changed")
    fit_off_start: FloatProperty(
        name="Off Before", description="Distance to the handles at the start", default=-1.0
    )
    fit_off: FloatProperty(
        name="Off",
        description="How far the surface is from the handle that it misses most; -1: no handles",
        default=-1.0,
    )
    fit_alone: BoolProperty(
        name="Handles Alone", description="Whether the last fit had handles and no target"
    )
    before: PointerProperty(
        name="Before", description="The shape before its fit", type=fit_properties.ShapeBefore
    )


# slider_1 to slider_12, as text like all annotations here: 4.2 crashes at exit over callbacks of a
# property that an annotation itself holds.
for _number in range(sliders.MOST):
    ObjectSettings.__annotations__[f"slider_{_number + 1}"] = f"_slider({_number})"


class SceneSettings(Targeted, bpy.types.PropertyGroup):
    """``Scene.meshsdf``: what to add next, what to blend, and how to fit."""

    space: StringProperty(
        name="Space", description="The space that new shapes come from", default=""
    )
    space_up: EnumProperty(name="Up Axis", description="Its axis that points up", items=UP_AXES)
    loaded: CollectionProperty(
        name="Loaded Spaces", description="Spaces from files, offered again", type=LoadedSpace
    )

    choice: PointerProperty(
        name="Choice", description="The space picker", type=space_choice.SpaceChoice
    )
    changed_only: BoolProperty(
        name="Changed Only", description="Show only the sliders that are not at zero"
    )
    all_sliders: BoolProperty(
        name="All Sliders", description="Show the sliders that do the least too"
    )
    blend: PointerProperty(name="Blend", description="What to blend", type=BlendSettings)
    bake: PointerProperty(name="Bake", description="Which frames to bake", type=BakeSettings)

    views: CollectionProperty(
        name="Views", description="Cameras and what each should see", type=FitView
    )
    view_index: IntProperty(name="Active View", description="The view shown below the list", min=0)

    steps: IntProperty(
        name="Steps", description="Stop after this many", default=60, min=1, soft_max=300, max=10000
    )
    solver: EnumProperty(
        name="Solver",
        description="How a step is found",
        items=(
            ("SECOND_ORDER", "Second Order", "A few large steps, each for everything at once"),
            ("ADAM", "Adam", "Many small steps along the gradient"),
        ),
    )
    rate: FloatProperty(
        name="Rate",
        description="How far a step of Adam may go, in standard deviations of the known codes",
        default=0.1,
        min=1e-4,
        soft_max=0.5,
        max=10.0,
        precision=3,
    )
    prior: FloatProperty(
        name="Stay Plausible",
        description="How strongly to hold on to what the space was trained on",
        default=1e-3,
        min=0.0,
        soft_max=0.1,
        max=100.0,
        precision=4,
    )
    resolution: IntProperty(
        name="Resolution",
        description=f"Cells along each side while fitting, {SMALLEST_RESOLUTION} to "
        f"{LARGEST_RESOLUTION}; the result gets the shape's own",
        default=64,
        min=SMALLEST_RESOLUTION,
        soft_min=16,
        soft_max=128,
        max=LARGEST_RESOLUTION,
    )
    pixels: IntProperty(
        name="Pixels",
        description="The longer side of the silhouettes that are compared",
        default=256,
        min=32,
        soft_max=512,
        max=2048,
        subtype="PIXEL",
    )
    fit_code: BoolProperty(
        name="Shape", description="Let the fit change the latent code", default=True
    )
    move: BoolProperty(name="Location", description="Let the fit move the object")
    turn: BoolProperty(name="Rotation", description="Let the fit rotate the object")
    scale: BoolProperty(name="Scale", description="Let the fit scale the object, evenly")
    overlay: PointerProperty(
        name="Overlay", description="What is drawn of it", type=fit_properties.OverlaySettings
    )


class Progress(bpy.types.PropertyGroup):
    """``WindowManager.meshsdf``: how the fit is doing; whether one runs, ``fit_run`` knows.

    Blender saves the window manager too, so nothing here may matter after loading.
    """

    step: IntProperty(name="Step", description="The step that is shown")
    steps: IntProperty(name="Steps", description="How many steps there will be")
    iou: FloatProperty(name="IoU", description="Overlap of the shape that is shown")
    best_iou: FloatProperty(name="Best IoU", description="The best overlap so far")
    alone: BoolProperty(name="Handles Alone", description="Whether there is no overlap to tell")
    text: StringProperty(name="State", description="What is going on")
    topology: StringProperty(name="Topology", description="Parts and holes of the shape shown")


classes = (
    *fit_properties.classes,
    *blend_properties.classes,
    LoadedSpace,
    AfterSettings,
    Packed,
    space_choice.SpaceChoice,
    ObjectSettings,
    FitView,
    SceneSettings,
    Progress,
)
OWNERS = (
    (bpy.types.Object, ObjectSettings),
    (bpy.types.Scene, SceneSettings),
    (bpy.types.WindowManager, Progress),
)


def register() -> None:
    for cls in classes:
        bpy.utils.register_class(cls)
    for owner, settings in OWNERS:
        owner.meshsdf = PointerProperty(type=settings)
    bpy.types.Mesh.meshsdf_of = StringProperty(
        name="Mesh Of", description="Of which code and settings it is the mesh, as a digest"
    )


def unregister() -> None:
    del bpy.types.Mesh.meshsdf_of
    for owner, _ in OWNERS:
        del owner.meshsdf
    for cls in reversed(classes):
        bpy.utils.unregister_class(cls)
