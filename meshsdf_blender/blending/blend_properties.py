"""What is stored of blends: a shape's list of codes and its blend, and settings of the scene."""

from __future__ import annotations

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import blended, ends, held, stored

PATHS = (
    ("LINEAR", "Linear", "Go straight from one code to the other"),
    ("SPHERICAL", "Spherical", "Go along an arc, which keeps the length of the code"),
    ("SMOOTH", "Smooth", "Go straight, but the factor starts and arrives gently"),
)
MODES = (
    ("NONE", "Sliders", "Leave the shape to its sliders, fits and keyframes of its code"),
    ("TWO", "Between Two", "Let the factor lead the shape from one code to another"),
    ("WEIGHTS", "Weighted", "Make the shape the weighted mean of its stored codes"),
)
END = "The name of a stored code, a known shape of the space, Mean, or another shape object"


def _owner(values: bpy.types.bpy_struct) -> bpy.types.Object:
    """The object that holds the values."""
    return values.id_data  # type: ignore[return-value]


def _changed(values: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    blended.changed(_owner(values))


def _renamed(entry: StoredCode, context: bpy.types.Context) -> None:
    """Names stay unique, and what is blended from or to goes on to mean the same code."""
    if entry.name == entry.known_as:
        return
    blend = _owner(entry).meshsdf.blend
    taken = [other.known_as for other in blend.codes if other.known_as != entry.known_as]
    wanted = entry.name.strip()
    before = entry.known_as
    if not wanted or wanted in taken:
        wanted = stored.numbered(taken, wanted or stored.FIRST_NAME)
    entry.known_as = wanted
    if entry.name != wanted:
        entry.name = wanted
    for which in held.ENDS:
        named = getattr(blend, f"{which}_name") == before
        if before and named and not held.is_object(blend.id_data, which):
            setattr(blend, which, wanted)


def name_choices(values: Blend, context: bpy.types.Context, edit: str) -> list[str]:
    """Names that may be typed where a blend starts or ends."""
    ob = context.active_object
    return ends.choices(ob, context) if ob is not None else []


def _end(label: str, which: str) -> object:
    """An end of a shape's blend, by name; an object's stays right when that is renamed."""
    return StringProperty(
        name=label,
        description=END,
        search=name_choices,
        get=lambda values: held.name(_owner(values), which),
        set=lambda values, text: held.set_name(_owner(values), which, text),
        update=_changed,
    )


class StoredCode(bpy.types.PropertyGroup):
    """One entry of ``Object.meshsdf.blend.codes``: what ``stored`` writes and reads."""

    name: StringProperty(
        name="Name", description="What this code is called in lists and blends", update=_renamed
    )
    weight: FloatProperty(
        name="Weight",
        description="How much of this code is in the shape, beside the other weights",
        min=0.0,
        soft_max=1.0,
        max=100.0,
        update=_changed,
    )
    known_as: StringProperty(options={"HIDDEN"})
    code: StringProperty(options={"HIDDEN"})
    picture: StringProperty(options={"HIDDEN"})
    space: StringProperty(options={"HIDDEN"})
    mark: StringProperty(options={"HIDDEN"})


class Blend:
    """What to blend: of the operator, and of the scene, whose settings scripts may keep there."""

    first: StringProperty(name="From", description=END, search=name_choices)
    second: StringProperty(name="To", description=END, search=name_choices)
    factor: FloatProperty(
        name="Factor",
        description="How far to go from the first to the second",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    method: EnumProperty(
        name="Path", description="How to go from one code to the other", items=PATHS
    )


class BlendSettings(Blend, bpy.types.PropertyGroup):
    """``Scene.meshsdf.blend``."""


class ShapeBlend(bpy.types.PropertyGroup):
    """``Object.meshsdf.blend``: the list of codes, and what the shape is made of them."""

    codes: CollectionProperty(
        name="Codes", description="Codes that are kept on this shape", type=StoredCode
    )
    active: IntProperty(name="Selected Code", description="The code that buttons act on", min=0)
    mode: EnumProperty(
        name="Shape Follows",
        description="What decides the shape; moving a slider, a fit or Apply goes back to sliders",
        items=MODES,
        options=set(),
        update=_changed,
    )
    first: _end("From", "first")
    second: _end("To", "second")
    first_name: StringProperty(options={"HIDDEN"})
    second_name: StringProperty(options={"HIDDEN"})
    first_object: PointerProperty(type=bpy.types.Object, options={"HIDDEN"})
    second_object: PointerProperty(type=bpy.types.Object, options={"HIDDEN"})
    first_is_object: BoolProperty(options={"HIDDEN"})
    second_is_object: BoolProperty(options={"HIDDEN"})
    factor: FloatProperty(
        name="Factor",
        description="How far the shape is on the way from the first to the second",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_changed,
    )
    method: EnumProperty(
        name="Path",
        description="How to go from one code to the other",
        items=PATHS,
        options=set(),
        update=_changed,
    )


class Baked:
    """Which frames to bake: of the operator, and of the scene, which keeps them for the panel."""

    start: IntProperty(name="Start", description="The first frame to bake", default=1)
    end: IntProperty(name="End", description="The last frame to bake", default=250)
    step: IntProperty(
        name="Step",
        description="Bake every so many frames; each mesh stays until the next one",
        default=1,
        min=1,
        soft_max=10,
    )


class BakeSettings(Baked, bpy.types.PropertyGroup):
    """``Scene.meshsdf.bake``."""

    own_range: BoolProperty(
        name="Own Range", description="Bake these frames instead of all frames of the scene"
    )


classes = (StoredCode, BlendSettings, ShapeBlend, BakeSettings)
