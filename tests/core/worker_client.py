"""A client of the real worker process, for tests: what Blender does, in a few lines."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np

from core.worker import wire

ROOT = Path(__file__).resolve().parents[2]
CALL_SECONDS = 30.0
# Importing torch took 1 to 10 s on a loaded machine.
READY_SECONDS = 180.0
END_SECONDS = 20.0


def environment(*path: Path, **more: str) -> dict[str, str]:
    """The worker's environment, as the door sets it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    places = os.pathsep.join(str(place) for place in (*path, ROOT))
    return {
        **kept,
        "PYTHONPATH": places,
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
        **more,
    }


class WorkerClient:
    """Starts a worker and talks to it. ``first`` may change the start line."""

    def __init__(
        self, *, family: str = "AF_UNIX", env: dict[str, str] | None = None, **first: Any
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="door")
        key = secrets.token_bytes(32)
        address: Any = ("127.0.0.1", 0)
        if family == "AF_UNIX":
            address = str(Path(self._folder.name) / "s")
        self._listener = Listener(address, family, authkey=key)
        said = self._listener.address
        line = {
            "protocol": 1,
            "family": family,
            "address": list(said) if family == "AF_INET" else said,
            "key": key.hex(),
            "device": "cpu",
            "threads": 0,
            **first,
        }
        self.log_file = tempfile.TemporaryFile()  # noqa: SIM115, close() closes it
        self.process = start(json.dumps(line).encode() + b"\n", self.log_file, env)
        self._connection: Connection | None = None
        self.refused: Exception | None = None
        self._number = 0

    @property
    def connection(self) -> Connection:
        """The connection; waits for the worker's call."""
        if self._connection is None:
            thread = threading.Thread(target=self._accept, daemon=True)
            thread.start()
            thread.join(CALL_SECONDS)
        assert self._connection is not None, f"the worker did not call: {self.log}"
        return self._connection

    def _accept(self) -> None:
        try:
            self._connection = self._listener.accept()
        except Exception as error:
            self.refused = error

    def wait_refused(self) -> Exception | None:
        """The error that the worker's call ended in."""
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        thread.join(CALL_SECONDS)
        return self.refused

    def receive(self, seconds: float = READY_SECONDS) -> wire.Frame:
        """The next frame."""
        assert self.connection.poll(seconds), f"nothing came: {self.log}"
        return wire.receive(self.connection)

    def send(self, op: str, arrays: dict[str, np.ndarray] | None = None, **fields: Any) -> int:
        """Send a request and return its number."""
        self._number += 1
        wire.send(self.connection, {"op": op, "id": self._number, **fields}, arrays)
        return self._number

    def ask(
        self, op: str, arrays: dict[str, np.ndarray] | None = None, **fields: Any
    ) -> wire.Frame:
        """Send a request and wait for its reply."""
        number = self.send(op, arrays, **fields)
        frame = self.receive()
        assert frame.header["id"] == number
        return frame

    def ready(self) -> WorkerClient:
        """Take hello and ready."""
        self.hello, self.readiness = self.receive().header, self.receive().header
        assert self.readiness["op"] == "ready", (self.readiness, self.log)
        return self

    def status(self, seconds: float = END_SECONDS) -> int:
        """The exit status, waited for."""
        return self.process.wait(seconds)

    @property
    def log(self) -> str:
        """What the worker has written so far."""
        self.log_file.seek(0)
        return self.log_file.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End everything, whatever state it is in."""
        self.process.kill()
        self.process.wait()
        if self._connection is not None:
            self._connection.close()
        self._listener.close()
        self.log_file.close()
        self._folder.cleanup()

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(line: bytes, log: Any, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A worker that is given ``line``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "core.worker"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd=tempfile.gettempdir(),
        env=env or environment(),
    )
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.close()
    return process


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_gone(pid: int, seconds: float) -> float:
    """Seconds until process ``pid`` has ended; fails after ``seconds``."""
    begin = time.monotonic()
    while is_running(pid):
        assert time.monotonic() - begin < seconds, f"process {pid} is still there"
        time.sleep(0.01)
    return time.monotonic() - begin
