"""What all operators share: a refusal becomes a report, and polls say why they refuse."""

from __future__ import annotations

import bpy

from .. import running
from ..after import former, record
from ..errors import Refusal
from ..shapes import mesh_upload, shape
from ..training import training_run
from ..trust import in_scripts, told


class Guarded:
    """An operator whose ``perform`` may raise Refusal.

    Its text is reported as an error, which in a script is the message of the RuntimeError, and
    names the operator that mends it there; the operator then is CANCELLED and leaves no undo step.
    """

    def execute(self, context: bpy.types.Context) -> set[str]:
        window = context.window if not bpy.app.background else None
        if window is not None:
            window.cursor_modal_set("WAIT")
        try:
            was = record.before(context, self)  # type: ignore[arg-type]  # mixed into an operator
            self.perform(context)
            record.note(context, self, was)  # type: ignore[arg-type]
        except Refusal as refusal:
            told.note(refusal)
            self.report({"ERROR"}, in_scripts.text(refusal))
            return {"CANCELLED"}
        finally:
            if window is not None:
                window.cursor_modal_restore()
        if "UNDO" in self.bl_options:
            told.forget()
        if type(self).bl_idname.startswith("meshsdf.fix_") and shape.is_shape(
            context.active_object
        ):
            context.active_object.meshsdf.message = ""  # it told of what is mended now
        return {"FINISHED"}

    def perform(self, context: bpy.types.Context) -> None:
        """Do the whole job, or raise Refusal and change nothing."""
        raise NotImplementedError


class NeedsNoFit(Guarded):
    """An operator that has to wait for a running fit."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running.current() is not None:
            cls.poll_message_set("A fit is running: stop it first (Esc)")
            return False
        return True


class NeedsNoTraining(Guarded):
    """An operator that starts a training."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if training_run.current() is not None:
            cls.poll_message_set("A training is running: stop it first, or wait for its end")
            return False
        return True


class InObjectMode(Guarded):
    """An operator that adds or reads objects, beside what else it needs: named before that."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Go back to Object Mode first")
            return False
        return True


class NeedsShape(NeedsNoFit):
    """An operator on the active shape."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        try:
            former.check_shape(context.active_object)
            mesh_upload.check_editable(context.active_object)
        except Refusal as refusal:
            cls.poll_message_set(in_scripts.text(refusal))
            return False
        return True
