"""The fix-it panel: what is wrong, in words, with a button for each way to mend it."""

from __future__ import annotations

import textwrap

import bpy

from ..errors import Refusal
from ..trust import problems, told
from .tab import Tab, characters

BOX_CHARACTERS = 4  # that the box and its icon take of a row


class MESHSDF_PT_fixit(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_fixit"
    bl_label = "Needs Attention"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(problems.shown(context))

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.label(icon="ERROR")

    def draw(self, context: bpy.types.Context) -> None:
        for problem in problems.shown(context):
            draw_problem(self.layout, problem, characters(context))


def draw_problem(layout: bpy.types.UILayout, problem: Refusal, width: int) -> None:
    """A box: the problem, the remedy, and the buttons."""
    width = max(16, width - BOX_CHARACTERS)
    box = layout.box()
    column = box.column(align=True)
    for number, line in enumerate(textwrap.wrap(problem.problem, width)):
        column.label(text=line, icon="BLANK1" if number else "ERROR")
    for line in textwrap.wrap(problem.remedy, width):
        column.label(text=line, icon="BLANK1")
    column = box.column(align=True)
    for fix in problem.fixes:
        button = column.operator(fix.operator, text=fix.label, icon=fix.icon)  # type: ignore[arg-type]
        for name, value in fix.properties.items():
            setattr(button, name, value)
    row = box.row(align=True)
    row.operator("meshsdf.copy_details", icon="COPYDOWN").about = str(problem)
    if problem is told.last():
        row.operator("meshsdf.dismiss", icon="X")


classes = (MESHSDF_PT_fixit,)
register, unregister = bpy.utils.register_classes_factory(classes)
