"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md")


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


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            assert "://" in target or (ROOT / target).exists(), f"{page}: {target}"


def test_every_command_that_is_shown_exists() -> None:
    known = (ROOT / "dev.py").read_text(encoding="utf-8")
    for page in PAGES:
        for command in re.findall(r"python3 dev\.py (\w+)", (ROOT / page).read_text()):
            assert f'"{command}"' in known, f"{page}: dev.py {command}"
