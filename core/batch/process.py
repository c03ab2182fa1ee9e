"""One process that does fits of a batch, one after the other, and whether it still lives.

A pool of the standard library ends as a whole when one of its processes dies, and does not tell
which fit it was at.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from ..errors import MeshSDFError
from .doing import fit_entry
from .entries import Entry
from .results import Outcome, Settings

if TYPE_CHECKING:
    from ..space import Space

# A process that has nothing to do ends at once; one that does not is ended.
END_SECONDS = 10.0


class ProcessDied(Exception):
    """It ended without being asked to."""


class FitProcess:
    """A process that loads the space, then does what it is given; ``entry`` is under way.

    ``problem`` is why it cannot begin, where it said so.
    """

    def __init__(self, settings: Settings) -> None:
        # It starts anew: torch's threads do not survive a fork.
        context = get_context("spawn")
        self.entry: Entry | None = None
        self.problem = ""
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, settings), daemon=True)
        self._process.start()
        theirs.close()  # else its death would not be seen

    def hear(self) -> Outcome | None:
        """What it says next: None once it can begin, then what became of ``entry``.

        Raises ProcessDied, and leaves ``entry`` as it was then.
        """
        try:
            outcome: Outcome | str | None = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ProcessDied from error
        if isinstance(outcome, str):
            self.problem = outcome
            raise ProcessDied(outcome)
        self.entry = None
        return outcome

    def take(self, entry: Entry) -> None:
        """Give it a fit to do."""
        self.entry = entry
        with contextlib.suppress(OSError):  # it died meanwhile, which is heard next
            self.connection.send(entry)

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.connection.close()
        if self.entry is None:
            self._process.join(END_SECONDS)
        self._process.kill()
        self._process.join()
        self._process.close()


def first_to_speak(processes: Sequence[FitProcess]) -> FitProcess:
    """One of them that has said something, or died; waits for it."""
    ready = wait([process.connection for process in processes])
    return next(process for process in processes if process.connection in ready)


def serve(connection: Connection, settings: Settings) -> None:
    """What the process does: fits, each with one thread, until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    try:
        space = _space(settings)
    except Exception as error:
        with contextlib.suppress(OSError):
            connection.send(str(error) or type(error).__name__)
        return
    with contextlib.suppress(EOFError, OSError):  # whoever started it is gone
        connection.send(None)
        while True:
            entry = connection.recv()
            try:
                outcome = fit_entry(entry, settings, space)
            except MeshSDFError as error:
                outcome = Outcome(entry.name, problem=str(error))
            except OSError as error:
                told = f"It cannot be written: {error.strerror or error}"
                outcome = Outcome(entry.name, problem=told)
            except Exception as error:
                outcome = Outcome(entry.name, problem=str(error) or type(error).__name__)
            connection.send(outcome)


def _space(settings: Settings) -> Space:
    import torch

    from ..loading import load_space

    torch.set_num_threads(1)
    return load_space(settings.space, up=settings.up)
