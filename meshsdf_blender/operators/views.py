"""The list of views: adding, removing, moving, looking through, and drawing an outline."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty

from ..errors import Refusal
from ..views import outline_tool, view_list
from ..views.aims import aim_of
from ..views.camera import check_camera, no_camera, other_cameras
from .directions import DIRECTIONS
from .guarded import NeedsNoFit
from .needs import Need


class NeedsView(NeedsNoFit):
    """An operator on the chosen view."""

    needs = (Need("a view in the list", lambda context: view_list.chosen_view(context.scene)),)


class MESHSDF_OT_view_add(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.view_add"
    bl_label = "Add View"
    bl_description = (
        "Put the active camera and the target that is set into the list; a fit then uses all views "
        "that are on"
    )
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(
        name="Name", description="What to call it; empty: as its camera", options={"SKIP_SAVE"}
    )
    camera: StringProperty(
        name="Camera",
        description="The camera object's name; empty: the active one",
        options={"SKIP_SAVE"},
    )

    def perform(self, context: bpy.types.Context) -> None:
        camera: bpy.types.Object | None = context.scene.objects.get(self.camera)
        if self.camera and (camera is None or camera.type != "CAMERA"):
            raise no_camera(context.scene, self.camera)
        view_list.add(context.scene, self.name, camera)


class MESHSDF_OT_view_remove(NeedsView, bpy.types.Operator):
    bl_idname = "meshsdf.view_remove"
    bl_label = "Remove View"
    bl_description = "Take the chosen view out of the list; camera and target stay in the file"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        view_list.remove(context.scene)


class MESHSDF_OT_view_duplicate(NeedsView, bpy.types.Operator):
    bl_idname = "meshsdf.view_duplicate"
    bl_label = "Duplicate View"
    bl_description = "Add a copy of the chosen view, to change its camera or its target"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        view_list.duplicate(context.scene)


class MESHSDF_OT_view_move(NeedsView, bpy.types.Operator):
    bl_idname = "meshsdf.view_move"
    bl_label = "Move View"
    bl_description = "Move the chosen view in the list; the order changes nothing else"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(name="Direction", description="Where to", items=DIRECTIONS)

    def perform(self, context: bpy.types.Context) -> None:
        view_list.move(context.scene, -1 if self.direction == "UP" else 1)


def _has_camera(context: bpy.types.Context) -> None:
    view = view_list.chosen_view(context.scene)
    fixes = other_cameras(context.scene)
    if view.camera is None:
        raise Refusal(f"View '{view.name}' has no camera", "Pick one below the list", fixes=fixes)
    if context.scene.objects.get(view.camera.name) != view.camera:
        raise Refusal(
            f"Camera '{view.camera.name}' is not in this scene", "Pick another camera", fixes=fixes
        )


class MESHSDF_OT_view_look(NeedsView, bpy.types.Operator):
    bl_idname = "meshsdf.view_look"
    bl_label = "Look Through"
    bl_description = "Make the chosen view's camera the active one, and look through it"
    bl_options = {"REGISTER", "UNDO"}

    asks = (Need("a camera of this scene in that view", _has_camera),)

    def perform(self, context: bpy.types.Context) -> None:
        view_list.look_through(context, view_list.chosen_view(context.scene).camera)


def _sees(context: bpy.types.Context) -> None:
    check_camera(context.scene, aim_of(context.scene, -1).camera)


class MESHSDF_OT_outline_draw(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.outline_draw"
    bl_label = "Draw Outline"
    bl_description = (
        "Look through the camera with the tool Annotate, to draw the outline to fit to into a "
        "layer of its own"
    )
    bl_options = {"REGISTER", "UNDO"}

    asks = (Need("a camera", _sees),)

    def perform(self, context: bpy.types.Context) -> None:
        layer = outline_tool.prepare(context)
        self.report({"INFO"}, f"Draw around the shape; what you draw goes into layer '{layer}'")


classes = (
    MESHSDF_OT_view_add,
    MESHSDF_OT_view_remove,
    MESHSDF_OT_view_duplicate,
    MESHSDF_OT_view_move,
    MESHSDF_OT_view_look,
    MESHSDF_OT_outline_draw,
)
register, unregister = bpy.utils.register_classes_factory(classes)
