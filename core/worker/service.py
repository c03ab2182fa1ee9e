"""Answering requests: one thread computes and sends, one request after the other."""

from __future__ import annotations

import sys
import traceback
from collections import OrderedDict
from dataclasses import fields
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, NoReturn

import torch

from ..camera import View
from ..extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION, extract
from ..fit import MOST_NEWTON_STEPS, FitOptions, fit
from ..interpolation import METHODS, interpolate
from ..loading import load_space
from ..space import UPS, Space
from ..topology import topology
from . import wire
from .fitting import Fitting
from .job import Job
from .reply import Arrays, Reply, error_header, mesh_arrays, report, single, space_reply
from .request import BusyError, Request, RequestError

MOST_SPACES = 4
# Requests that a running job does not turn away; "bye" never gets here.
DURING_A_JOB = ("next", "stop")


class Service:
    """The worker's state: caches, and at most one job. It can be killed at any moment."""

    def __init__(
        self,
        connection: wire.Messages,
        requests: SimpleQueue[wire.Frame],
        device: torch.device | str = "cpu",
    ) -> None:
        self._connection = connection
        self._requests = requests
        self._device = device
        self._spaces: OrderedDict[tuple[object, ...], Space] = OrderedDict()
        self._job: Job[Any] | None = None
        self._answers = {
            "space": self._space,
            "mesh": self._mesh,
            "interpolate": self._interpolate,
            "fit": self._fit,
            "next": self._next,
            "stop": self._stop,
        }

    def run(self) -> NoReturn:
        """Answer for ever; the reader thread ends the process."""
        while True:
            self.turn()

    def turn(self) -> None:
        """One step of a running job, or wait for a request and answer it."""
        running = self._job is not None and self._job.running
        try:
            self._answer(Request(self._requests.get(block=not running)))
        except Empty:
            assert self._job is not None
            self._job.advance()
        self._deliver()

    def _answer(self, request: Request) -> None:
        try:
            op = request.op
            if op not in self._answers:
                raise RequestError(
                    f"There is no request '{op[:40]}'", "Update the extension and its worker"
                )
            if self._job is not None and self._job.busy and op not in DURING_A_JOB:
                raise BusyError(f"A {self._job.title} is running", "Wait for its end, or stop it")
            reply = self._answers[op](request)
        except Exception as error:
            self._send_error(request.id, error)
            return
        if reply is not None:
            self._send(request.id, *reply)

    def _deliver(self) -> None:
        job = self._job
        delivery = job.delivery() if job is not None else None
        if job is None or delivery is None:
            return
        request, step = delivery
        try:
            reply = None if isinstance(step, Exception) else job.reply(step)
        except Exception as error:
            # An error is the last that is heard of a job, so it must be its end.
            job.stop()
            step, reply, self._job = error, None, None
        if reply is None:
            self._send_error(request, step)
        else:
            self._send(request, *reply)
        if job.over or self._job is None:
            for waiting in job.left_waiting():
                self._send_error(waiting, RequestError(f"The {job.title} is over"))
            self._job = None

    def _send(self, request: int, header: dict[str, Any], arrays: Arrays | None = None) -> None:
        try:
            wire.send(self._connection, {**header, "id": request}, arrays)
        except ValueError as error:
            # Nothing has been sent yet: the header did not fit JSON or its limit.
            self._send_error(request, error)

    def _send_error(self, request: int, error: BaseException) -> None:
        header = error_header(error)
        if header["kind"] == "Internal":
            traceback.print_exception(error, file=sys.stderr)
        else:
            print(f"{header['kind']}: {error}", file=sys.stderr)
        sys.stderr.flush()
        wire.send(self._connection, {**header, "id": request})

    def _load(self, request: Request) -> Space:
        """The request's space, from the cache while its files are as they were."""
        path = request.text("path")
        up = request.optional_text("up", UPS)
        key = (path, up, *stamps(Path(path)))
        space = self._spaces.pop(key, None) or load_space(path, up=up, device=self._device)
        self._spaces[key] = space
        while len(self._spaces) > MOST_SPACES:
            self._spaces.popitem(last=False)
        return space

    def _space(self, request: Request) -> Reply:
        return space_reply(self._load(request))

    def _mesh(self, request: Request) -> Reply:
        space = self._load(request)
        resolution = request.integer("resolution", SMALLEST_RESOLUTION, LARGEST_RESOLUTION, 64)
        start = perf_counter()
        mesh = extract(
            space,
            request.array("code", "<f4", 1),
            resolution,
            cap=request.flag("cap", False),
            newton=request.integer("newton", 0, MOST_NEWTON_STEPS, 0),
        )
        extracted = perf_counter()
        shape = topology(mesh.vertices, mesh.faces)
        done = perf_counter()
        header = {
            "op": "mesh",
            "report": report(
                shape, space.frame, open_at_wall=mesh.open_at_wall, message=mesh.message
            ),
            "ms": {"extraction": (extracted - start) * 1e3, "topology": (done - extracted) * 1e3},
            "evaluations": mesh.evaluations,
        }
        return header, mesh_arrays(mesh.vertices, mesh.faces, space.frame)

    def _interpolate(self, request: Request) -> Reply:
        space = self._load(request)
        codes = request.array("codes", "<f4", 2)
        for code in codes:
            space.check_code(code)
        factor = request.number("factor", 0.0, 1.0)
        method = request.text("method", choices=METHODS)
        return {"op": "code"}, {"code": single(interpolate(codes, factor, method))}

    def _fit(self, request: Request) -> Reply:
        space = self._load(request)
        views, targets = [], []
        for number, entry in enumerate(request.objects("views")):
            target = request.array(f"target{number}", "<f4", 2)
            width, height = entry.get("width"), entry.get("height")
            if type(width) is not int or type(height) is not int:
                raise RequestError(f"View {number} has no 'width' and 'height' in whole pixels")
            weight = entry.get("weight", 1.0)
            if not isinstance(weight, int | float) or isinstance(weight, bool):
                raise RequestError(f"View {number} has a 'weight' that is no number")
            matrix = request.array(f"matrix{number}", "<f8", 2)
            views.append(View(matrix, width, height, weight))
            targets.append(target)
        steps = fit(
            space,
            request.array("code", "<f4", 1),
            views,
            targets,
            options=fit_options(request.mapping("options")),
            object_matrix=request.array("object", "<f8", 2),
        )
        # The first step is taken before the reply, so that a fit that cannot start says so here.
        self._job = Fitting(next(steps), steps, space.frame)
        return {"op": "fitting"}, {}

    def _next(self, request: Request) -> None:
        if self._job is None:
            raise RequestError("No fit is running, and no other job", "Start one")
        self._job.wait(request.id)

    def _stop(self, request: Request) -> Reply:
        if self._job is not None:
            self._job.stop()
        return {"op": "stopping"}, {}


def stamps(path: Path) -> tuple[object, ...]:
    """Times and sizes of what a space at ``path`` is read from; changes when a file does."""
    folder = path if path.is_dir() else path.parent
    files = [path]
    if path.suffix.lower() != ".safetensors":
        if folder.name in ("ModelParameters", "LatentCodes"):
            folder = folder.parent
        files += [folder / "specs.json", *sorted(folder.glob("*/*.pth"))]
    return tuple(
        (str(file), stat.st_mtime_ns, stat.st_size)
        for file in files
        if file.is_file() and (stat := file.stat())
    )


def fit_options(values: dict[str, Any]) -> FitOptions:
    """The protocol's options O. Raises RequestError for unknown names, FitError for values."""
    known = {field.name for field in fields(FitOptions)}
    for name in values:
        if name not in known:
            raise RequestError(
                f"There is no fit option '{name[:40]}'", f"Use {', '.join(sorted(known))}"
            )
    return FitOptions(**values)
