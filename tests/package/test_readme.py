"""What the README shows runs as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from core.__main__ import _parser
from core.viewfile import KEYS, read_view
from tools.demo import words

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/command-line.md",
    "docs/library.md",
    "docs/reconstruction.md",
)


def test_the_librarys_example_runs() -> None:
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example
    done = subprocess.run(
        [sys.executable, "-c", example[1]],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"volume 0\.3\d+, its derivative \[", done.stdout)


def test_the_librarys_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
    assert len(blocks) == 3
    done = subprocess.run(
        [sys.executable, "-c", "".join(blocks)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    fitted, posed, drawn, beside = re.search(
        r"IoU ([\d.]+)\n\w+ \[.*?IoU ([\d.]+) at.*?off by ([\d.]+).*?IoU ([\d.]+)",
        done.stdout,
        re.DOTALL,
    ).groups()
    assert min(map(float, (fitted, posed, beside))) > 0.98, done.stdout
    assert float(drawn) < 0.02, done.stdout


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            there = (ROOT / page).parent / target
            assert "://" in target or there.exists(), f"{page}: {target}"


def test_every_command_that_is_shown_exists() -> None:
    known = (ROOT / "dev.py").read_text(encoding="utf-8")
    for page in PAGES:
        for command in re.findall(r"python3 dev\.py (\w+)", (ROOT / page).read_text()):
            assert f'"{command}"' in known, f"{page}: dev.py {command}"


def test_the_command_lines_page_shows_what_there_is(tmp_path: Path) -> None:
    """Its commands parse, its cameras can be read, and no key is left out."""
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    \.venv/bin/python -m core (.*)", page, re.MULTILINE)
    verbs = {"info", "mesh", "interpolate", "fit", "fit-batch", "train", "encode", "export"}
    assert {command.split()[0] for command in shown} == verbs
    for command in shown:
        _parser().parse_args(command.split())
    cameras = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    matrices = []
    for camera in cameras:
        (tmp_path / "camera.json").write_text(camera)
        matrices.append(read_view(tmp_path / "camera.json", 64, 64).matrix)
        assert json.loads(camera).keys() <= KEYS
    assert matrices[-1].allclose(matrices[-2])
    assert {
        key
        for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    } == KEYS


def test_the_reconstruction_pages_commands_parse() -> None:
    page = (ROOT / "docs" / "reconstruction.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    \.venv/bin/python -m core (.*)", page, re.MULTILINE)
    assert {command.split()[0] for command in shown} == {"reconstruct", "teach", "fit"}
    for command in shown:
        _parser().parse_args(command.split())


def test_every_built_in_space_is_shown_and_leads_to_its_card() -> None:
    text = (ROOT / "README.md").read_text()
    spaces = {path.stem for path in (ROOT / "spaces").glob("*.safetensors")}
    assert spaces
    shown = re.findall(r'<img src="spaces/(\w+)\.png" width="120" alt="[^"]+">', text)
    cards = re.findall(r"\]\(spaces/(\w+)\.md\)", text)
    assert set(shown) == spaces
    assert cards == shown  # each name under its picture


def test_the_readmes_pictures_are_small() -> None:
    text = (ROOT / "README.md").read_text()
    for linked, drawn in re.findall(r"!\[[^]]*\]\(([^)]+)\)|src=\"([^\"]+)\"", text):
        assert (ROOT / (linked or drawn)).stat().st_size < 300_000


def test_the_demo_tells_a_success_as_one() -> None:
    assert "No more to gain" not in words.ended("No more to gain", good=True)
    assert words.ended("No more to gain", good=False) == "no more to gain"
    assert words.picture_line(16, 45, best=True) == "demo: picture 16, the best step, 45"
    assert words.picture_line(15, 55, best=False) == "demo: picture 15, step 55"
    for file in ("demo_steps.png", "demo.gif", "demo.blend"):
        assert f"out/{file}" in words.CLOSING
