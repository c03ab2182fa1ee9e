"""Buttons of the fix-it panel for what has moved on the machine, and for putting a message away."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import door
from ..compat import RELATIVE_PATH
from ..errors import Refusal
from ..identity import preferences
from ..spaces import catalogue, space_uses
from ..spaces.space_uses import SpaceUse
from ..trust import mend_shape, presence, told
from ..wording import counted
from .guarded import Guarded, NeedsNoFit


class MESHSDF_OT_fix_space(NeedsNoFit, bpy.types.Operator, ImportHelper):
    bl_idname = "meshsdf.fix_space"
    bl_label = "Find Space"
    bl_description = "Choose where a shape space is now; all shapes of this file that use it follow"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="File",
        description="A .safetensors file, a DeepSDF folder, or builtin:NAME",
        subtype="FILE_PATH",
        options=RELATIVE_PATH,
    )
    filter_glob: StringProperty(default="*.safetensors;*.json;*.pth", options={"HIDDEN"})
    lost: StringProperty(
        name="Lost Space",
        description="Where the space was, as shapes name it; empty: the active shape's",
        options={"HIDDEN"},
    )

    def perform(self, context: bpy.types.Context) -> None:
        if not self.filepath:
            raise Refusal("No file is chosen", "Choose where the space is now")
        lost = self.lost or next((use.space for use in _uses(context.active_object)), "")
        if not lost:
            raise Refusal("No lost space is named", "Name it, or select a shape of it")
        count = mend_shape.relocate(lost, self.filepath)
        presence.forget()
        self.report({"INFO"}, f"The space is found again, for {counted(count, 'shape')}")


def _uses(ob: bpy.types.Object | None) -> Iterator[SpaceUse]:
    return space_uses.of_object(ob) if ob is not None else iter(())


class MESHSDF_OT_fix_python(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.fix_python"
    bl_label = "Find Another Python"
    bl_description = "Forget the Python set in the preferences, and use the first one that is found"

    def perform(self, context: bpy.types.Context) -> None:
        settings = preferences(context)
        if settings is not None:
            settings.interpreter = ""
        catalogue.forget()
        door.look(anew=True)
        door.ready_worker()
        self.report({"INFO"}, f"The worker is ready: {door.status.text}")


class MESHSDF_OT_dismiss(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.dismiss"
    bl_label = "Dismiss"
    bl_description = "Put the last message away; it comes again if the same goes wrong"

    def perform(self, context: bpy.types.Context) -> None:
        told.forget()


classes = (MESHSDF_OT_fix_space, MESHSDF_OT_fix_python, MESHSDF_OT_dismiss)
register, unregister = bpy.utils.register_classes_factory(classes)
