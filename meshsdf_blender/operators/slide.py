"""Sliders as operators: set one by its name, put them back, draw new ones."""

from __future__ import annotations

from types import MappingProxyType

import bpy
from bpy.props import BoolVectorProperty, FloatProperty, IntProperty, StringProperty

from ..shapes import random_shape, shape, slide
from ..spaces import catalogue
from ..spaces.sliders import FARTHEST, MOST, Sliders
from .guarded import NeedsShape, Unset


def _sliders(ob: bpy.types.Object) -> Sliders:
    settings = ob.meshsdf
    return catalogue.info(settings.space, settings.up, ob.library).sliders


def _names(operator: object, context: bpy.types.Context, edit: str) -> list[str]:
    ob = context.active_object
    if not shape.is_shape(ob):
        return []
    known = slide.of(ob)
    return [slider.name for slider in known.named] if known else []


class OneSlider:
    """An operator on a slider of the active shape."""

    slider: StringProperty(
        name="Slider", description="Its name, or its number from 1 on", search=_names
    )


class MESHSDF_OT_slide(OneSlider, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.slide"
    bl_label = "Set Slider"
    bl_description = "Move the active shape along one direction of its space"
    bl_options = {"REGISTER", "UNDO"}

    value: FloatProperty(
        name="Value",
        description="How far, in deviations of the known shapes",
        soft_min=-2.0,
        soft_max=2.0,
        min=-FARTHEST,
        max=FARTHEST,
    )

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        known = _sliders(ob)
        code = known.moved(shape.checked_code(ob), known.number(self.slider), self.value)
        shape.extract(ob, code)


class MESHSDF_OT_slider_reset(OneSlider, NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.slider_reset"
    bl_label = "Reset Slider"
    bl_description = "Put one slider back to zero, or all of them where none is named"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        known = _sliders(ob)
        numbers = [known.number(self.slider)] if self.slider else range(len(known.named))
        code = known.set(shape.checked_code(ob), dict.fromkeys(numbers, 0.0))
        shape.extract(ob, code)


class MESHSDF_OT_randomise(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.randomise"
    bl_label = "Randomise"
    bl_description = "Draw new values for the sliders that are not locked"
    bl_options = {"REGISTER", "UNDO"}

    unset = MappingProxyType(
        {
            "locks": Unset(
                "the shape's own", lambda operator, context: context.active_object.meshsdf.locks
            )
        }
    )

    seed: IntProperty(
        name="Seed",
        description="The same seed draws the same shape; the button takes a new one each time",
        min=0,
        options={"SKIP_SAVE"},
    )
    strength: FloatProperty(
        name="Strength",
        description="How far from the mean shape, in deviations of the known shapes",
        default=1.0,
        min=0.0,
        soft_max=1.5,
        max=3.0,
    )
    locks: BoolVectorProperty(
        name="Locks",
        description="Sliders to leave alone; the shape's own locks where none are given",
        size=MOST,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.seed = random_shape.new_seed()
        self.locks = context.active_object.meshsdf.locks
        return self.execute(context)

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        self.locks = self.given("locks", context)
        code = shape.checked_code(ob)
        shape.extract(
            ob,
            random_shape.drawn(
                _sliders(ob), code, seed=self.seed, strength=self.strength, locks=self.locks
            ),
        )


class MESHSDF_OT_slider_show(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.slider_show"
    bl_label = "Show Sliders"
    bl_description = "Start the worker and read what the shape's space knows"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        _sliders(context.active_object)


classes = (
    MESHSDF_OT_slider_show,
    MESHSDF_OT_slide,
    MESHSDF_OT_slider_reset,
    MESHSDF_OT_randomise,
)
register, unregister = bpy.utils.register_classes_factory(classes)
