"""dev.py's own promises: what it counts, which tests it runs, what it says of a bare machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import dev
from tools.dev import blenders, checks, early, environment, libraries, wheels
from tools.dev.checks import Count

REPORT = (
    '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10">'
    "</testsuite></testsuites>"
)


def test_the_numbers_of_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    assert checks.read_report(path) == Count()
    path.write_text(REPORT)
    assert str(checks.read_report(path)) == "4 passed, 3 failed, 3 skipped"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_a(): pass", Count(1, 0, 0)),
        ("def test_a(): assert False", Count(0, 1, 0)),
        ("import os\ndef test_a(): os._exit(0)", Count(0, 1, 0)),
        ("import nothing_of_that_name", Count(0, 1, 0)),
    ],
)
def test_no_failure_is_hidden(tmp_path: Path, body: str, expected: Count) -> None:
    sample = tmp_path / "test_sample_of_dev.py"
    sample.write_text(body)
    python = Path(sys.executable)
    assert checks.run_group(python, [str(sample)], ["-p", "no:cacheprovider"], True) == expected


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ([Count(3, 0, 1)], 0),
        ([Count(3, 1, 0)], 1),
        ([Count(0, 0, 2)], 1),
        ([Count(0, 0, 0)], 1),
        ([Count(9, 0, 0), Count(0, 0, 2)], 1),
        ([Count(9, 0, 0), Count(0, 0, 0)], 0),  # a choice by -k leaves folders without tests
    ],
)
def test_what_was_skipped_was_not_shown(
    monkeypatch: pytest.MonkeyPatch, counts: list[Count], status: int
) -> None:
    folders = {checks.TESTS / str(number): [] for number in range(len(counts))}
    monkeypatch.setattr(checks, "groups", lambda arguments: folders)
    monkeypatch.setattr(checks, "run_group", lambda *_, **__: counts.pop(0))
    assert checks.run_tests(Path(sys.executable), [], everything=False) == status


def test_a_pytest_that_hangs_after_its_report_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.xml"
    report.touch()
    monkeypatch.setattr(checks, "END_SECONDS", 0.5)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert checks.wait(process, report) == -1
    assert process.poll() is not None


def test_paths_choose_groups_and_options_go_to_pytest() -> None:
    here = str(Path(__file__))
    arguments = [f"{here}::test_x", "-k", "core", "-x"]
    assert checks.groups(arguments) == {Path(__file__).parent: [f"{here}::test_x"]}
    assert checks.options(arguments) == ["-k", "core", "-x"]
    assert Path(__file__).parent in checks.groups([])


def test_a_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    error = "ImportError: libSM.so.6: cannot open shared object file: No such file or directory"
    monkeypatch.setattr(libraries.shutil, "which", lambda name: None)
    text = str(libraries.explain(error, ["libSM.so.6", "libXi.so.6"]))
    assert "libSM.so.6, libXi.so.6" in text
    assert "sudo apt-get install libsm6 libxi6" in text
    monkeypatch.setattr(libraries.shutil, "which", lambda name: "/usr/bin/dnf")
    assert "sudo dnf install libSM libXi" in str(libraries.explain(error, ["libXi.so.6"]))


def test_a_library_we_do_not_know_is_named_too() -> None:
    error = "ImportError: libfoo.so.7: cannot open shared object file: No such file or directory"
    assert "libfoo.so.7" in str(libraries.explain(error, []))


def test_linux_never_gets_cuda_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.TORCH_CHOICE, raising=False)
    monkeypatch.setattr(environment.sys, "platform", "linux")
    assert all(attempt[0].endswith("+cpu") for attempt in environment.torch_attempts())
    monkeypatch.setenv(environment.TORCH_CHOICE, "torch==2.13.0")
    assert environment.torch_attempts() == [["torch==2.13.0"]]


def test_other_pins_make_another_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = environment.fingerprint()
    assert environment.fingerprint() == before
    other = tmp_path / "pins.txt"
    other.write_text(environment.PINS.read_text() + "another==1.0\n")
    monkeypatch.setattr(environment, "PINS", other)
    assert environment.fingerprint() != before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["bench", "fits", "--help"], "dev.py bench fits [SPACE ...]"),
        (["bench", "heldout", "-h"], "--solvers"),
        (["bench", "--help"], "Other benches: fits, heldout"),
        (["bench", "step", "--help"], "extraction, a step of Adam"),
        (["spaces", "--help"], "dev.py spaces NAME"),
    ],
)
def test_help_needs_no_environment(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda: pytest.fail("an environment was made"))
    monkeypatch.setattr(sys, "argv", ["dev.py", *arguments])
    assert dev.main() == 0
    assert expected in capsys.readouterr().out


def test_a_bench_that_there_is_not_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda: pytest.fail("an environment was made"))
    monkeypatch.setattr(sys, "argv", ["dev.py", "bench", "fit2"])
    assert dev.main() == 1
    said = capsys.readouterr().err
    assert "there is no bench 'fit2'" in said
    assert all(name in said for name in (*dev.BENCHES, *early.PARTS))


def test_every_bench_has_its_file_and_its_help() -> None:
    files = {f"bench_{name}.py" for name in dev.BENCHES}
    # Of a part of another one, no command.
    assert files == {path.name for path in early.TOOLS.glob("bench_*.py")} - {"bench_upload.py"}
    for name in dev.BENCHES:
        assert f"dev.py bench {name}" in early.told("bench", [name, "--help"], dev.BENCHES)
    tree = ast.parse((early.TOOLS / "bench.py").read_text())
    parts = [
        ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "PARTS" in ast.unparse(node)[:6]
    ]
    assert parts
    assert all(repr(part) in parts[0] for part in early.PARTS)


def tiny_wheel(folder: Path, name: str) -> None:
    """A package of one module and no dependency, version 1.0."""
    info = f"{name}-1.0.dist-info"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def test_an_interrupted_set_up_goes_on_with_what_was_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first time it is interrupted while it installs; then the network is gone."""
    index, pins = tmp_path / "index", tmp_path / "pins.txt"
    for name in ("faketorch", "bpy", "small"):
        tiny_wheel(index, name)
    pins.write_text("bpy==1.0\nsmall==1.0\n")
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PINS", pins)
    for variable, value in (
        (environment.TORCH_CHOICE, "faketorch==1.0"),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(index)),
        ("PIP_CONFIG_FILE", "/dev/null"),
    ):
        monkeypatch.setenv(variable, value)
    run = subprocess.run

    def interrupted(command: list[str], **options: bool) -> subprocess.CompletedProcess[bytes]:
        if "install" in command and str(pins) in command:
            raise KeyboardInterrupt
        return run(command, **options)

    with monkeypatch.context() as patched:
        patched.setattr(environment.subprocess, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            environment.ensure()
    wheels = tmp_path / ".venv" / environment.WHEELS
    assert len(list(wheels.iterdir())) == 3
    # What was being written is fetched again; a package that is half there is not taken for whole.
    (wheels / "small-1.0-py3-none-any.whl").write_bytes(b"PK half of it")
    for name in ("faketorch", "bpy"):
        (index / f"{name}-1.0-py3-none-any.whl").unlink()
    python = environment.ensure()
    assert "left unfinished" in capsys.readouterr().out
    done = run([str(python), "-c", "import faketorch, bpy, small"], check=False)
    assert done.returncode == 0
    assert not wheels.exists()
    assert environment.ensure() == python
    assert "dev.py" not in capsys.readouterr().out  # nothing more to do


def test_bundled_wheels_are_pinned_and_run_on_every_blender() -> None:
    pinned = wheels.pins()
    assert set(wheels.BUNDLED) <= set(pinned)
    assert "numpy" not in wheels.BUNDLED
    # 1.16 and newer fail on the numpy 1.24 of Blender 4.2.
    assert tuple(map(int, pinned["scipy"].split("."))) < (1, 16)


def test_every_supported_blender_can_be_tested() -> None:
    """4.5 is in .venv; the manifest's oldest and the README's others have environments."""
    readme = (environment.ROOT / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith("| Blender |"))
    named = set(re.findall(r"\b(\d\.\d)(?: LTS)?(?=[,; ]|$)", row))
    assert named == {"4.5", *blenders.BLENDERS}
    assert set(blenders.NEEDED) <= set(wheels.pins())


def test_notices_hold_name_licence_and_text(tmp_path: Path) -> None:
    wheel = tmp_path / "some_thing-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "some_thing-1.2.dist-info/METADATA",
            "Name: some-thing\nLicense-Expression: MIT\nHome-page: https://example.org\n",
        )
        archive.writestr("some_thing-1.2.dist-info/licenses/LICENSE.txt", "Do as you like.")
    text = wheels.notices([wheel, wheel])
    assert text.count("| some-thing | 1.2 | MIT | https://example.org |") == 1
    assert "Do as you like." in text
