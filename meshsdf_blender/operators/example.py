"""Loading an example: a scene of its own in which the next click fits or reconstructs."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from ..errors import Refusal
from ..example import example_scene, picture_scene
from ..shapes import shape_new
from ..spaces import catalogue
from .guarded import InObjectMode, NeedsNoFit

EXAMPLES = (
    ("FIT", "Fit", "A vase to be fitted to the photo of another one"),
    ("PICTURE", "From a Picture", "The photo of a car, to be reconstructed"),
)


class MESHSDF_OT_example_load(InObjectMode, NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.example_load"
    bl_label = "Load Example"
    bl_description = (
        "Open a scene with a photo and a camera, in which a fit or a reconstruction is one click; "
        "your own scene stays in the file"
    )
    bl_options = {"REGISTER", "UNDO"}

    what: EnumProperty(
        name="Example",
        description="What is to be tried",
        items=EXAMPLES,
        options={"SKIP_SAVE"},
    )

    def perform(self, context: bpy.types.Context) -> None:
        if context.window is None:
            raise Refusal("There is no window to show the example in", "Call it in a window")
        if self.what == "PICTURE":
            context.window.scene = picture_scene.found() or picture_scene.build()
            _look_through_camera(context)
            self.report({"INFO"}, "Next: Reconstruct from Image, in the panel From a Picture")
            return
        there = example_scene.found()
        if there is not None:
            _go_to(context, there)
            self.report({"INFO"}, "The example is in this file already: press Fit")
            return
        info = catalogue.info(example_scene.SPACE, "FILE")
        before = context.window.scene
        scene = example_scene.build()
        context.window.scene = scene
        try:
            ob = shape_new.add(
                context, example_scene.SPACE, "FILE", info.mean, name=info.name, resolution=64
            )
        except Refusal:
            context.window.scene = before
            example_scene.remove(scene)
            raise
        example_scene.dress(ob)
        _look_through_camera(context)
        self.report({"INFO"}, "Press Fit: the vase takes the form of the one in the photo")


def _go_to(context: bpy.types.Context, ob: bpy.types.Object) -> None:
    """Show the example that is there, with its shape active."""
    context.window.scene = ob.users_scene[0]
    for each in context.view_layer.objects:
        each.select_set(each == ob)
    context.view_layer.objects.active = ob
    _look_through_camera(context)


def _look_through_camera(context: bpy.types.Context) -> None:
    """Show the photo in the 3D view that the operator was called from."""
    view = getattr(context.space_data, "region_3d", None)
    if view is not None:
        view.view_perspective = "CAMERA"


classes = (MESHSDF_OT_example_load,)
register, unregister = bpy.utils.register_classes_factory(classes)
