"""Answering requests: one thread computes and sends, one request after the other."""

from __future__ import annotations

import sys
import traceback
from collections import deque
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, NoReturn

import torch

from ..exporting import export_space
from ..extraction import LARGEST_RESOLUTION, SMALLEST_RESOLUTION, extract, torn_remark
from ..fitting.options import MOST_NEWTON_STEPS
from ..interpolation import METHODS, interpolate
from ..space import UPS, Space
from ..topology import topology
from . import wire
from .encodercache import EncoderCache
from .encoding import start_encoding
from .fitting import start_fit
from .job import Job
from .reconstructing import start_reconstruction
from .reply import Arrays, Reply, error_header, mesh_arrays, report, single, space_reply
from .request import BusyError, DroppedError, Request, RequestError
from .spacecache import SpaceCache
from .teaching import start_teaching
from .training import start_training

# Requests that a running job does not turn away; "bye" never gets here.
DURING_A_JOB = ("next", "stop", "drop")


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
        self._early: deque[wire.Frame] = deque()  # what came while a request was worked on
        self._device = device
        self._spaces = SpaceCache(device)
        self._encoders = EncoderCache()
        self._job: Job[Any] | None = None
        self._answers = {
            "space": self._space,
            "mesh": self._mesh,
            "interpolate": self._interpolate,
            "fit": self._fit,
            "train": self._train,
            "encode": self._encode,
            "reconstruct": self._reconstruct,
            "teach": self._teach,
            "export": self._export,
            "next": self._next,
            "stop": self._stop,
            "drop": self._drop,
        }

    def run(self) -> NoReturn:
        """Answer for ever; the reader thread ends the process."""
        while True:
            self.turn()

    def turn(self) -> None:
        """One step of a running job, or wait for a request and answer it."""
        running = self._job is not None and self._job.running
        try:
            early = self._early.popleft() if self._early else None
            self._answer(Request(early or self._requests.get(block=not running)))
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
                raise BusyError(f"{self._job.title} is running", "Wait for its end, or stop it")
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
                self._send_error(waiting, RequestError(f"{job.title} was running and is over"))
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
        elif not isinstance(error, DroppedError):  # a slider that is dragged makes many
            print(f"{header['kind']}: {error}", file=sys.stderr)
        sys.stderr.flush()
        wire.send(self._connection, {**header, "id": request})

    def _load(self, request: Request) -> Space:
        return self._spaces.load(request.text("path"), request.optional_text("up", UPS))

    def _space(self, request: Request) -> Reply:
        return space_reply(self._load(request))

    def _mesh(self, request: Request) -> Reply:
        def check() -> None:
            self._check_wanted(request)

        space = self._load(request)
        resolution = request.integer("resolution", SMALLEST_RESOLUTION, LARGEST_RESOLUTION, 64)
        draft = request.flag("draft", False)
        code = request.array("code", "<f4", 1)
        start = perf_counter()
        mesh = extract(
            space,
            code,
            resolution,
            cap=request.flag("cap", False),
            newton=request.integer("newton", 0, MOST_NEWTON_STEPS, 0),
            draft=draft,
            check=check,
        )
        extracted = perf_counter()
        told: dict[str, Any] = {
            "vertices": len(mesh.vertices),
            "faces": len(mesh.faces),
            "open_at_wall": mesh.open_at_wall,
            "message": mesh.message,
        }
        if not draft:
            check()
            shape = topology(mesh.vertices, mesh.faces)
            message = mesh.message or torn_remark(space, code, mesh, shape, check=check)
            told = report(shape, space.frame, open_at_wall=mesh.open_at_wall, message=message)
        done = perf_counter()
        header = {
            "op": "mesh",
            "report": told,
            "ms": {"extraction": (extracted - start) * 1e3, "topology": (done - extracted) * 1e3},
            "evaluations": mesh.evaluations,
        }
        return header, mesh_arrays(mesh.vertices, mesh.faces, space.frame)

    def _check_wanted(self, request: Request) -> None:
        """Raise DroppedError where a ``drop`` of this request came; others wait for their turn."""
        while not self._requests.empty():
            self._early.append(self._requests.get())
        for frame in self._early:
            if frame.header.get("op") == "drop" and frame.header.get("request") == request.id:
                raise DroppedError("The request was dropped")

    def _interpolate(self, request: Request) -> Reply:
        space = self._load(request)
        codes = request.array("codes", "<f4", 2)
        for code in codes:
            space.check_code(code)
        factor = request.number("factor", 0.0, 1.0)
        method = request.text("method", choices=METHODS)
        return {"op": "code"}, {"code": single(interpolate(codes, factor, method))}

    def _fit(self, request: Request) -> Reply:
        self._job = start_fit(request, self._load(request))
        return {"op": "fitting"}, {}

    def _train(self, request: Request) -> Reply:
        self._job = start_training(request, str(self._device))
        return {"op": "training"}, {}

    def _encode(self, request: Request) -> Reply:
        self._job = start_encoding(request, self._load(request))
        return {"op": "encoding"}, {}

    def _reconstruct(self, request: Request) -> Reply:
        space = self._load(request)
        encoder = self._encoders.load(space, request.text("path"))
        self._job = start_reconstruction(request, space, encoder)
        return {"op": "reconstructing"}, {}

    def _teach(self, request: Request) -> Reply:
        # The networks are taught on the processor, and draw their pictures there.
        space = SpaceCache("cpu").load(request.text("path"), request.optional_text("up", UPS))
        self._job = start_teaching(request, space)
        return {"op": "teaching"}, {}

    def _export(self, request: Request) -> Reply:
        target = Path(request.text("folder"))
        files, notes = export_space(self._load(request), target)
        return {"op": "exported", "files": [str(file) for file in files], "notes": notes}, {}

    def _next(self, request: Request) -> None:
        if self._job is None:
            raise RequestError("No fit is running, and no other job", "Start one")
        self._job.wait(request.id)

    def _stop(self, request: Request) -> Reply:
        if self._job is not None:
            self._job.stop()
        return {"op": "stopping"}, {}

    def _drop(self, request: Request) -> Reply:
        """What was to be dropped has been, or was answered before this came."""
        return {"op": "dropped"}, {}
