"""A training beside the artist's work: a timer asks how far it is, and shows it.

No modal operator: one that runs for an hour would keep Blender from saving its backups, and be
ended by every new file. The timer outlives those; the preview stays in the file it began in.
"""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from ..redraw import tell_status
from ..spaces.space_offer import offer
from . import training_preview, training_run
from .background import TICK_SECONDS, driven, show_progress
from .training_preview import Stand
from .training_run import Outcome, TrainingRun, TrainingStep

GOODBYE_SECONDS = 8.0  # how long the status line says how it ended


class Live:
    """What the timer knows beside the run: the scene by name, and where the preview goes."""

    def __init__(self, run: TrainingRun, scene: bpy.types.Scene, stand: Stand) -> None:
        self.run, self.scene, self.stand = run, scene.name, stand
        self.same_file = True
        self.shown = False  # a preview that the user deleted is not made again


_live: list[Live] = []  # at most one


def begin(context: bpy.types.Context, run: TrainingRun, stand: Stand) -> None:
    """Drive ``run`` from now on; ``stand`` is where its previews go."""
    _live[:] = [Live(run, context.scene, stand)]
    context.window_manager.meshsdf_training.preview = ""
    _tell(context.window_manager, 0.0, "Starting the Worker", "")
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK_SECONDS, persistent=True)


def tick() -> float | None:
    """Once every ``TICK_SECONDS``: the next interval, or None when all is over."""
    if not _live:
        tell_status(bpy.context.window_manager, None)
        return None
    live = _live[0]
    return driven(live.run, show=lambda step: show(live, step), over=lambda: _over(live))


def show(live: Live, step: TrainingStep) -> None:
    """Show a step in the panel, the status line and the viewport."""
    words = [] if step.loss is None else [f"Loss {step.loss:.4f}"]
    if step.message:
        words.append(step.message)
    text = step.title
    if live.run.preparing and step.total > 0:
        # The time left is this stage's: how long the training itself takes, nobody knows yet.
        text += f" {min(step.done + 1, step.total)} of {step.total}"
        words.insert(0, "Training comes next")
    elif step.total > 0:
        text += f": {100 * step.factor:.0f} %"
    if step.seconds_left is not None:
        text += f", {duration(step.seconds_left)} left"
    if live.run.stopping:
        text = "Stopping after this step"
    _tell(bpy.context.window_manager, step.factor, text, ", ".join(words))
    if step.vertices is None or step.faces is None or not len(step.faces):
        return
    scene = _scene(live)
    if scene is None:
        return
    folder = str(live.run.folder)
    if live.shown and training_preview.find(folder) is None:
        bpy.context.window_manager.meshsdf_training.preview = ""
        return
    training_preview.show(
        scene,
        live.run.name,
        folder,
        vertices=step.vertices,
        faces=step.faces,
        stand=live.stand,
    )
    live.shown = True
    bpy.context.window_manager.meshsdf_training.preview = step.preview_name


def duration(seconds: float) -> str:
    """A time left as a person says it: "50 s", "12 min", "2 h 5 min"."""
    if seconds < 60:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _scene(live: Live) -> bpy.types.Scene | None:
    """The scene it began in; None in another file, or where that scene is gone."""
    return bpy.data.scenes.get(live.scene) if live.same_file else None


def _over(live: Live) -> float:
    """Put the preview away, offer the space, and say how it ended; when to come again."""
    _live.clear()
    outcome, scene = live.run.outcome, _scene(live)
    if scene is not None:
        training_preview.remove(str(live.run.folder))
        if outcome.path:
            offer(scene, outcome.name, outcome.path, "FILE")
        _push_undo("Train Space")
    _tell(bpy.context.window_manager, 0.0, "", "")
    tell_status(bpy.context.window_manager, _last_words(outcome))
    return GOODBYE_SECONDS


def _last_words(outcome: Outcome) -> str:
    return f"MeshSDF: {outcome.problem or outcome.text or 'The training was ended'}"


def _push_undo(message: str) -> None:
    """One undo step; none in the middle of another operator, whose own step then holds it."""
    windows = list(bpy.context.window_manager.windows)
    if not windows or any(len(window.modal_operators) for window in windows):
        return
    with bpy.context.temp_override(window=windows[0]):  # a timer has no window of its own
        bpy.ops.ed.undo_push(message=message)


def _tell(manager: bpy.types.WindowManager, factor: float, text: str, detail: str) -> None:
    show_progress(manager.meshsdf_training, factor, text, detail)


@persistent
def _undone(*_: object) -> None:
    """Undo may take the preview away: that is not the user's wish to see it no more."""
    for live in _live:
        live.shown = False


@persistent
def _loads(*_: object) -> None:
    """Another file is another place: the training goes on, its preview does not follow."""
    for live in _live:
        live.same_file = False
        bpy.context.window_manager.meshsdf_training.preview = ""


HANDLERS = (
    (bpy.app.handlers.undo_post, _undone),
    (bpy.app.handlers.redo_post, _undone),
    (bpy.app.handlers.load_pre, _loads),
)


def register() -> None:
    for handlers, handler in HANDLERS:
        handlers.append(handler)


def unregister() -> None:
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    _live.clear()
    training_run.abandon_current()
    training_run.forget()
    for handlers, handler in HANDLERS:
        handlers.remove(handler)
