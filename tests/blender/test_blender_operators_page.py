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
    assert "Needs: no running fit; an active shape; the active object in Object Mode" in told
    assert told in TEXT, STALE


def test_every_poll_is_made_of_needs_that_the_page_says(part):
    """So that nothing is refused for a reason that the page does not have."""
    polled, needs = part("operators.guarded").Polled, part("operators.needs")
    body = entries(TEXT)
    checked = 0
    for cls in operators_page.registered(MODULE):
        own = [base for base in cls.__mro__ if "poll" in vars(base)]
        if not own:
            continue  # Blender asks it for nothing
        assert [base for base in own if base.__module__.startswith(MODULE)] in ([], [polled])
        words = [need.words for which in ("needs", "asks") for need in needs.of(cls, which)]
        for told in words:
            assert told in body[cls.bl_idname], (cls.bl_idname, told, STALE)
        assert ("Needs: " in body[cls.bl_idname]) == bool(words)
        checked += bool(words)
    assert checked > 40


def test_a_poll_refuses_for_each_of_its_needs(part, shape_object, monkeypatch):
    """The words on the page are those of checks that are really made."""
    needs, refusal = part("operators.needs"), part("errors").Refusal
    asked = {}

    def check(need, context):
        asked[need.words] = asked.get(need.words, 0) + 1
        raise refusal(f"No: {need.words}")

    for cls in operators_page.registered(MODULE):
        for number, need in enumerate(needs.of(cls)):
            alone = needs.Need(need.words, lambda context, need=need: check(need, context))
            with monkeypatch.context() as patched:
                patched.setattr(needs, "of", lambda *_, alone=alone: [alone])
                assert not cls.poll(bpy.context), (cls.bl_idname, number)
    assert {"no running fit", "an active shape", "a stored code", "a view in the list"} <= set(
        asked
    )


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("slide", "an active shape"),
        ("code_apply", "a stored code"),
        ("fit", "a target that is set"),
        ("bake_frames", "the shape shown, and animated"),
        ("target_preview", "a target that is set"),
        ("fit_accept", "a fit that waits to be accepted"),
        ("view_move", "a view in the list"),
        ("view_look", "a camera of this scene in that view"),
        ("outline_draw", "a camera"),
        ("encode", "an active mesh or point cloud"),
        ("make_shape", "an active regular mesh that was a shape"),
        ("train_stop", "a running training"),
        ("fit_stop", "a running fit"),
        ("fix_code", "an active shape"),
    ],
)
def test_needs_are_said_for_what_newcomers_missed(name, wanted):
    assert wanted in re.search(r"Needs: (.*)", entries(TEXT)[f"meshsdf.{name}"])[1]


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("bake_frames", "start", "the scene's"),
        ("bake_frames", "end", "the scene's"),
        ("randomise", "locks", "the shape's own"),
        ("space_drop", "location", "the 3D cursor's"),
        ("encode", "placement", '`"MATCH"`; `"KEEP"` for a part'),
    ],
)
def test_what_an_argument_is_where_it_is_not_given_is_said(name, argument, words):
    assert f"| `{argument}` | {words} |" in entries(TEXT)[f"meshsdf.{name}"]


def test_no_argument_is_told_apart_but_by_what_the_page_says(part):
    """Whoever asks whether an argument was given has to say what it is else."""
    folder = operators_page.ROOT / "meshsdf_blender" / "operators"
    asking = {p.name for p in folder.glob("*.py") if "is_property_set" in p.read_text("utf-8")}
    # train: whether to open a file browser; teach: what its dialog begins with.
    assert asking == {"guarded.py", "train.py", "teach.py"}
