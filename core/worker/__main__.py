"""Start of the worker: connect, say hello, import torch, then serve. See docs/protocol.md.

Nothing but the standard library is imported before hello, so that Blender hears from a worker
whose torch is missing or broken.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import os
import platform
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from queue import SimpleQueue
from typing import IO, Any, NoReturn

from . import wire

MAX_START_BYTES = 64 * 1024
FAMILIES = ("AF_UNIX", "AF_PIPE", "AF_INET")
# Import name and the name to install.
NEEDED = {
    "torch": "torch",
    "numpy": "numpy",
    "skimage": "scikit-image",
    "scipy": "scipy",
    "safetensors": "safetensors",
}

EXIT_BROKEN_FRAME = 1
EXIT_BAD_START = 2
EXIT_UNREADY = 3
EXIT_NO_CONNECTION = 4


@dataclass(frozen=True)
class Start:
    """The line that Blender writes to our standard input."""

    protocol: object
    family: str
    address: Any
    key: bytes
    device: str
    threads: int

    @staticmethod
    def read(stream: IO[bytes]) -> Start:
        """Raises ValueError. The line holds a key and never appears in a message."""
        try:
            value = json.loads(stream.readline(MAX_START_BYTES).decode("utf-8"))
            key = bytes.fromhex(value["key"])
            family, address = value["family"], value["address"]
            device, threads = value.get("device", "cpu"), value.get("threads", 0)
            protocol = value.get("protocol")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError("it is not the JSON object of the protocol") from None
        if family not in FAMILIES or not key:
            raise ValueError("'family' or 'key' is not of the protocol")
        if family == "AF_INET":
            if not isinstance(address, list) or len(address) != 2:
                raise ValueError("'address' is no [host, port]")
            address = (str(address[0]), int(address[1]))
        elif not isinstance(address, str):
            raise ValueError("'address' is no text")
        if not isinstance(device, str) or type(threads) is not int or threads < 0:
            raise ValueError("'device' or 'threads' is not of the protocol")
        return Start(protocol, family, address, key, device, threads)


class UnreadyError(Exception):
    """This Python cannot do the work; ``missing`` are names to install."""

    def __init__(self, problem: str, remedy: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.missing = problem, remedy, missing


def check_packages() -> None:
    """Raises UnreadyError where a package is missing, or torch is broken or too old."""
    missing = [
        package for name, package in NEEDED.items() if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise UnreadyError(
            f"{sys.executable} has no {', '.join(missing)}",
            f"Install it there: python -m pip install {' '.join(missing)}; "
            "or name another Python in the preferences",
            tuple(missing),
        )
    try:
        import torch
    except Exception as error:
        traceback.print_exc()
        raise UnreadyError(
            f"torch in {sys.executable} cannot be imported: {error}",
            "Install it again, or name another Python in the preferences",
            ("torch",),
        ) from error
    from ..checkpoint import OLDEST_TORCH, torch_version

    version = str(torch.__version__)
    if torch_version(version) < OLDEST_TORCH:
        raise UnreadyError(
            f"torch {version} in {sys.executable} is too old: loading a file with it can run code "
            "that is hidden in the file",
            "Install torch 2.6 or newer there, or name another Python in the preferences",
            ("torch",),
        )


def read_forever(connection: wire.Messages, requests: SimpleQueue[wire.Frame]) -> None:
    """The one reader. It ends the process when Blender is gone, whatever torch is doing."""
    while True:
        try:
            frame = wire.receive(connection)
        except (EOFError, OSError):
            leave(0)
        except wire.BrokenFrameError as error:
            print(f"Broken frame: {error}", file=sys.stderr)
            leave(EXIT_BROKEN_FRAME)
        if frame.header.get("op") == "bye":
            leave(0)
        requests.put(frame)


def leave(status: int) -> NoReturn:
    """End at once: a normal exit would wait for torch and join what must not be joined."""
    sys.stderr.flush()
    os._exit(status)


def main() -> NoReturn:
    """Run the worker to its end."""
    faulthandler.enable()
    # A Ctrl+C in the terminal that Blender runs in is Blender's; we end when it does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start = Start.read(sys.stdin.buffer)
        connection = Client(start.address, family=start.family, authkey=start.key)
    except ValueError as error:
        print(f"The worker's start line cannot be used: {error}", file=sys.stderr)
        leave(EXIT_BAD_START)
    except (OSError, EOFError, AuthenticationError) as error:
        print(f"No connection to Blender: {type(error).__name__}: {error}", file=sys.stderr)
        leave(EXIT_NO_CONNECTION)
    requests: SimpleQueue[wire.Frame] = SimpleQueue()
    try:
        wire.send(
            connection,
            {
                "op": "hello",
                "id": 0,
                "protocol": wire.PROTOCOL,
                "python": platform.python_version(),
                "pid": os.getpid(),
            },
        )
        reader = threading.Thread(target=read_forever, args=(connection, requests), daemon=True)
        reader.start()
        serve(start, connection, requests)
    except (EOFError, OSError):
        leave(0)


def serve(start: Start, connection: wire.Messages, requests: SimpleQueue[wire.Frame]) -> NoReturn:
    """Import torch, say ready or unready, and answer requests."""
    try:
        if start.protocol != wire.PROTOCOL:
            raise UnreadyError(
                f"The extension speaks protocol {start.protocol}, its worker {wire.PROTOCOL}",
                "Restart Blender; if that does not help, install the extension again",
            )
        check_packages()
        from .machine import Machine

        machine = Machine.choose(start.device, start.threads)
        from .service import Service

        service = Service(connection, requests, machine.device)
    except Exception as error:
        if isinstance(error, UnreadyError):
            problem, remedy, missing = error.problem, error.remedy, error.missing
        else:
            traceback.print_exc()
            problem, remedy, missing = f"The worker cannot start: {error}", "See its log", ()
        wire.send(
            connection,
            {
                "op": "unready",
                "id": 0,
                "problem": problem,
                "remedy": remedy,
                "missing": list(missing),
            },
        )
        leave(EXIT_UNREADY)
    wire.send(connection, {"op": "ready", "id": 0, **machine.described()})
    service.run()


if __name__ == "__main__":
    main()
