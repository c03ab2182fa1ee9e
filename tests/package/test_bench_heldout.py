"""The benchmarks of held-out shapes: what they refuse before the first row, and what they judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from core.extraction import extract
from core.fitting.options import SECOND_ORDER
from tools import bench_heldout, bench_recipe
from tools.bench_heldout import PAIR, Task, space_of, wanted
from tools.spaces import shapes


def refused(capsys: pytest.CaptureFixture[str], bench, *arguments: object) -> str:
    """What a benchmark says before it ends with argparse's status, and without a table."""
    with pytest.raises(SystemExit) as ended:
        bench.main([str(each) for each in arguments])
    assert ended.value.code == 2
    out, told = capsys.readouterr()
    assert "|" not in out
    return told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), f"no shape of '{PAIR}' is held out"),
        ((PAIR,), f"no shape of '{PAIR}' is held out"),
        (("heads", PAIR), f"no shape of '{PAIR}' is held out"),
        (("heads", "--checkpoint", "folder"), "--checkpoint"),
        (("heads", "--fits", 4), "--fits 4: 'heads' has 3 held-out shapes"),
        (("heads", "--fits", 0), "0 is less than 1"),
        (("nobody",), "no built-in space 'nobody'"),
    ],
)
def test_what_has_no_held_out_shapes_is_refused_before_the_first_row(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[object],
    told: str,
) -> None:
    real = shapes.held_out
    three = (Path("a.ply"), Path("b.ply"), Path("c.ply"))
    monkeypatch.setattr(shapes, "held_out", lambda name: three if name == "heads" else real(name))
    assert told in refused(capsys, bench_recipe, "--held-out", *arguments)


@pytest.mark.parametrize("name", ["--judged", "--resolution"])
@pytest.mark.parametrize("cells", [3, 1025, "many"])
def test_cells_out_of_range_are_refused(
    capsys: pytest.CaptureFixture[str], name: str, cells: object
) -> None:
    assert name in refused(capsys, bench_heldout, name, cells)


def test_the_usage_and_the_head_tell_of_the_cells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bench_heldout.__doc__ is not None
    assert "[--judged CELLS]" in bench_heldout.__doc__
    monkeypatch.setattr(bench_heldout, "NAMES", ())  # no row
    assert bench_heldout.main(["--judged", "300"]) == 0
    assert "IoU at 300 cells: start" in capsys.readouterr().out


def test_a_pairs_target_is_the_same_however_fits_are_judged() -> None:
    vertices, faces, start = wanted(Task(PAIR, 1, 1, SECOND_ORDER, 64, 8), space_of(PAIR))
    space = space_of(PAIR)
    mesh = extract(space, space.codes[1], 128)
    assert np.array_equal(faces, mesh.faces.numpy())
    assert len(vertices) == len(mesh.vertices)
    assert torch.equal(start, space.codes[0])


def test_what_is_held_out_is_what_the_card_says(monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of("heads")
    apart = space.card["held_out_shapes"]
    names = sorted([*space.shape_names, *apart])
    monkeypatch.setattr(shapes, "paths", lambda recipe: {name: Path(name) for name in names})
    shapes.held_out.cache_clear()
    try:
        assert [path.name for path in shapes.held_out("heads")] == sorted(apart)
    finally:
        shapes.held_out.cache_clear()
    assert len(apart) > 10
