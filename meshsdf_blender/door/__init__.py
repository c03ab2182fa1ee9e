"""The workers of this Blender: found, started when first needed, closed at the end.

There are at most two, of one kind: one for sliders and fits, and while a space is trained one for
that. ``status`` is what the panels draw: plain text, filled here and never while drawing.
"""

from __future__ import annotations

import atexit
import contextlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import bpy

from ..errors import WorkerLost, WorkerStarting
from ..identity import ROOT_FOLDER, preferences
from . import interpreter
from .worker import Worker

Role = Literal["shapes", "training"]
_started: dict[Role, Worker] = {}


@dataclass
class Status:
    """What is known of the worker: state "unknown", "found", "ready" or "failed"."""

    state: str = "unknown"
    text: str = "Starts with the first shape"
    problem: str = ""
    remedy: str = ""
    command: str = ""
    details: str = ""
    device: str = ""


status = Status()


def worker(role: Role = "shapes") -> Worker:
    """The running worker for a role, started if there is none; it may still be importing torch.

    Raises WorkerLost with what is missing and how to mend it.
    """
    running = _started.get(role)
    if running is not None:
        # One that died while it started says why when it is listened to.
        lives = running.state == "ready" and running.process.poll() is None
        if lives or running.state == "starting":
            return running
        running.close()
        del _started[role]
    found = look()
    settings = preferences()
    path = [str(ROOT_FOLDER)] + ([found.packages] if found.packages else [])
    try:
        started = Worker(
            found.executable,
            path,
            device=settings.device if settings else "cpu",
            threads=settings.threads if settings else 0,
        )
    except WorkerLost as lost:
        failed(lost)
        raise
    _started[role] = started
    return started


@dataclass
class _Manners:
    """How :func:`ready_worker` goes about it."""

    gentle: bool = False
    waits: bool = True


_manners = _Manners()


@contextlib.contextmanager
def gently(*, waits: bool) -> Iterator[None]:
    """For handlers, which Blender calls again and again: a worker that failed is not tried anew.

    Without ``waits`` one that starts is not waited for either: WorkerStarting.
    """
    before = dict(_manners.__dict__)
    _manners.__dict__.update(gentle=True, waits=waits)
    try:
        yield
    finally:
        _manners.__dict__.update(before)


def ready_worker() -> Worker:
    """The worker, ready to answer; blocks while torch is imported. Raises WorkerLost."""
    if _manners.gentle and status.state == "failed":
        raise WorkerLost(status.problem, status.remedy)
    running = _started.get("shapes")
    if not _manners.gentle or running is None or running.state != "starting":
        running = worker()  # one that died while it started is put away, and its words with it
    try:
        if _manners.waits:
            running.wait_ready()
        elif not running.pump():
            raise WorkerStarting
    except WorkerLost as lost:
        failed(lost)
        raise
    note_ready(running)
    return running


def look(*, anew: bool = False) -> interpreter.Interpreter:
    """The Python to use, noted in ``status``. Raises WorkerLost where none is usable."""
    if anew:
        interpreter.probe.cache_clear()
    settings = preferences()
    tried = interpreter.find(settings.interpreter.strip() if settings else "")
    status.details = "\n".join(found.line for found in tried)
    if tried and tried[-1].usable:
        found = tried[-1]
        status.state, status.problem, status.remedy = "found", "", ""
        status.text = f"Python {'.'.join(map(str, found.python))}, torch {found.torch}"
        return found
    # The one that lacks least: a Python that runs but has no torch is easier to mend than none.
    mendable = next((found for found in tried if found.python and found.remedy), None)
    if mendable is not None:
        lost = WorkerLost(
            f"No Python with torch 2.6 or newer: {mendable.executable}: {mendable.problem}",
            f"{mendable.remedy}, or choose a Python that has torch in the add-on's preferences",
        )
        status.command = interpreter.pip_command(mendable.executable)
    else:
        what = tried[-1] if tried else None
        lost = WorkerLost(
            f"{what.executable}: {what.problem}" if what else "No Python was found on this machine",
            "Choose a Python that has torch 2.6 or newer in the add-on's preferences",
        )
        status.command = ""
    failed(lost, keep_details=True)
    raise lost


def note_ready(running: Worker, role: Role = "shapes") -> None:
    """Note in ``status`` what a ready worker said of itself."""
    if role != "shapes" and "shapes" in _started:
        return
    said = running.ready
    status.state, status.problem, status.remedy = "ready", "", ""
    status.device = str(said.get("device", ""))
    status.text = f"torch {said.get('torch', '?')} on {status.device}"
    status.details = f"{running.python}\n{running.hello}\n{said}"


def failed(lost: WorkerLost, role: Role = "shapes", *, keep_details: bool = False) -> None:
    """Note in ``status`` why there is no worker."""
    if role != "shapes" and status.state == "ready":
        return  # the worker of the shapes goes on; the training says itself how it ended
    status.state, status.problem, status.remedy = "failed", lost.problem, lost.remedy
    status.text = "Not available"
    if not keep_details:
        status.details = f"exit code: {lost.exit_code}\n{lost.log}"


def report() -> str:
    """Everything about the worker as text, for an issue."""
    return "\n".join(
        [
            f"Blender {bpy.app.version_string}, {platform.platform()}",
            f"Worker: {status.state}, {status.text}",
            status.problem,
            status.remedy,
            status.details,
            *(f"Its log ends with:\n{running.log_tail}" for running in _started.values()),
        ]
    )


def close(role: Role | None = None) -> None:
    """End the worker of a role, or all of them at unregister and exit; may be repeated.

    Ending the training's worker loses at most what it did since its last checkpoint.
    """
    for each in [role] if role else list(_started):
        running = _started.pop(each, None)
        if running is not None:
            running.close()
    if role != "training":
        status.__dict__.update(Status().__dict__)


def register() -> None:
    atexit.register(close)


def unregister() -> None:
    atexit.unregister(close)
    close()
