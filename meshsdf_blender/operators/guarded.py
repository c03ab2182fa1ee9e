"""What all operators share: a refusal becomes a report, and polls say why they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from .. import in_scripts
from ..after import record
from ..errors import Refusal
from ..shapes import shape
from ..trust import told
from . import needs as needed
from .needs import A_SHAPE, NO_FIT, NO_TRAINING, NOT_COMPARED, OBJECT_MODE, OWN, Need


@dataclass(frozen=True)
class Unset:
    """What an argument is where it is not given: in words for the page, and as a value."""

    words: str
    value: Callable[[Any, bpy.types.Context], Any]


class Polled:
    """An operator that can run where its needs, and those of its bases, are met."""

    needs: tuple[Need, ...] = ()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        try:
            needed.check(cls, context)
        except Refusal as refusal:
            cls.poll_message_set(in_scripts.poll_text(refusal))
            return False
        return True


class Guarded(Polled):
    """An operator whose ``perform`` may raise Refusal.

    Its text is reported as an error, which in a script is the message of the RuntimeError, and
    names the line that mends it there; the operator then is CANCELLED and leaves no undo step.
    ``asks`` is checked when the operator is called: its button is not greyed out for it. ``unset``
    has the arguments that are something else than their default where they are not given.
    """

    asks: tuple[Need, ...] = ()
    unset: Mapping[str, Unset] = {}

    def execute(self, context: bpy.types.Context) -> set[str]:
        window = context.window if not bpy.app.background else None
        if window is not None:
            window.cursor_modal_set("WAIT")
        try:
            needed.check(type(self), context, "asks")
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

    def given(self, name: str, context: bpy.types.Context) -> Any:
        """An argument's value, or what it is where it was not given."""
        if self.properties.is_property_set(name):
            return getattr(self, name)
        return self.unset[name].value(self, context)


class NeedsNoFit(Guarded):
    """An operator that has to wait for a running fit."""

    needs: tuple[Need, ...] = (NO_FIT,)


class NeedsNoTraining(Guarded):
    """An operator that starts a training or a teaching."""

    needs: tuple[Need, ...] = (NO_TRAINING,)


class InObjectMode(Guarded):
    """An operator that adds or reads objects, beside what else it needs: named before that."""

    needs: tuple[Need, ...] = (OBJECT_MODE,)


class NeedsShape(NeedsNoFit):
    """An operator on the active shape."""

    needs: tuple[Need, ...] = (A_SHAPE, OWN, NOT_COMPARED)
