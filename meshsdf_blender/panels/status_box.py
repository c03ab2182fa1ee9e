"""The worker's state in a layout, with the buttons that mend it. Draws cached text only."""

from __future__ import annotations

import bpy

from ..door import status
from ..trust import problems
from .fixit import draw_problem


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
    problem = problems.of_worker()
    if problem is not None:
        draw_problem(layout, problem, width)
