"""Starting a worker: a clean environment, a listener of one's own, the key through stdin."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from .wire import PROTOCOL

# A socket's path holds about 100 bytes on every system; longer ones need AF_INET.
LONGEST_SOCKET_PATH = 90
JOIN_SECONDS = 2.0


def clean_environment(python_path: Sequence[str]) -> dict[str, str]:
    """This process's environment without anything that bends another Python's imports.

    A user's PYTHONHOME stopped the worker, a foreign PYTHONPATH broke its numpy; without
    PYTHONSAFEPATH a folder named ``core`` in the working folder would run in place of ours.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("PYTHON") and name != "__PYVENV_LAUNCHER__"
    }
    environment["PYTHONPATH"] = os.pathsep.join(python_path)
    environment["PYTHONSAFEPATH"] = "1"
    environment["PYTHONNOUSERSITE"] = "1"
    environment["PYTHONIOENCODING"] = "utf-8"
    return environment


def quiet_process() -> dict[str, Any]:
    """Popen options: no console window, no share in the terminal's signals, no folder locked."""
    options: dict[str, Any] = {"cwd": tempfile.gettempdir()}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    else:
        options["start_new_session"] = True
    return options


@dataclass
class Launched:
    """A started worker; ``connection`` is filled by the accepting thread when it calls back."""

    process: subprocess.Popen[bytes]
    log: Path
    listener: Listener
    address: str | tuple[str, int]
    folder: Path | None
    connection: Connection | None = None
    refused: Exception | None = None
    accepting: threading.Thread | None = None

    def stop_listening(self) -> None:
        """End the accepting thread and the listener; harmless when repeated."""
        if self.accepting is not None and self.accepting.is_alive():
            # Closing a listener wakes nobody who waits in accept(): a call without a key does. The
            # thread may close it at any moment, and a closed one has forgotten its address.
            with contextlib.suppress(OSError):
                _knock(self.address)
            self.accepting.join(JOIN_SECONDS)
        self.forget_listener()

    def forget_listener(self) -> None:
        """Close the listener and remove its folder; harmless when repeated."""
        with contextlib.suppress(OSError):
            self.listener.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def log_tail(self, lines: int = 12) -> str:
        """The end of what the worker wrote to stdout and stderr."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 8192))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])


def launch(python: str, python_path: Sequence[str], *, device: str, threads: int) -> Launched:
    """Start ``python -m core.worker`` and a thread that waits for its call. Raises OSError."""
    key = secrets.token_bytes(32)
    listener, family, folder = _listen(key)
    log_handle, log_name = tempfile.mkstemp(prefix="meshsdf-", suffix=".log")
    try:
        process = subprocess.Popen(
            [python, "-m", "core.worker"],
            stdin=subprocess.PIPE,
            stdout=log_handle,
            stderr=log_handle,
            env=clean_environment(python_path),
            **quiet_process(),
        )
    except OSError:
        listener.close()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        Path(log_name).unlink(missing_ok=True)
        raise
    finally:
        os.close(log_handle)
    launched = Launched(process, Path(log_name), listener, listener.address, folder)
    # Touches no bpy, and ends with the listener; the caller watches the process beside it.
    launched.accepting = threading.Thread(target=_accept, args=(launched,), daemon=True)
    launched.accepting.start()
    _greet(launched, family=family, key=key, device=device, threads=threads)
    return launched


def _listen(key: bytes) -> tuple[Listener, str, Path | None]:
    """A listener only this user can reach, its family, and the folder to remove."""
    if sys.platform == "win32":
        return Listener(family="AF_PIPE", authkey=key), "AF_PIPE", None
    folder = Path(tempfile.mkdtemp(prefix="meshsdf-"))
    address = folder / "door"
    if len(os.fsencode(address)) <= LONGEST_SOCKET_PATH:
        return Listener(str(address), family="AF_UNIX", authkey=key), "AF_UNIX", folder
    folder.rmdir()
    return Listener(("127.0.0.1", 0), family="AF_INET", authkey=key), "AF_INET", None


def _accept(launched: Launched) -> None:
    try:
        launched.connection = launched.listener.accept()
    except Exception as error:  # a wrong key, a closed listener: the waiting side reports it
        launched.refused = error
    launched.forget_listener()


def _knock(address: str | tuple[str, int]) -> None:
    """Call a listener and hang up at once. Raises OSError where nobody listens."""
    Client(address).close()


def _greet(launched: Launched, *, family: str, key: bytes, device: str, threads: int) -> None:
    """Tell the worker where to call, on its stdin and never on its command line."""
    address = launched.listener.address
    greeting = {
        "protocol": PROTOCOL,
        "family": family,
        "address": list(address) if isinstance(address, tuple) else address,
        "key": key.hex(),
        "device": device,
        "threads": threads,
    }
    assert launched.process.stdin is not None
    try:
        with launched.process.stdin as stdin:
            stdin.write(json.dumps(greeting).encode("utf-8") + b"\n")
    except OSError:
        pass  # it died already: the waiting side sees the exit code and the log
