"""The sub-panels that make spaces and codes: train a space, encode a mesh.

Panels hold no logic and draw cached values only.
"""

from __future__ import annotations

import textwrap

import bpy

from .. import running
from ..errors import Refusal
from ..spaces import catalogue
from ..training import training_folder, training_run
from ..training.training_folder import REFUSED, is_remark
from ..training.training_properties import TrainingSettings, is_part
from ..training.training_run import Outcome
from ..training.training_source import FEWEST, too_few
from .tab import Tab, characters

MOST_REMARKS, MOST_ROWS = 4, 3  # in the panel, and of each
PASSED_ON = (
    *("source", "folder", "up", "name", "preset", "output", "seed"),
    *("centre", "normalise", "fill_voids", "plain", "thickness"),
)
PART_STANDS = "A part is taken as it stands: its box is not the whole shape's"


class MESHSDF_PT_train(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_train"
    bl_label = "Train a Space"
    bl_parent_id = "MESHSDF_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 10

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        run, outcome = training_run.current(), training_run.last()
        if run is not None:
            _draw_progress(layout, context, run.name)
        else:
            _draw_settings(layout, context)
            if outcome is not None:
                _draw_outcome(layout, outcome, characters(context))
        if outcome is not None and outcome.lines:
            so_far = run is not None and run.preparing
            _draw_report(layout, outcome, characters(context), so_far=so_far)


class MESHSDF_PT_train_settings(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_train_settings"
    bl_label = "Settings"
    bl_parent_id = "MESHSDF_PT_train"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf_training
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = training_run.current() is None
        column = layout.column(heading="Shapes", align=True)
        column.prop(settings, "centre")
        column.prop(settings, "normalise")
        column.prop(settings, "fill_voids")
        layout.prop(settings, "thickness")
        if settings.source == "FOLDER":
            layout.prop(settings, "up")
        layout.prop(settings, "plain")
        layout.prop(settings, "seed")


class MESHSDF_PT_encode(Tab, bpy.types.Panel):
    bl_idname = "MESHSDF_PT_encode"
    bl_label = "Encode a Mesh"
    bl_parent_id = "MESHSDF_PT_main"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 9

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.meshsdf_encoding
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "placement_used" if is_part(settings) else "placement")
        layout.prop(settings, "partial")
        layout.prop(settings, "selected")
        if is_part(settings):
            for number, line in enumerate(textwrap.wrap(PART_STANDS, characters(context))):
                layout.label(text=line, icon="BLANK1" if number else "INFO")
        if running.current() is not None:
            told = context.window_manager.meshsdf
            layout.progress(factor=told.step / max(told.steps, 1), text=told.text)
            layout.operator("meshsdf.fit_stop", icon="CANCEL")
            return
        encode = layout.operator("meshsdf.encode", icon="IMPORT")
        encode.space, encode.up = catalogue.chosen(context.scene)
        encode.placement = settings.placement_used
        encode.partial, encode.selected = settings.partial, settings.selected


def _draw_settings(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = context.scene.meshsdf_training
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(settings, "source")
    if settings.source == "COLLECTION":
        layout.prop(settings, "collection")
    elif settings.source == "FOLDER":
        layout.prop(settings, "folder")
    layout.prop(settings, "name")
    layout.prop(settings, "preset")
    layout.prop(settings, "output")
    problem = _missing(context, settings)
    try:
        where = training_folder.home(settings.output)
        layout.label(text=training_folder.brief(where, characters(context)), icon="FILE_FOLDER")
    except Refusal as refusal:
        problem = problem or str(refusal)
    for number, line in enumerate(textwrap.wrap(problem, characters(context))):
        layout.label(text=line, icon="BLANK1" if number else "ERROR")
    row = layout.row(align=True)
    row.scale_y = 1.5
    start = row.row(align=True)
    start.enabled = not problem
    train = start.operator("meshsdf.train_space", icon="PLAY")
    for name in PASSED_ON:
        setattr(train, name, getattr(settings, name))
    train.collection = settings.collection.name if settings.collection else ""
    row.operator("meshsdf.train_resume", text="", icon="FILE_FOLDER")


def _missing(context: bpy.types.Context, settings: TrainingSettings) -> str:
    """What keeps a training from starting, as far as can be told without looking at meshes."""
    if settings.source == "SELECTED":
        count = len(context.selected_objects)
        return "" if count >= FEWEST else "Select two objects or more"
    if settings.source == "COLLECTION":
        if settings.collection is None:
            return "Choose a collection"
        inside = len(settings.collection.objects) + len(settings.collection.children)
        if inside == 0:
            return f"'{settings.collection.name}' is empty"
        return "" if inside >= FEWEST else str(too_few(inside))
    return "" if settings.folder else "Choose a folder of mesh files"


def _draw_progress(layout: bpy.types.UILayout, context: bpy.types.Context, name: str) -> None:
    told = context.window_manager.meshsdf_training
    column = layout.column(align=True)
    column.label(text=name, icon="SORTTIME")
    column.progress(factor=told.factor, text=told.text)
    row = column.row(align=True)
    row.scale_y = 1.5
    row.operator("meshsdf.train_stop", icon="CANCEL")
    if told.detail:
        width = characters(context)
        layout.label(text=textwrap.shorten(told.detail, width, placeholder="..."))
    if told.preview:
        row = layout.row()
        row.label(text=f"Preview: {told.preview}", icon="HIDE_OFF")
        row.operator("meshsdf.train_view", text="", icon="VIEWZOOM")


def _draw_outcome(layout: bpy.types.UILayout, outcome: Outcome, width: int) -> None:
    column = layout.column(align=True)
    lines = textwrap.wrap(outcome.problem or outcome.text, width)
    well = bool(outcome.path) and not outcome.problem
    for line in lines[:1]:
        column.label(text=line, icon="CHECKMARK" if well else "ERROR")
    for line in lines[1:]:
        column.label(text=line, icon="BLANK1")
    if outcome.installable:
        layout.operator("meshsdf.copy_command", icon="CONSOLE")
    if outcome.path:
        add = layout.operator("meshsdf.shape_add", icon="ADD")
        add.space, add.up = outcome.path, "FILE"
    if outcome.resumable:
        resume = layout.operator("meshsdf.train_resume", icon="FILE_REFRESH")
        resume.directory = outcome.folder


def _draw_report(layout: bpy.types.UILayout, outcome: Outcome, width: int, *, so_far: bool) -> None:
    box = layout.box()
    column = box.column(align=True)
    first, *others = report_rows(outcome, width, so_far=so_far)
    column.label(text=first, icon="ERROR" if outcome.refused else "MESH_DATA")
    for line in others:
        column.label(text=line, icon="BLANK1")
    box.operator("meshsdf.train_report", icon="TEXT")


def report_rows(outcome: Outcome, width: int, *, so_far: bool = False) -> list[str]:
    """The report in so few rows that none is clipped: counts, then what was refused or noted."""
    count = len(outcome.used)
    rows = [f"{count} mesh{'es' * (count != 1)}" + " so far" * so_far]
    if outcome.refused:
        rows[0] += f", {outcome.refused} refused"
    if outcome.repaired:
        rows.append(f"{outcome.repaired} repaired")
    remarks = [line for line in outcome.lines if is_remark(line)]
    for line in remarks[:MOST_REMARKS]:
        told = line.rpartition(REFUSED)[2]  # the reason names what was refused
        rows += textwrap.wrap(told, width, max_lines=MOST_ROWS, placeholder="...")
    if len(remarks) > MOST_REMARKS:
        rows.append(f"and {len(remarks) - MOST_REMARKS} more")
    return rows


classes = (MESHSDF_PT_train, MESHSDF_PT_train_settings, MESHSDF_PT_encode)
register, unregister = bpy.utils.register_classes_factory(classes)
