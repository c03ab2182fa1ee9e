"""Seeing to the worker: check, restart, choose its Python, copy what an issue needs."""

from __future__ import annotations

import bpy
from bpy.props import StringProperty

from .. import clipboard, door
from ..identity import ROOT_PACKAGE, preferences
from ..spaces import catalogue
from ..trust import report
from .guarded import Guarded, NeedsNoFit


class MESHSDF_OT_worker_check(NeedsNoFit, bpy.types.Operator):
    bl_idname = "meshsdf.worker_check"
    bl_label = "Check Again"
    bl_description = "Look for a Python with torch anew and start the worker with it"

    def perform(self, context: bpy.types.Context) -> None:
        door.close("shapes")  # a training goes on
        catalogue.forget()
        door.look(anew=True)
        door.ready_worker()
        self.report({"INFO"}, f"The worker is ready: {door.status.text}")


class MESHSDF_OT_choose_python(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.choose_python"
    bl_label = "Choose Python"
    bl_description = "Open the add-on's preferences, where the Python with torch is set"

    def perform(self, context: bpy.types.Context) -> None:
        bpy.ops.screen.userpref_show()
        context.preferences.active_section = "ADDONS"
        context.window_manager.addon_search = "MeshSDF"
        if preferences(context) is not None:
            bpy.ops.preferences.addon_expand(module=ROOT_PACKAGE)


class MESHSDF_OT_copy_command(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.copy_command"
    bl_label = "Copy Install Command"
    bl_description = "Put the command that installs what is missing on the clipboard"

    def perform(self, context: bpy.types.Context) -> None:
        then = "paste it into a terminal, then try again"
        told = clipboard.put(context, door.status.command, "the command", then)
        self.report({"INFO"}, told)


class MESHSDF_OT_copy_details(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.copy_details"
    bl_label = "Copy Details"
    bl_description = "Put versions, paths and the worker's last words on the clipboard"

    about: StringProperty(
        name="About",
        description="The problem that help is asked for",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def perform(self, context: bpy.types.Context) -> None:
        details = report.details(context, self.about)
        self.report({"INFO"}, clipboard.put(context, details, "the details"))


classes = (
    MESHSDF_OT_worker_check,
    MESHSDF_OT_choose_python,
    MESHSDF_OT_copy_command,
    MESHSDF_OT_copy_details,
)
register, unregister = bpy.utils.register_classes_factory(classes)
