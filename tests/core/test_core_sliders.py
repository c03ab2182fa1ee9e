"""Named sliders of a synthetic space whose codes are a known linear function of attributes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.sliders import MOST_SLIDERS, SliderReport, cross_validated_r2, find_sliders, readable

COUNT, LENGTH = 200, 8
NAMES = [f"shape_{i:03}" for i in range(COUNT)]


def linear_space(correlation: float = 0.8, noise: float = 0.02) -> tuple[np.ndarray, ...]:
    """Attributes ``(N, 3)`` (the first two correlated), their directions, codes with a rest."""
    rng = np.random.default_rng(5)
    values = rng.standard_normal((COUNT, 3))
    values[:, 1] = correlation * values[:, 0] + (1 - correlation**2) ** 0.5 * values[:, 1]
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    directions = np.zeros((3, LENGTH))
    directions[0, 0], directions[1, 1], directions[2, [2, 3]] = 2.0, 1.5, 0.7
    rest = np.zeros((COUNT, LENGTH))
    free = rng.standard_normal(COUNT)
    free -= values @ np.linalg.lstsq(values, free, rcond=None)[0]  # no chance correlation
    rest[:, 5] = 0.8 * free / free.std()
    codes = values @ directions + rest + noise * rng.standard_normal((COUNT, LENGTH))
    return values, directions, codes


def table(values: np.ndarray, keys: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {
        name: dict(zip(keys, map(float, row), strict=True))
        for name, row in zip(NAMES, values, strict=True)
    }


KEYS = ("age", "body_width", "nose")


def found(codes: np.ndarray, attributes: dict[str, dict[str, float]], **options) -> SliderReport:
    return find_sliders(torch.from_numpy(codes).float(), NAMES, attributes, **options)


def test_correlated_attributes_come_apart() -> None:
    """Age and width go together in the shapes; each slider moves its own direction only."""
    values, directions, codes = linear_space()
    report = found(codes, table(values, KEYS))
    by_name = {slider.name: slider for slider in report.sliders}
    for label, direction in zip(("Age", "Body width", "Nose"), directions, strict=True):
        assert by_name[label].offset.numpy() == pytest.approx(direction, abs=0.05)
    assert [s.name for s in report.sliders] == ["Age", "Body width", "Nose", "Shape 1"]
    alone = found(codes, table(values[:, :1], ("age",))).sliders[0].offset.numpy()
    assert abs(alone[1]) > 1.0  # without the joint regression, age would widen the body


def test_the_unit_is_a_deviation_and_the_range_what_was_seen() -> None:
    values, directions, codes = linear_space()
    wide = values * [30.0, 0.1, 1.0] + [40.0, 0.0, 0.0]
    slider = found(codes, table(wide, KEYS)).sliders[0]
    assert slider.offset.numpy() == pytest.approx(directions[0], abs=0.05)
    low, high = np.clip([values[:, 0].min(), values[:, 0].max()], -3, 3)
    assert (slider.low, slider.high) == pytest.approx((low, high))


def test_the_rest_has_axes_without_a_name() -> None:
    values, _, codes = linear_space()
    report = found(codes, table(values, KEYS))
    rest = report.sliders[-1]
    assert rest.name == "Shape 1"
    assert np.abs(rest.offset.numpy())[5] == pytest.approx(0.8, rel=0.02)
    for slider in report.sliders[:-1]:
        assert abs(float(rest.offset @ slider.offset)) < 1e-5


def test_without_attributes_principal_axes_remain() -> None:
    _, _, codes = linear_space()
    report = found(codes, {})
    assert [s.name for s in report.sliders[:2]] == ["Shape 1", "Shape 2"]
    assert len(report.sliders) <= MOST_SLIDERS
    lengths = [float(s.offset.norm()) for s in report.sliders]
    assert lengths == sorted(lengths, reverse=True)
    assert not report.attributes


def test_what_the_codes_do_not_hold_is_dropped_and_told() -> None:
    values, _, codes = linear_space()
    rng = np.random.default_rng(6)
    more = np.column_stack([values, rng.standard_normal(COUNT), np.full(COUNT, 3.0)])
    attributes = table(more, (*KEYS, "luck", "legs"))
    for name in NAMES[:5]:
        attributes[name]["rare"] = 1.0
    report = found(codes, attributes)
    told = {attribute.name: attribute for attribute in report.attributes}
    assert not {"Luck", "Legs", "Rare"} & {slider.name for slider in report.sliders}
    assert "explain" in told["luck"].reason
    assert told["luck"].r2 < 0.1
    assert told["legs"].reason == "the same for all shapes"
    assert told["rare"].reason == "known of 5 shapes only"
    assert told["age"].reason == ""
    assert told["age"].r2 > 0.99


def test_missing_values_and_shapes() -> None:
    """A quarter of one attribute is missing, and some shapes have none at all."""
    values, directions, codes = linear_space(correlation=0.0)
    attributes = table(values, KEYS)
    for name in NAMES[::4]:
        del attributes[name]["nose"]
    for name in NAMES[1::20]:
        del attributes[name]
    attributes[NAMES[2]]["age"] = float("nan")
    by_name = {s.name: s.offset.numpy() for s in found(codes, attributes).sliders}
    assert by_name["Age"] == pytest.approx(directions[0], abs=0.25)
    assert by_name["Nose"] == pytest.approx(directions[2], abs=0.25)


def test_names_of_ones_own_and_attributes_kept_out() -> None:
    values, directions, codes = linear_space()
    report = found(codes, table(values, KEYS), names={"age": "Years", "body_width": ""})
    assert [s.name for s in report.sliders[:2]] == ["Years", "Nose"]
    assert report.sliders[0].offset.numpy() == pytest.approx(directions[0], abs=0.05)
    assert {a.name: a.reason for a in report.attributes}["body_width"] == "kept out"


def test_no_more_than_asked_for() -> None:
    values, _, codes = linear_space()
    report = found(codes, table(values, KEYS), most=2)
    assert [s.name for s in report.sliders] == ["Age", "Body width"]
    assert "others" in {a.name: a.reason for a in report.attributes}["nose"]


def test_two_shapes_and_none() -> None:
    two = find_sliders(torch.tensor([[0.0, 1.0], [1.0, 1.0]]), ["a", "b"], {})
    assert [slider.name for slider in two.sliders] == ["Shape 1"]
    assert find_sliders(torch.zeros(0, 4), [], {}).sliders == ()
    assert find_sliders(torch.zeros(3, 4), ["a", "b", "c"], {}).sliders == ()


def test_r2_is_that_of_shapes_that_were_not_seen() -> None:
    """With more directions than shapes any values fit; those left out do not."""
    rng = np.random.default_rng(7)
    codes = rng.standard_normal((40, 60))
    assert cross_validated_r2(codes, rng.standard_normal(40)) < 0.3
    assert cross_validated_r2(codes[:, :3], codes[:, 0] * 2 + 1) > 0.99


def test_readable() -> None:
    assert readable("handle_radius") == "Handle radius"
