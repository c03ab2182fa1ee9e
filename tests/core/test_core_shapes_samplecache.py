"""Samples on disk: whole or not at all, damaged ones taken again, a full disk named."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import TrainingError
from core.shapes.samplecache import SampleCache
from core.shapes.sampling import Samples
from core.shapes.signing import Report

REPORT = Report("cup", "repaired", ("holes closed: 2",))


def samples(seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (100, 3)).astype(np.float32)
    return Samples(points, rng.normal(size=100).astype(np.float32))


def same(first: Samples | None, second: Samples) -> bool:
    return first is not None and all(
        np.array_equal(a, b)
        for a, b in [(first.points, second.points), (first.distances, second.distances)]
    )


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    cache = SampleCache(tmp_path / "samples")
    assert cache.get("a") is None
    assert cache.report("a") is None
    cache.put("a", samples(), REPORT)
    assert same(SampleCache(tmp_path / "samples").get("a"), samples())
    assert cache.report("a") == REPORT
    assert cache.get("b") is None


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "other", "pickled", "shape"])
def test_a_damaged_entry_counts_as_absent_and_can_be_put_again(tmp_path: Path, damage: str) -> None:
    cache = SampleCache(tmp_path)
    cache.put("a", samples(), REPORT)
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[400] ^= 0xFF
    path.write_bytes(
        {"truncated": data[: len(data) // 2], "empty": b"", "flipped": bytes(flipped)}.get(
            damage, b"PK not a zip"
        )
    )
    if damage == "pickled":
        np.savez(path, points=np.array([{}], object), distances=np.zeros(1, np.float32))
    if damage == "shape":
        np.savez(path, points=np.zeros((4, 3), np.float32), distances=np.zeros(3, np.float32))
    assert cache.get("a") is None
    cache.put("a", samples(1), REPORT)
    assert same(cache.get("a"), samples(1))


def test_a_full_disk_is_named_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = SampleCache(tmp_path)
    cache.put("a", samples(), REPORT)
    cache.put("b", samples(1), REPORT)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("core.files.os.fsync", full)
        for key in ("a", "c"):
            with pytest.raises(TrainingError, match=r"'cup'.*the disk is full.*Free some space"):
                cache.put(key, samples(2), REPORT)
    assert same(cache.get("a"), samples())
    assert same(cache.get("b"), samples(1))
    assert cache.get("c") is None
    assert len(list(tmp_path.iterdir())) == 2
    cache.put("c", samples(2), REPORT)
    assert same(cache.get("c"), samples(2))


def test_a_key_cannot_leave_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no key"):
        SampleCache(tmp_path).get("../a")
