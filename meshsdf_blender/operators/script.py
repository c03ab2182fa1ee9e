"""The script of a shape, on the clipboard or in the file."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from .. import clipboard
from ..after import script
from .regular import NeedsMesh


class MESHSDF_OT_copy_script(NeedsMesh, bpy.types.Operator):
    bl_idname = "meshsdf.copy_script"
    bl_label = "Copy as Script"
    bl_description = (
        "Put the Python that makes this shape on the clipboard: what was done, in its order"
    )
    bl_options = {"REGISTER", "UNDO"}

    as_text: BoolProperty(
        name="Also as a Text",
        description="Put it into a text of this file too, for the Text Editor",
    )

    def perform(self, context: bpy.types.Context) -> None:
        context.view_layer.update()
        ob = context.active_object
        told = script.of(ob)
        where = clipboard.put(context, told, "the script", "paste it into a text, and run that")
        if self.as_text:
            name = f"{ob.name}.py"
            text: bpy.types.Text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
            text.from_string(told)
            where += f". It is in text '{text.name}' too"
        self.report({"INFO"}, where)


classes = (MESHSDF_OT_copy_script,)
register, unregister = bpy.utils.register_classes_factory(classes)
