"""Buttons of the fix-it panel for what a fit needs: a camera, and something to fit to."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import blend_path
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..trust import mend_view
from ..views.camera import check_camera
from .fix_shape import MendsShape

IMAGE_FILES = "*.png;*.jpg;*.jpeg;*.tif;*.tiff;*.exr;*.bmp;*.webp;*.tga;*.hdr"


class MESHSDF_OT_fix_camera(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_camera"
    bl_label = "Mend the Camera"
    bl_description = "Give the scene an active camera of a kind that shapes can be fitted with"
    bl_options = {"REGISTER", "UNDO"}

    how: EnumProperty(
        name="How",
        description="What to do about the camera",
        items=(
            ("ADD", "Add", "Add one that sees the whole shape from the front, and make it active"),
            ("USE", "Use", "Make a camera of the scene the active one"),
            ("LENS", "Lens", "Give the active camera a perspective lens"),
            ("REGION", "Whole Frame", "Render the whole frame instead of a region of it"),
            ("STEREO", "One Eye", "Turn off Stereoscopy"),
        ),
    )
    camera: StringProperty(name="Camera", description="The camera to use, by its name")

    def perform(self, context: bpy.types.Context) -> None:
        scene = context.scene
        if self.how == "ADD":
            mend_view.add_camera(context, context.active_object)
        elif self.how == "USE":
            mend_view.use_camera(scene, self.camera)
        elif self.how == "LENS" and scene.camera is not None:
            scene.camera.data.type = "PERSP"
        elif self.how == "REGION":
            scene.render.use_border = False
        elif self.how == "STEREO":
            scene.render.use_multiview = False


class MESHSDF_OT_fix_background(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_background"
    bl_label = "Show the Background Image"
    bl_description = "Turn on the background images of the active camera, and the first of them"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        mend_view.show_background(check_camera(context.scene))


class MESHSDF_OT_fix_image(MendsShape, bpy.types.Operator, ImportHelper):
    bl_idname = "meshsdf.fix_image"
    bl_label = "Open Target Image"
    bl_description = "Choose an image file to fit to, or where the file of an image is now"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="File", description="An image file", subtype="FILE_PATH", options=RELATIVE_PATH
    )
    filter_glob: StringProperty(default=IMAGE_FILES, options={"HIDDEN"})
    use: EnumProperty(
        name="Use",
        description="What the image is for",
        items=(
            ("TARGET", "Target", "Fit to it, filling the camera's frame"),
            ("BACKGROUND", "Background", "Show it behind what the active camera sees"),
            ("FIND", "Find", "Read the image of this file that has lost its own from here"),
        ),
        options={"HIDDEN"},
    )
    image: StringProperty(
        name="Image", description="Which image has lost its file", options={"HIDDEN"}
    )

    def perform(self, context: bpy.types.Context) -> None:
        if not self.filepath:
            raise Refusal("No file is chosen", "Choose an image file")
        blend_path.check(self.filepath)
        if self.use == "FIND":
            mend_view.find_image(self.image, self.filepath)
            return
        if self.use == "BACKGROUND":
            camera = check_camera(context.scene)
            mend_view.put_behind(camera, mend_view.read_image(self.filepath))
            return
        context.scene.meshsdf.image = mend_view.read_image(self.filepath)


class MESHSDF_OT_fix_target(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_target"
    bl_label = "Choose Target"
    bl_description = "Fit to what else is selected, or to the only thing that can be fitted to"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        self.report({"INFO"}, f"Fits follow '{mend_view.choose_target(context)}'")


class MESHSDF_OT_fix_proportions(MendsShape, bpy.types.Operator):
    bl_idname = "meshsdf.fix_proportions"
    bl_label = "Use the Image's Proportions"
    bl_description = "Set the render's resolution to the size of the image, which fills the frame"
    bl_options = {"REGISTER", "UNDO"}

    image: StringProperty(name="Image", description="The image that fills the frame")

    def perform(self, context: bpy.types.Context) -> None:
        image: bpy.types.Image = bpy.data.images.get(self.image)
        if image is None or not image.size[0]:
            raise Refusal(f"There is no image '{self.image}'", "Open one")
        mend_view.take_proportions(context.scene, image)


classes = (
    MESHSDF_OT_fix_camera,
    MESHSDF_OT_fix_background,
    MESHSDF_OT_fix_image,
    MESHSDF_OT_fix_target,
    MESHSDF_OT_fix_proportions,
)
register, unregister = bpy.utils.register_classes_factory(classes)
