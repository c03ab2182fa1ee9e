"""Processes of a batch that die: which fits that costs, and that every batch ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.batch import BatchError, Entry, Outcome, Settings, running
from core.batch import process as one_process
from core.fitting import FitOptions

SPACE = Path(__file__).parents[2] / "spaces" / "bob_and_spot.safetensors"


def dies(entry: Entry, settings: Settings, _space: object) -> Outcome:
    """In the place of a fit: those called "bad" end their process, those called "once" do once."""
    trace = settings.out / f"{entry.name}.tries"
    tries = len(trace.read_bytes()) if trace.exists() else 0
    trace.write_bytes(b"x" * (tries + 1))
    if entry.name.startswith("bad") or (entry.name.startswith("once") and not tries):
        os._exit(9)
    return Outcome(entry.name, {"iou": 1.0, "pid": os.getpid()})


def serve_and_die(connection: Connection, settings: Settings) -> None:
    one_process.fit_entry = dies
    real_serve(connection, settings)


def cannot_start(_connection: Connection, _settings: Settings) -> None:
    os._exit(9)


real_serve = one_process.serve


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # By this name the processes find this file.
    monkeypatch.setitem(sys.modules, "tests.core.test_core_batch_died", sys.modules[__name__])
    monkeypatch.setattr(one_process, "serve", serve_and_die)
    return Settings(SPACE, tmp_path / "out", FitOptions())


def outcomes(settings: Settings, *names: str, processes: int) -> dict[str, Outcome]:
    entries = [Entry(name, (Path("a.png"),), (Path("c.json"),)) for name in names]
    found = list(running.run(entries, settings, processes=processes))
    assert len(found) == len(names)
    return {outcome.name: outcome for outcome in found}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_process_that_dies_costs_its_own_fit_alone(settings: Settings, processes: int) -> None:
    told = outcomes(settings, "one", "bad", "two", "once", "three", processes=processes)
    assert {name for name, outcome in told.items() if outcome.problem} == {"bad"}
    assert "its process died" in told["bad"].problem
    assert "memory may be short" in told["bad"].problem
    tries = {name: len((settings.out / f"{name}.tries").read_bytes()) for name in told}
    assert tries == {"one": 1, "bad": 2, "two": 1, "once": 2, "three": 1}


def test_a_batch_whose_fits_all_die_ends(settings: Settings) -> None:
    told = outcomes(settings, "bad 1", "bad 2", "bad 3", processes=2)
    assert all("died" in outcome.problem for outcome in told.values())


def test_a_batch_without_processes_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_process, "serve", cannot_start)
    with pytest.raises(BatchError, match="No process"):
        outcomes(settings, "one", "two", "three", processes=2)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_space_that_cannot_be_loaded_is_told(
    settings: Settings, tmp_path: Path, processes: int
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no space")
    with pytest.raises(BatchError, match="No process") as caught:
        outcomes(replace(settings, space=broken), "one", "two", processes=processes)
    assert "broken.safetensors" in str(caught.value)
    assert "emory" not in str(caught.value)


def test_a_batch_that_is_left_leaves_no_process(settings: Settings) -> None:
    entries = [Entry(str(number), (Path("a.png"),), (Path("c.json"),)) for number in range(9)]
    batch: Iterator[Outcome] = running.run(entries, settings, processes=2)
    pid = next(batch).figures["pid"]
    os.kill(pid, 0)
    batch.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
