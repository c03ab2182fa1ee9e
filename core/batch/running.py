"""A batch under way: fits handed to processes, and processes that died replaced.

A fit whose process dies, for want of memory say, is tried once more after all others, alone; if
that one dies too, the fit has failed. So every batch ends, and no fit costs another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence

from .entries import BatchError, Entry
from .process import FitProcess, ProcessDied, first_to_speak
from .results import Outcome, Settings, check_apart, done_before

DIED = "its process died, and died again: memory may be short"


def run(entries: Sequence[Entry], settings: Settings, *, processes: int) -> Iterator[Outcome]:
    """Do the fits that are not done yet, ``processes`` at a time; an outcome as each one ends.

    Fits do not depend on each other: one that fails is told of, and the others go on. Raises
    BatchError where a result would replace what is read, or no process can start.
    """
    check_apart(entries, settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    todo = []
    for entry in entries:
        done = done_before(entry, settings)
        if done is None:
            todo.append(entry)
        else:
            yield done
    died = yield from _done_by(todo, settings, processes)
    died = yield from _done_by(died, settings, 1)
    for entry in died:
        yield Outcome(entry.name, problem=DIED)


def _done_by(
    entries: Sequence[Entry], settings: Settings, processes: int
) -> Generator[Outcome, None, list[Entry]]:
    """Outcomes of fits; at last those fits whose process died."""
    waiting, died = deque(entries), list[Entry]()
    running = [FitProcess(settings) for _ in range(min(processes, len(waiting)))]
    try:
        while running:
            process = first_to_speak(running)
            try:
                outcome = process.hear()
            except ProcessDied:
                running.remove(process)
                process.end()
                if process.entry is not None:
                    died.append(process.entry)
                    if len(running) < len(waiting):
                        running.append(FitProcess(settings))
                elif waiting and not running:
                    raise _no_process(process.problem) from None
                continue
            if outcome is not None:
                yield outcome
            if waiting:
                process.take(waiting.popleft())
            else:
                running.remove(process)
                process.end()
    finally:
        for process in running:
            process.end()
    return died


def _no_process(problem: str) -> BatchError:
    """What is said where none can begin: its own words, where it came to say them."""
    if problem:
        return BatchError(f"No process for fits can start: {problem}")
    return BatchError("No process for fits can start", "Memory may be short: free some")
