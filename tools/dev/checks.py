"""Tests and lint, each run with the environment's Python."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from .environment import ROOT, say

TESTS = ROOT / "tests"
# A group that hangs is ended and counted as failed; bpy may hang after the report was written.
GROUP_SECONDS = 40 * 60
END_SECONDS = 60
NO_TESTS_COLLECTED = 5
LINTED = ("__init__.py", "core", "meshsdf_blender", "tests", "tools", "examples", "dev.py")
TYPED = ("core", "meshsdf_blender")


@dataclass
class Count:
    """How a run of tests ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Count) -> None:
        """Add another run's numbers to these."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_tests(
    python: Path,
    arguments: list[str],
    *,
    everything: bool,
    variables: Mapping[str, str] | None = None,
) -> int:
    """Run the tests, each folder of tests/ in a process of its own, and print one line of totals.

    bpy and torch do not share a process well, and a crash in one folder must not hide the others.
    Two run at a time where there are two cores or more, one thread each; what one says comes when
    it ends.

    Parameters
    ----------
    arguments
        Handed on to pytest; paths restrict the run to their folders.
    everything
        Also the tests marked `heavy`.
    variables
        Of the tests' environment, beside those that are there.
    """
    chosen, total = groups(arguments), Count()
    at_once = 2 if (os.cpu_count() or 1) > 1 and len(chosen) > 1 else 1

    def run(folder: Path) -> Count:
        say(f"tests in {folder.relative_to(ROOT)}")
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            said = output if at_once > 1 else None
            count = run_group(
                python, chosen[folder], options(arguments), everything, variables, output=said
            )
            seconds = time.monotonic() - started
            output.seek(0)
            print(output.read().decode(errors="replace"), end="")
        say(f"{folder.name}: {count} ({seconds:.0f} s)")
        return count

    with ThreadPoolExecutor(at_once) as pool:
        counts = dict(zip(chosen, pool.map(run, chosen), strict=True))
    for folder, count in counts.items():
        if count.skipped and not count.passed + count.failed:
            say(f"{folder.name}: every test was skipped, so nothing was shown: counted as failed")
            count.failed += 1
        total.add(count)
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


def run_group(
    python: Path,
    targets: list[str],
    extra: list[str],
    everything: bool,
    variables: Mapping[str, str] | None = None,
    *,
    output: IO[bytes] | None = None,
) -> Count:
    """One pytest process; a process that dies without a report counts as one failure.

    What it prints goes into ``output``, if given.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        marks = [] if everything else ["-m", "not heavy"]
        command = [str(python), "-m", "pytest", f"--junitxml={report}", *marks, *extra, *targets]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment(), **(variables or {})},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )
        code = wait(process, report)
        told = report.exists()
        count = read_report(report)
    if not count.failed and (not told or code not in (0, NO_TESTS_COLLECTED)):
        say(f"pytest ended with status {code} and told of no failed test: counted as one")
        count.failed += 1
    return count


def wait(process: subprocess.Popen[bytes], report: Path) -> int:
    """The status of a pytest process; one that hangs is killed and has status -1."""
    deadline = time.monotonic() + GROUP_SECONDS
    ending = False
    while time.monotonic() < deadline:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=2)
        if report.exists() and not ending:
            ending = True
            deadline = time.monotonic() + END_SECONDS
    say("pytest hangs: ended")
    process.kill()
    process.wait()
    return -1


def read_report(report: Path) -> Count:
    """The numbers of a JUnit report; zeros where none was written."""
    if not report.exists():
        return Count()
    # Our own pytest wrote it.
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))  # noqa: S314
    total, failed, errors, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    )
    return Count(max(total - failed - errors - skipped, 0), failed + errors, skipped)


def groups(arguments: list[str]) -> dict[Path, list[str]]:
    """Which folders to run, and with which targets: all of them, or those of the paths given."""
    chosen: dict[Path, list[str]] = {}
    for argument in filter(is_target, arguments):
        path = Path(argument.split("::", 1)[0]).resolve()
        inside = path.relative_to(TESTS).parts if path.is_relative_to(TESTS) else ()
        if inside:
            chosen.setdefault(TESTS / inside[0], []).append(argument)
    if chosen:
        return chosen
    folders = sorted({path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")})
    return {TESTS / name: [str(TESTS / name)] for name in folders}


def options(arguments: list[str]) -> list[str]:
    """What of pytest's arguments is not a path."""
    return [argument for argument in arguments if not is_target(argument)]


def is_target(argument: str) -> bool:
    """Whether an argument is a path to tests rather than an option or an option's value."""
    path = Path(argument.split("::", 1)[0])
    return path.exists() and path.resolve().is_relative_to(TESTS)


def environment() -> dict[str, str]:
    """The tests' environment: a fixed, small number of threads unless asked otherwise."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    threads = str(max(1, (os.cpu_count() or 2) // 2))
    variables.setdefault("OMP_NUM_THREADS", threads)
    variables.setdefault("MKL_NUM_THREADS", threads)
    return variables


def lint(python: Path) -> int:
    """ruff's rules and format, and mypy over both packages; the worst status of the three."""
    paths = [path for path in LINTED if (ROOT / path).exists()]
    typed = [path for path in TYPED if any((ROOT / path).glob("**/*.py"))]
    commands = (
        ["-m", "ruff", "check", *paths],
        ["-m", "ruff", "format", "--check", *paths],
        ["-m", "mypy", *typed],
    )
    worst = 0
    for command in commands:
        say(" ".join(command[1:]))
        worst = max(
            worst, subprocess.run([str(python), *command], check=False, cwd=ROOT).returncode
        )
    return worst
