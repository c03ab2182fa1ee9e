"""The whole report of a training's meshes, as a text of the .blend."""

from __future__ import annotations

import bpy

from ..errors import Refusal
from ..training import training_run
from .guarded import Guarded
from .needs import Need

TEXT_NAME = "MeshSDF Training Report"


def _has_lines(context: bpy.types.Context) -> None:
    outcome = training_run.last()
    if outcome is None or not (outcome.lines or outcome.problem):
        raise Refusal("There is nothing to report yet")


class MESHSDF_OT_train_report(Guarded, bpy.types.Operator):
    bl_idname = "meshsdf.train_report"
    bl_label = "Open Report"
    bl_description = "Show in a Text Editor what was repaired or refused in each mesh, and why"
    bl_options = {"REGISTER", "UNDO"}

    needs = (Need("a training, of this Blender, that looked at its meshes", _has_lines),)

    def perform(self, context: bpy.types.Context) -> None:
        outcome = training_run.last()
        text: bpy.types.Text = bpy.data.texts.get(TEXT_NAME) or bpy.data.texts.new(TEXT_NAME)
        head = [f"{outcome.name}: {outcome.folder}", outcome.problem or outcome.text, ""]
        text.from_string("\n".join([*head, *outcome.lines, ""]))
        if not bpy.app.background:
            _show(context, text)


def _show(context: bpy.types.Context, text: bpy.types.Text) -> None:
    """In a Text Editor that is open, else in a window of its own."""
    windows = context.window_manager.windows
    # The one in this window first; another may have the one that was opened for the last report.
    screens = [context.screen, *(window.screen for window in windows)]
    areas = [area for screen in screens for area in screen.areas if area.type == "TEXT_EDITOR"]
    if areas:
        area = areas[0]
    else:
        bpy.ops.wm.window_new()
        area = windows[-1].screen.areas[0]
        area.type = "TEXT_EDITOR"
    area.spaces.active.text = text
    area.spaces.active.top = 0


classes = (MESHSDF_OT_train_report,)
register, unregister = bpy.utils.register_classes_factory(classes)
