"""The worker's state in a layout, with the buttons that mend it. Draws cached text only."""

from __future__ import annotations

import textwrap

import bpy

from ..door import status


def draw_status(layout: bpy.types.UILayout, width: int = 90) -> None:
    """One line when all is well; what is missing and how to mend it when not."""
    if status.state != "failed":
        row = layout.row()
        row.label(
            text=f"Worker: {status.text}", icon="CHECKMARK" if status.state != "unknown" else "DOT"
        )
        row.operator("meshsdf.worker_check", icon="FILE_REFRESH")
        row.operator("meshsdf.copy_details", icon="COPYDOWN")
        return
    draw_failure(layout, width)


def draw_failure(layout: bpy.types.UILayout, width: int) -> None:
    """The fix-it box: problem, remedy, and a button for each way out."""
    box = layout.box()
    column = box.column(align=True)
    for index, line in enumerate(textwrap.wrap(status.problem, width)):
        column.label(text=line, icon="ERROR" if index == 0 else "BLANK1")
    for line in textwrap.wrap(status.remedy, width):
        column.label(text=line, icon="BLANK1")
    column = box.column(align=True)
    column.operator("meshsdf.choose_python", icon="PREFERENCES")
    if status.command:
        column.operator("meshsdf.copy_command", icon="CONSOLE")
    column.operator("meshsdf.worker_check", icon="FILE_REFRESH")
    column.operator("meshsdf.copy_details", icon="COPYDOWN")
