"""Many fits from the command line: what is done, what is done again, what fails alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.__main__ import _parser, main
from core.batch import BatchError, Entry, digest_of, entries_of, is_file_name, part_of
from core.loading import load_space

ROOT = Path(__file__).parents[2]
SPACES = ROOT / "spaces"
CAMERA = {"location": [0, -4, 0.3], "look_at": [0, 0, 0], "lens": 60}


def ball(path: Path, radius: float, *, across: float = 0.0) -> None:
    """A white disc, somewhat right of the middle: nearly a silhouette of spot or bob."""
    rows, columns = np.mgrid[:64, :64] + 0.5
    disc = (rows - 32) ** 2 + (columns - 32 - across) ** 2 < radius**2
    Image.fromarray((255 * disc).astype(np.uint8)).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, radius in enumerate((14, 17)):
        ball(folder / f"disc_{number}.png", radius)
    (tmp_path / "camera.json").write_text(json.dumps(CAMERA))
    return folder


Batch = Callable[..., tuple[int, str, str]]


@pytest.fixture
def batch(pictures: Path, capsys: pytest.CaptureFixture[str]) -> Batch:
    """Run it with further arguments: status, output, errors."""

    def run(*more: str) -> tuple[int, str, str]:
        above = pictures.parent
        common = ["fit-batch", "bob_and_spot", str(pictures), "--out", str(above / "out")]
        common += ["--camera", str(above / "camera.json"), "--processes", "2"]
        status = main([*common, "--resolution", "24", "--steps", "3", *more])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_a_batch_leaves_codes_and_meshes_and_goes_on_where_it_was(
    pictures: Path, batch: Batch
) -> None:
    (pictures / "broken.png").write_bytes(b"no picture")
    status, out, errors = batch()
    assert status == 1
    assert "1 of 3 fits failed" in errors
    assert "broken: failed: " in out
    found = pictures.parent / "out"
    assert sorted(p.name for p in found.iterdir()) == [
        f"disc_{number}.{suffix}" for number in (0, 1) for suffix in ("json", "ply")
    ]
    told = json.loads((found / "disc_0.json").read_text())
    assert len(told["code"]) == 2
    assert told["iou"] >= told["iou_at_start"]

    (pictures / "broken.png").unlink()
    ball(pictures / "disc_1.png", 12)
    before = {path.name: path.stat().st_mtime_ns for path in found.iterdir()}
    status, out, _ = batch()
    after = {path.name: path.stat().st_mtime_ns for path in found.iterdir()}
    assert status == 0
    assert "disc_0: IoU" in out
    assert [line.split(":")[0][6:] for line in out.splitlines() if "done before" in line] == [
        "disc_0"
    ]
    assert {name for name in after if after[name] == before[name]} == {"disc_0.json", "disc_0.ply"}

    (found / "disc_0.ply").unlink()
    status, out, _ = batch("--prior", "0.01")
    assert status == 0
    assert "done before" not in out


def test_results_never_take_the_place_of_pictures_or_cameras(pictures: Path) -> None:
    (pictures / "disc_0.json").write_text(json.dumps(CAMERA))
    (pictures / "disc_1.json").write_text(json.dumps(CAMERA))
    told = (pictures / "disc_0.json").read_text()
    status = main(["fit-batch", "bob_and_spot", str(pictures), "--out", str(pictures)])
    assert status == 1
    assert (pictures / "disc_0.json").read_text() == told


@pytest.mark.parametrize(
    "name", ["a\0b", "\ud800", "NUL", "con.x", "a\\b", "a/b", "..", "a.", " a"]
)
def test_names_that_some_system_cannot_write(name: str) -> None:
    assert not is_file_name(name)
    assert is_file_name("Chair 1.old")


def test_another_space_is_another_batch(pictures: Path, batch: Batch) -> None:
    assert batch()[0] == 0
    digests = {digest_of(load_space(SPACES / f"{name}.safetensors")) for name in ("heads", "cups")}
    assert len(digests) == 2
    _, out, _ = batch()
    assert out.count("done before") == 2


def test_a_list_names_views_and_starts(pictures: Path) -> None:
    entry = {"name": "both", "targets": ["pictures/disc_0.png"] * 2, "start": "spot"}
    entry["cameras"] = ["camera.json", "camera.json"]
    path = pictures.parent / "fits.json"
    path.write_text(
        json.dumps([entry, {"targets": "pictures/disc_1.png", "cameras": "camera.json"}])
    )
    first, second = entries_of(path, None)
    assert (first.name, first.start, len(first.cameras)) == ("both", "spot", 2)
    assert second.name == "disc_1"
    assert second.targets == (pictures / "disc_1.png",)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"name": "../out", "targets": ["a.png"], "cameras": ["c.json"]}, "no file can have"),
        ({"name": ".", "targets": ["a.png"], "cameras": ["c.json"]}, "no file can have"),
        ({"targets": ["a.png", "b.png"], "cameras": ["c.json"]}, "2 targets and 1 cameras"),
        ({"targets": []}, "0 targets"),
        ({"targets": [1], "cameras": ["c.json"]}, "no paths"),
        ({"targets": ["a.png"], "cameras": ["c.json"], "code": 1}, "unknown keys"),
        ("a.png", "no object"),
    ],
)
def test_what_a_list_may_not_hold(tmp_path: Path, entry: object, word: str) -> None:
    path = tmp_path / "fits.json"
    path.write_text(json.dumps([entry]))
    with pytest.raises(BatchError, match=word):
        entries_of(path, None)


def test_a_folder_needs_cameras_and_names_of_their_own(pictures: Path) -> None:
    with pytest.raises(BatchError, match="no camera"):
        entries_of(pictures, None)
    (pictures / "disc_0.json").write_text("{}")
    entries = entries_of(pictures, pictures.parent / "camera.json")
    assert [entry.cameras[0].name for entry in entries] == ["disc_0.json", "camera.json"]
    ball(pictures / "Disc_0.jpg", 10)
    with pytest.raises(BatchError, match="Two fits"):
        entries_of(pictures, pictures.parent / "camera.json")
    (pictures.parent / "empty").mkdir()
    with pytest.raises(BatchError, match="no fits"):
        entries_of(pictures.parent / "empty", None)


def named(*names: str) -> list[Entry]:
    return [Entry(name, (Path("a.png"),), (Path("c.json"),)) for name in names]


def test_parts_are_the_whole() -> None:
    entries = named(*(f"chair {number:04}" for number in range(2000)))
    parts = [part_of(entries, number, 8) for number in range(1, 9)]
    found = [entry.name for part in parts for entry in part]
    assert sorted(found) == [entry.name for entry in entries]
    # Of 250 each; drawn by chance they would be 15 off.
    assert max(abs(len(part) - 250) for part in parts) < 4 * 15
    assert part_of(entries, 1, 1) == entries


def test_a_fit_stays_in_its_part_when_others_come_and_go() -> None:
    entries = named(*(f"chair {number}" for number in range(100)))
    for number in (1, 2, 3):
        part = part_of(entries, number, 3)
        assert part_of(named("a chair") + entries, number, 3)[-len(part) :] == part
        assert part_of(entries[1:], number, 3) == [each for each in part if each != entries[0]]
    # For good: other machines of the farm may run another Python or an older version.
    assert [entry.name for entry in part_of(named(*"abcdef"), 2, 2)] == ["d"]
    assert [entry.name for entry in part_of(named(*"ABCDEF"), 2, 2)] == ["D"]


def test_a_part_does_its_own_fits(pictures: Path, batch: Batch) -> None:
    for bad in ("3/2", "0/2"):
        with pytest.raises(SystemExit):
            batch("--part", bad)
    entries = entries_of(pictures, pictures.parent / "camera.json")
    for number in (1, 2):
        own = {entry.name for entry in part_of(entries, number, 2)}
        status, out, _ = batch("--part", f"{number}/2", "--meshes", "none")
        assert status == 0
        assert {name for name in ("disc_0", "disc_1") if name in out} == own
        assert ("holds no fits" in out) == (not own)
    found = sorted(p.name for p in (pictures.parent / "out").iterdir())
    assert found == ["disc_0.json", "disc_1.json"]
    _, out, _ = batch("--meshes", "none")
    assert out.count("done before") == 2


def test_the_farms_job_makes_a_task_of_each_part(tmp_path: Path) -> None:
    """Flamenco's own compiler in JavaScript, with what it offers to a job type stood in for."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run JavaScript with")
    script = (ROOT / "examples" / "flamenco" / "meshsdf-fit-batch.js").read_text("utf-8")
    stage = """
const author = {
  Task: (name, type) => ({name, type, commands: [], addCommand(c) { this.commands.push(c); }}),
  Command: (name, parameters) => ({name, parameters}),
};
const tasks = [];
const settings = {python: "/py", checkout: "/mesh", space: "heads", fits: "/in", out: "/out",
                  camera: "", parts: 3, processes: 2, options: "--invert  --resolution 96"};
compileJob({settings, addTask: task => tasks.push(task)});
console.log(JSON.stringify({tasks, keys: JOB_TYPE.settings.map(s => s.key)}));
"""
    file = tmp_path / "job.js"
    file.write_text(script + stage, "utf-8")
    told = json.loads(subprocess.run([node, file], check=True, capture_output=True).stdout)
    assert len(told["tasks"]) == 3
    command = told["tasks"][1]["commands"][0]
    assert (command["name"], command["parameters"]["exe"]) == ("exec", "env")
    path, python, *arguments = command["parameters"]["args"]
    assert (path, python) == ("PYTHONPATH=/mesh", "/py")
    assert arguments[:2] == ["-m", "core"]
    options = _parser().parse_args(arguments[2:])
    assert (options.part, options.processes, options.invert, options.resolution) == (
        (2, 3),
        2,
        True,
        96,
    )


def test_the_help_of_a_fit_tells_the_defaults_as_they_are():
    from core.batch_commands import OPTIONS
    from core.fitting import FitOptions

    for field in fields(FitOptions):
        if isinstance(field.default, int | float) and not isinstance(field.default, bool):
            kind, said = OPTIONS[field.name.replace("_", "-")]
            assert said.endswith(f"({field.default:g})"), field.name
            assert kind is type(field.default)


def test_every_option_of_a_batch_says_what_it_is(capsys):
    with pytest.raises(SystemExit):
        main(["fit-batch", "--help"])
    told = capsys.readouterr().out
    entries = re.split(r"\n  (?=\S)", told.partition("positional arguments:")[2])[1:]
    assert len(entries) > 20
    for entry in entries:
        name, _, said = " ".join(entry.split()).partition(" ")
        assert len(said.split()) > 3, name
