"""A process that makes raw shapes on demand, for packages that cannot live in this one."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from tools.spaces.solidify import NotOneSolid


@dataclass(frozen=True)
class Program:
    """What to run, with which variables besides this process's, and where its words go."""

    command: Sequence[str]
    variables: Mapping[str, str]
    log: Path


class Generator:
    """Asks a program for shapes, one at a time; a context manager. It starts at the first one.

    The program reads a line that ends in a file's path, writes arrays there (.npz) and answers
    with a line of JSON: ``{"attributes": {name: number}}`` or ``{"problem": "..."}``.
    """

    def __init__(self, prepare: Callable[[], Program]) -> None:
        self._prepare = prepare
        self._process: subprocess.Popen[str] | None = None
        self._answered = False
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> Generator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()

    def ask(self, request: str) -> tuple[dict[str, Any], dict[str, float]]:
        """The arrays and attributes of what ``request`` names.

        Raises NotOneSolid where the program says that it cannot, or ends, after which the next
        request starts it again; SystemExit where it ends before its first answer.
        """
        if self._process is None:
            self._process, self._answered = self._start(), False
        path = Path(self._folder.name) / "raw.npz"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{request} {path}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            # Closes the pipes as well.
            self._process.communicate()
            status = self._process.returncode
            self._process = None
            if not self._answered:
                raise SystemExit(f"the generator does not start (status {status}): see its log")
            raise NotOneSolid(f"the generator ended with status {status}")
        self._answered = True
        answer = json.loads(line)
        if "problem" in answer:
            raise NotOneSolid(answer["problem"])
        with np.load(path) as data:
            return dict(data), answer["attributes"]

    def _start(self) -> subprocess.Popen[str]:
        program = self._prepare()
        with program.log.open("w") as log:
            return subprocess.Popen(
                list(program.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **program.variables},
            )
