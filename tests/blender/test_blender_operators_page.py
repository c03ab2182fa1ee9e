"""docs/operators.md has every operator, with the names and defaults that scripts meet."""

from __future__ import annotations

import re

import bpy
import pytest

from tools import operators_page

MODULE = "bl_ext.checkout.meshsdf"
STALE = "docs/operators.md is stale: run python3 dev.py docs"
TEXT = operators_page.PAGE.read_text(encoding="utf-8")


def entries(text):
    """The lines of each operator, by its name."""
    found = re.findall(r"^### `(meshsdf\.\w+)`\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert len(found) == len(dict(found))
    return {name: body.split("\n```python")[0] for name, body in found}


def test_none_is_missing_and_none_is_gone():
    there = {cls.bl_idname for cls in operators_page.registered(MODULE)}
    called = {f"meshsdf.{name}" for name in dir(bpy.ops.meshsdf)}
    assert called == there
    assert set(entries(TEXT)) == there, STALE


@pytest.mark.parametrize("name", sorted(entries(TEXT)))
def test_each_is_told_as_it_is(name):
    cls = next((c for c in operators_page.registered(MODULE) if c.bl_idname == name), None)
    assert cls is not None, STALE
    now = entries(operators_page.entry(cls, MODULE))[name]
    assert now.splitlines() == entries(TEXT)[name].rstrip("\n").splitlines(), STALE


def test_the_defaults_of_the_page_are_those_of_a_call():
    """Not the class but what `bpy.ops` itself says."""
    for name, body in entries(TEXT).items():
        rna = getattr(bpy.ops.meshsdf, name.partition(".")[2]).get_rna_type()
        for argument, default in re.findall(r"^\| `(\w+)` \| `([^`]*)`", body, re.M):
            item = rna.properties[argument]
            value = item.default
            if getattr(item, "is_array", False):
                value = tuple(item.default_array)
            wanted = pytest.approx(value, rel=1e-5) if item.type == "FLOAT" else value
            assert eval(default) == wanted, (name, argument)


def test_the_examples_name_what_there_is():
    for operator, given in re.findall(r"^bpy\.ops\.(meshsdf\.\w+)\((.*)\)$", TEXT, re.M):
        body = entries(TEXT)[operator]
        for argument in re.findall(r"(\w+)=", given):
            assert f"| `{argument}` |" in body, (operator, argument)


def test_what_is_stale_is_noticed():
    cls = next(c for c in operators_page.registered(MODULE) if c.bl_idname == "meshsdf.slide")
    told = operators_page.entry(cls, MODULE)
    assert "| `value` | `0`, -6 to 6 |" in told
    assert "Needs: an active shape, no running fit." in told
    assert told in TEXT, STALE
