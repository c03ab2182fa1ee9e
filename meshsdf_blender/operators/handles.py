"""The handles of a shape: adding, choosing, removing."""

from __future__ import annotations

import bpy
from bpy.props import FloatVectorProperty, StringProperty
from mathutils import Vector

from .. import in_scripts
from ..errors import Refusal
from ..fitting import handle_place, handles
from ..redraw import tell_status
from ..shapes import shape
from . import needs as needed
from .guarded import NeedsShape, Unset
from .needs import Need

HINT = "Click on the shape where the handle is to be. Esc: none"
BESIDE = f"That is not on the shape. {HINT}"


def _at_cursor(operator: object, context: bpy.types.Context) -> Vector:
    return handle_place.nearest(context.active_object, context.scene.cursor.location)


class MESHSDF_OT_handle_add(NeedsShape, bpy.types.Operator):
    bl_idname = "meshsdf.handle_add"
    bl_label = "Add Handle"
    bl_description = (
        "Click on the shape to put an empty there; drag it to where the surface has to pass, and a "
        "fit draws the surface through it"
    )
    bl_options = {"REGISTER", "UNDO"}

    location: FloatVectorProperty(
        name="Location",
        description="Where it stands, in the world",
        subtype="TRANSLATION",
        options={"SKIP_SAVE"},
    )
    name: StringProperty(
        name="Name", description="What to call it; empty: Handle", options={"SKIP_SAVE"}
    )

    unset = {"location": Unset("the surface's nearest point to the 3D cursor", _at_cursor)}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        at = self.given("location", context)
        handles.add(context.scene, ob, at, self.name)
        handles.select(context, ob, len(ob.meshsdf.handles) - 1)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        area = context.area
        if bpy.app.background or area is None or area.type != "VIEW_3D":
            return self.execute(context)
        context.window_manager.modal_handler_add(self)
        context.window.cursor_modal_set("CROSSHAIR")
        tell_status(context.window_manager, HINT)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.value == "PRESS" and event.type in {"ESC", "RIGHTMOUSE"}:
            return self._over(context, {"CANCELLED"})
        if event.value != "PRESS" or event.type != "LEFTMOUSE":
            return {"PASS_THROUGH"}  # looking around
        if handle_place.view_at(context.window, event.mouse_x, event.mouse_y) is None:
            return {"PASS_THROUGH"}  # panels and buttons
        try:
            needed.check(type(self), context)  # much may have been done since the button
            at = handle_place.under_mouse(
                context.active_object, context.window, event.mouse_x, event.mouse_y
            )
        except Refusal as refusal:
            self.report({"ERROR"}, in_scripts.text(refusal))
            return self._over(context, {"CANCELLED"})
        if at is None:
            tell_status(context.window_manager, BESIDE)
            return {"RUNNING_MODAL"}
        self.location = at
        return self._over(context, self.execute(context))

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself, as when a file is opened."""
        self._over(context, {"CANCELLED"})

    def _over(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        context.window.cursor_modal_restore()
        tell_status(context.window_manager, None)
        return result


def _names(operator: object, context: bpy.types.Context, edit: str) -> list[str]:
    ob = context.active_object
    return [handle.name for handle in ob.meshsdf.handles] if shape.is_shape(ob) else []


def _has_handles(context: bpy.types.Context) -> None:
    handles.find(context.active_object, "")


class OneHandle(NeedsShape):
    """An operator on a handle of the active shape."""

    needs = (Need("a handle", _has_handles),)

    handle: StringProperty(
        name="Handle",
        description="Its name, or its number from 1 on; the chosen one where empty",
        search=_names,
        options={"SKIP_SAVE"},
    )

    def place(self, ob: bpy.types.Object) -> int:
        """Where the handle is in the list. Raises Refusal."""
        return handles.find(ob, self.handle.strip())


class MESHSDF_OT_handle_remove(OneHandle, bpy.types.Operator):
    bl_idname = "meshsdf.handle_remove"
    bl_label = "Remove Handle"
    bl_description = (
        "Take the handle out of the list, and delete the empty that was added with it; one that "
        "was picked stays"
    )
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        handles.remove(ob, self.place(ob))


class MESHSDF_OT_handle_select(OneHandle, bpy.types.Operator):
    bl_idname = "meshsdf.handle_select"
    bl_label = "Select Handle"
    bl_description = (
        "Select the handle's empty alone and keep the shape active: moving then drags the empty, "
        "and Fit stays at hand"
    )
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        ob = context.active_object
        handles.select(context, ob, self.place(ob))


classes = (MESHSDF_OT_handle_add, MESHSDF_OT_handle_remove, MESHSDF_OT_handle_select)
register, unregister = bpy.utils.register_classes_factory(classes)
