"""Buttons of the fix-it panel for what a fit needs: a camera, and something to fit to."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import blend_path
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..trust import mend_view
from ..views.aims import Aim, aim_of
from ..views.camera import check_camera
from ..views.image_pixels import open_image
from .guarded import NeedsNoFit
from .needs import A_SHAPE

IMAGE_FILES = "*.png;*.jpg;*.jpeg;*.tif;*.tiff;*.exr;*.bmp;*.webp;*.tga;*.hdr"


class MendsCamera(NeedsNoFit):
    """A fix for what one view looks through, whether or not a shape is there."""

    view: IntProperty(
        name="View",
        description="Which view to mend, by its place in the list; -1 is the chosen one, or the "
        "scene's own target where there are no views",
        default=-1,
        min=-1,
        options={"SKIP_SAVE"},
    )

    def aim(self, context: bpy.types.Context) -> Aim:
        """The camera and target that are to be mended. Raises Refusal."""
        return aim_of(context.scene, self.view)


class MendsView(MendsCamera):
    """A fix for what the fit of the active shape needs in one view."""

    needs = (A_SHAPE,)


class MESHSDF_OT_fix_camera(MendsCamera, bpy.types.Operator):
    bl_idname = "meshsdf.fix_camera"
    bl_label = "Mend the Camera"
    bl_description = "Give the scene, or a view, a camera of a kind that shapes can be fitted with"
    bl_options = {"REGISTER", "UNDO"}

    how: EnumProperty(
        name="How",
        description="What to do about the camera",
        items=(
            (
                "ADD",
                "Add",
                "Add one that sees the whole shape (the active one, or the first) from the front, "
                "or where one will stand, and look through it",
            ),
            ("USE", "Use", "Look through a camera of the scene"),
            ("LENS", "Lens", "Give the camera a perspective lens"),
            ("REGION", "Whole Frame", "Render the whole frame instead of a region of it"),
            ("STEREO", "One Eye", "Turn off Stereoscopy"),
        ),
    )
    camera: StringProperty(
        name="Camera",
        description="The camera to use, by name; empty: the only one, or for a view the scene's",
    )

    def perform(self, context: bpy.types.Context) -> None:
        scene, aim = context.scene, self.aim(context)
        if self.how == "ADD":
            mend_view.add_camera(context, aim)
        elif self.how == "USE":
            mend_view.use_camera(scene, aim, self.camera)
        elif self.how == "LENS" and aim.camera is not None:
            aim.camera.data.type = "PERSP"
        elif self.how == "REGION":
            scene.render.use_border = False
        elif self.how == "STEREO":
            scene.render.use_multiview = False


class MESHSDF_OT_fix_background(MendsView, bpy.types.Operator):
    bl_idname = "meshsdf.fix_background"
    bl_label = "Show the Background Image"
    bl_description = "Turn on the background images of the camera, and the first of them"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        mend_view.show_background(check_camera(context.scene, self.aim(context).camera))


class MESHSDF_OT_fix_image(MendsView, bpy.types.Operator, ImportHelper):
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
            ("BACKGROUND", "Background", "Show it behind what the camera sees"),
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
            camera = check_camera(context.scene, self.aim(context).camera)
            mend_view.put_behind(camera, open_image(self.filepath))
            return
        settings = self.aim(context).settings
        settings.image = open_image(self.filepath)


class MESHSDF_OT_fix_target(MendsView, bpy.types.Operator):
    bl_idname = "meshsdf.fix_target"
    bl_label = "Choose Target"
    bl_description = "Fit to what else is selected, or to the only thing that can be fitted to"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        name = mend_view.choose_target(context, self.aim(context).settings)
        self.report({"INFO"}, f"Fits follow '{name}'")


class MESHSDF_OT_fix_proportions(MendsView, bpy.types.Operator):
    bl_idname = "meshsdf.fix_proportions"
    bl_label = "Use the Image's Proportions"
    bl_description = "Set the render's resolution to the size of the image, which fills the frame"
    bl_options = {"REGISTER", "UNDO"}

    image: StringProperty(
        name="Image", description="The image that fills the frame; empty: the target's"
    )

    def perform(self, context: bpy.types.Context) -> None:
        mend_view.take_proportions(context.scene, self.aim(context), self.image)


classes = (
    MESHSDF_OT_fix_camera,
    MESHSDF_OT_fix_background,
    MESHSDF_OT_fix_image,
    MESHSDF_OT_fix_target,
    MESHSDF_OT_fix_proportions,
)
register, unregister = bpy.utils.register_classes_factory(classes)
