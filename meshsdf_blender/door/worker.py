"""One worker process, seen from Blender: requests and replies, and one typed error when it dies."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import Refusal, WorkerError, WorkerLost
from . import wire
from .launch import Launched, launch
from .mail import Mail, Reply

CONNECT_SECONDS = 30.0  # Python's own start, on a cold disk
READY_SECONDS = 180.0  # torch's import took 0.9 s to 9 s; virus scanners add to it
REPLY_SECONDS = 600.0
POLL_SECONDS = 0.05
CLOSE_SECONDS = 2.0
UNREADY_EXIT = 3


class Worker:
    """A running worker. ``state`` goes from "starting" to "ready", and ends at "lost" or "closed".

    ``python`` is the interpreter, ``python_path`` the folders of its PYTHONPATH, the extension's
    root first.
    """

    def __init__(
        self,
        python: str,
        python_path: Sequence[str],
        *,
        device: str = "cpu",
        threads: int = 0,
    ) -> None:
        self.python = python
        self.state = "starting"
        self.hello: dict[str, Any] = {}
        self.ready: dict[str, Any] = {}
        self._last_id = 0
        self._mail = Mail()
        self._loss: WorkerLost | None = None
        self._began = time.monotonic()
        try:
            self._launched: Launched = launch(python, python_path, device=device, threads=threads)
        except OSError as error:
            self.state = "lost"
            raise WorkerLost(
                f"The worker's Python '{python}' cannot be started: {error.strerror or error}",
                "Choose another Python in the add-on's preferences",
            ) from error

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The operating system's process."""
        return self._launched.process

    @property
    def log_tail(self) -> str:
        """The end of the worker's log."""
        return self._launched.log_tail()

    def pump(self, wait: float = 0.0) -> bool:
        """Listen for the worker's first words for ``wait`` seconds; True once it is ready.

        Raises WorkerLost when it died, was closed, spoke another protocol, or has no torch.
        """
        self._check_alive()
        end = time.monotonic() + wait
        while self.state == "starting":
            left = end - time.monotonic()
            if self._launched.connection is None:
                self._check_start(CONNECT_SECONDS, "did not call back")
                time.sleep(max(0.0, min(left, POLL_SECONDS)))
            elif self._poll(max(0.0, min(left, POLL_SECONDS))):
                self._first_words(self._receive()[0])
            else:
                self._check_start(READY_SECONDS, "did not finish importing torch")
            if time.monotonic() >= end:
                break
        return self.state == "ready"

    def wait_ready(self) -> None:
        """Block until the worker is ready. Raises WorkerLost."""
        while not self.pump(1.0):
            pass

    def request(
        self,
        op: str,
        header: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        *,
        wait: float = REPLY_SECONDS,
    ) -> Reply:
        """Ask and wait for the answer. Raises WorkerError for a refusal, WorkerLost for a death."""
        self.wait_ready()
        identity = self.ask(op, header, arrays, within=wait)
        try:
            while True:
                reply = self.answer(identity, POLL_SECONDS)
                if reply is not None:
                    return reply
        finally:
            self.forget(identity)

    def ask(
        self,
        op: str,
        header: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
        *,
        within: float = REPLY_SECONDS,
    ) -> int:
        """Send a request whose answer :meth:`answer` will be asked for. Raises WorkerLost.

        A worker that has not answered ``within`` so many seconds is ended when it is asked for.
        """
        identity = self.send(op, header, arrays)
        self._mail.expect(identity, within)
        return identity

    def answer(self, identity: int, wait: float = 0.0) -> Reply | None:
        """The answer to :meth:`ask`, if it comes within ``wait`` seconds.

        Raises WorkerError and WorkerLost.
        """
        reply = self.hear([identity], wait)
        if reply is None or reply[0]["op"] != "error":
            return reply
        raise refused(reply[0])

    def hear(self, identities: Collection[int], wait: float = 0.0) -> Reply | None:
        """The first answer to one of several :meth:`ask`, an error too. Raises WorkerLost.

        Whatever else arrives meanwhile is kept for those who asked for it.
        """
        end = time.monotonic() + wait
        while (reply := self._mail.take(identities)) is None:
            if self._poll(max(0.0, end - time.monotonic())):
                self._mail.sort(self._receive())
            elif self._mail.late(identities):
                self.kill()
                raise self._lost("The worker did not answer in time and was ended")
            else:
                break
        return reply

    def forget(self, *identities: int) -> None:
        """Nobody waits for these answers any more."""
        self._mail.forget(identities)

    def drop(self, identity: int) -> None:
        """Nobody waits for this mesh any more, and the worker need not finish it. WorkerLost."""
        self.forget(identity)
        self.send("drop", {"request": identity})

    def send(
        self,
        op: str,
        header: Mapping[str, Any] | None = None,
        arrays: Mapping[str, np.ndarray] | None = None,
    ) -> int:
        """Send a request without waiting; returns its number. Raises WorkerLost."""
        self._check_alive()
        connection = self._launched.connection
        assert connection is not None, "sent before it was ready"
        self._last_id += 1
        try:
            wire.send(connection, {**(header or {}), "op": op, "id": self._last_id}, arrays)
        except wire.BrokenFrame as error:
            raise Refusal(f"The request '{op}' cannot be sent: {error}") from error
        except OSError as error:
            raise self._lost("The worker stopped") from error
        return self._last_id

    def close(self) -> None:
        """End the worker: a good-bye, then force. Never raises, may be repeated."""
        if self.state == "ready":
            with contextlib.suppress(Refusal):
                self.send("bye")
        if self.state != "lost":
            self.state = "closed"
        self._put_away(CLOSE_SECONDS)
        self._launched.log.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the worker at once."""
        self.process.kill()

    def _first_words(self, header: dict[str, Any]) -> None:
        op = header.get("op")
        if op == "hello":
            if header.get("protocol") != wire.PROTOCOL:
                self.kill()
                raise self._lost(
                    f"The worker speaks protocol {header.get('protocol')}, "
                    f"this extension {wire.PROTOCOL}",
                    "Reinstall the extension: its two halves are of different versions",
                )
            self.hello = header
        elif op == "ready":
            self.ready = header
            self.state = "ready"
        elif op == "unready":
            raise self._lost(str(header.get("problem", "")), str(header.get("remedy", "")))

    def _check_alive(self) -> None:
        if self._loss is not None:
            raise self._loss  # why it died is told to everybody who waits
        if self.state in {"lost", "closed"}:
            raise WorkerLost("The worker was ended", "Try again: a new one starts by itself")

    def _check_start(self, limit: float, what: str) -> None:
        refused = self._launched.refused
        if self.process.poll() is not None or refused is not None:
            if self._launched.connection is not None and self._poll(0.0):
                return  # its last words are still to be read
            self.kill()
            why = f": {refused}" if refused is not None and self.process.poll() is None else ""
            raise self._lost(f"The worker stopped before it was ready{why}")
        if time.monotonic() - self._began > limit:
            self.kill()
            raise self._lost(f"The worker {what} within {limit:.0f} s")

    def _poll(self, wait: float) -> bool:
        self._check_alive()
        connection = self._launched.connection
        assert connection is not None, "polled before it called back"
        try:
            return connection.poll(wait)
        except (EOFError, OSError) as error:  # on Windows poll itself may raise
            raise self._lost("The worker stopped") from error

    def _receive(self) -> Reply:
        connection = self._launched.connection
        assert connection is not None
        try:
            return wire.receive(connection)
        except (EOFError, OSError) as error:
            raise self._lost("The worker stopped") from error
        except wire.BrokenFrame as error:
            self.kill()
            raise self._lost(f"The worker sent what cannot be read: {error}") from error

    def _lost(self, problem: str, remedy: str = "") -> WorkerLost:
        """The one error for every way to lose a worker, with its exit code and its log's tail."""
        self.state = "lost"
        code = self._put_away(CLOSE_SECONDS)
        tail = self._launched.log_tail()
        if not remedy:
            problem += f" (exit code {code})"
            last = tail.splitlines()[-1].strip() if tail else ""
            problem += f": {last}" if last else ""
            remedy = "Nothing in the file was changed. Try again: a new worker starts by itself"
        self._loss = WorkerLost(problem, remedy, exit_code=code, log=tail)
        return self._loss

    def _put_away(self, wait: float) -> int | None:
        """Close the connection, reap the process, remove the listener's folder."""
        self._launched.stop_listening()
        connection, self._launched.connection = self._launched.connection, None
        if connection is not None:
            connection.close()
        try:
            return self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def refused(header: Mapping[str, Any]) -> WorkerError:
    """What an answer of kind "error" says."""
    return WorkerError(
        str(header.get("kind", "Internal")),
        str(header.get("problem", "The worker reported an error without a text")),
        str(header.get("remedy", "")),
        missing=tuple(str(name) for name in header.get("missing") or ()),
    )
