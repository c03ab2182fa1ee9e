"""The start of the tab: its guide, the picker, the card, dropped files."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from tests.blender.drawn import Drawn

ROOT = Path(__file__).resolve().parents[2]


class Page(Drawn):
    """A layout that also notes menus, pictures and the texts of buttons."""

    def __init__(self):
        super().__init__()
        self.menus = {}

    def menu(self, name, *, text="", **_):
        self.menus[name] = text

    def template_icon_view(self, settings, name, **_):
        self.properties.append((name, getattr(settings, name)))

    def separator(self, **_):
        pass


def page(panel, scene, ob, mode="OBJECT"):
    layout = Page()
    system = SimpleNamespace(ui_scale=1)
    context = SimpleNamespace(
        scene=scene,
        active_object=ob,
        view_layer=bpy.context.view_layer,
        mode=mode,
        region=None,
        preferences=SimpleNamespace(system=system),
    )
    panel.draw(SimpleNamespace(layout=layout), context)
    return layout


def test_the_guide_follows_what_is_there(scene, fake, part):
    main = part("panels.start").MESHSDF_PT_main
    empty = page(main, scene, None)
    assert [label[:2] for label in empty.labels] == ["1.", "2.", "3.", "Or"]
    assert {"meshsdf.shape_add", "meshsdf.example_load"} <= set(empty.passed)
    assert ("picked", "builtin:heads") in empty.properties

    bpy.ops.meshsdf.shape_add(space=fake.space)
    ob = bpy.context.active_object
    selected = page(main, scene, ob)
    assert [label.partition(":")[0] for label in selected.labels] == ["Fake", "New shape"]
    assert "meshsdf.shape_add" in selected.passed
    assert "meshsdf.example_load" not in selected.passed

    other = page(main, scene, scene.camera)
    assert other.words == "Select a shape to go on: New shape:"
    assert other.passed["meshsdf.shape_select"].name == ob.name

    wrong = page(main, scene, scene.camera, "EDIT_MESH")
    assert "Object Mode" in wrong.words
    assert wrong.passed["object.mode_set"].mode == "OBJECT"


def test_a_regular_mesh_that_was_a_shape_has_its_way_back(shape_object, scene, part):
    main = part("panels.start").MESHSDF_PT_main
    bpy.ops.meshsdf.make_regular()
    shown = page(main, scene, shape_object)
    assert "is a regular mesh now" in shown.words
    assert "meshsdf.make_shape" in shown.passed
    bpy.ops.meshsdf.make_shape()
    assert "meshsdf.make_shape" not in page(main, scene, shape_object).passed


def test_a_shape_is_selected_by_its_name_or_the_first(shape_object, scene):
    bpy.ops.meshsdf.shape_add(space=shape_object.meshsdf.space)
    second = bpy.context.active_object
    bpy.ops.meshsdf.shape_select(name=shape_object.name)
    assert bpy.context.active_object == shape_object
    assert bpy.context.selected_objects == [shape_object]
    shape_object.hide_set(True)
    bpy.context.view_layer.objects.active = second
    assert bpy.ops.meshsdf.shape_select() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="no shape 'Nobody'"):
        bpy.ops.meshsdf.shape_select(name="Nobody")


def test_the_picker_lists_what_can_be_chosen_and_chooses_it(scene, fake, part):
    choice, settings = scene.meshsdf.choice, scene.meshsdf
    names = [item[0] for item in part("spaces.space_choice")._choices(choice, bpy.context)]
    assert names == [f"builtin:{n}" for n in part("spaces.catalogue").builtin_names()]
    choice.picked = "builtin:vases"
    assert (settings.space, settings.space_up) == ("builtin:vases", "FILE")
    assert choice.picked == "builtin:vases"
    bpy.ops.meshsdf.space_load(filepath=fake.space, up="Y")
    assert choice.picked == fake.space
    choice.picked = "builtin:heads"
    choice.picked = fake.space
    assert (settings.space, settings.space_up) == (fake.space, "Y")
    # One that is in no menu, as a script may set it.
    settings.space = "/nowhere/other.safetensors"
    assert choice.picked == "/nowhere/other.safetensors"


def test_the_texts_of_the_picker_outlive_the_callback(scene, part):
    """Blender points into them: new ones at each call show the words of other spaces."""
    ask = part("spaces.space_choice")._choices
    scene.meshsdf.loaded.add().name = "Mine"
    first, second = (ask(scene.meshsdf.choice, None) for _ in range(2))
    assert len(first) > 5
    for one, other in zip(first, second, strict=True):
        assert all(a is b for a, b in zip(one[:3], other[:3], strict=True))


def test_a_space_in_the_picker_says_what_it_is(scene, part):
    told = {i[0]: i for i in part("spaces.space_choice")._choices(scene.meshsdf.choice, None)}
    assert told["builtin:heads"][1] == "Heads"
    assert told["builtin:heads"][2].startswith("Heads of people")


def test_pictures_are_loaded_once_and_go_with_the_extension(scene, part, monkeypatch, tmp_path):
    pictures = part("spaces.pictures")
    pictures.unregister()
    loaded = []

    class Collection(dict):
        def load(self, name, path, kind):
            loaded.append(path)
            self[name] = SimpleNamespace(icon_id=1000 + len(loaded))
            return self[name]

    removed = []
    previews = SimpleNamespace(new=Collection, remove=removed.append)
    stand_in = {"app": SimpleNamespace(background=False), "types": bpy.types}
    stand_in["utils"] = SimpleNamespace(previews=previews)
    monkeypatch.setattr(pictures, "bpy", SimpleNamespace(**stand_in))
    pictures.register()

    def icon(space):
        """What is shown once the disk was looked at, beside the drawing."""
        pictures.icon(space)
        part("beside")._tick()
        return pictures.icon(space)

    assert pictures.icon("builtin:heads") < 1000
    assert loaded == []
    assert icon("builtin:heads") == icon("builtin:heads") == 1001
    assert loaded == [str(Path(part("identity").SPACES_FOLDER) / "heads.png")]
    mine = tmp_path / "mine.safetensors"
    generic = icon(str(mine))
    assert 0 < generic < 1000
    (tmp_path / "mine.webp").write_bytes(b"")
    assert icon(str(mine)) == generic  # the disk is not asked again
    pictures.look_again(str(mine))
    assert icon(str(mine)) == 1002
    pictures.unregister()
    assert len(removed) == 1
    monkeypatch.undo()
    pictures.register()


def test_every_built_in_space_has_a_picture_and_a_card(part):
    catalogue, card = part("spaces.catalogue"), part("spaces.space_card")
    for name in catalogue.builtin_names():
        assert (ROOT / "spaces" / f"{name}.png").is_file()
        told = dict(card.read(f"builtin:{name}"))
        assert {"", "Shapes", "Quality", "Limits", "Origin", "Licence"} <= set(told), name
        assert "known shape" in told["Shapes"]
        assert f"resolution of {card.JUDGED_CELLS}" in told["Quality"]


def test_a_card_is_read_beside_drawing_and_says_what_it_lacks(scene, part, tmp_path):
    card = part("spaces.space_card")
    path = tmp_path / "mine.safetensors"
    told = {"format": "meshsdf-space", "shape_names": ["a"], "card": {"licence": "CC0", "x": 1}}
    header = json.dumps({"__metadata__": {"meshsdf": json.dumps(told)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert card.card(str(path)) == ()
    part("beside")._tick()
    assert dict(card.card(str(path))) == {"Shapes": "1 known shape", "Licence": "CC0"}
    path.unlink()
    assert dict(card.card(str(path)))["Licence"] == "CC0"
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\xff" * 40)
    assert "cannot be read" in card.read(str(broken))[0][1]
    assert "DeepSDF" in card.read(str(tmp_path))[0][1]
    scene.meshsdf.space = "builtin:bob_and_spot"
    page(part("panels.card").MESHSDF_PT_card, scene, None)
    part("beside")._tick()
    page_of = page(part("panels.card").MESHSDF_PT_card, scene, None)
    assert "Keenan Crane" in page_of.words
    assert "meshsdf.space_pack" in page_of.passed


def test_files_can_be_dropped_onto_the_3d_view(part):
    handler = bpy.types.MESHSDF_FH_space
    assert handler.bl_import_operator == "meshsdf.space_drop"
    assert handler.bl_file_extensions == ".safetensors;.json;.pth"
    for kind, taken in (("VIEW_3D", True), ("IMAGE_EDITOR", False), (None, False)):
        area = SimpleNamespace(type=kind) if kind else None
        assert handler.poll_drop(SimpleNamespace(area=area)) == taken
    # What Blender fills in on a drop.
    rna = bpy.ops.meshsdf.space_drop.get_rna_type().properties
    assert rna["filepath"].subtype == "FILE_PATH"
    assert rna["directory"].subtype == "DIR_PATH"
    assert rna["files"].fixed_type.identifier == "OperatorFileListElement"
    assert all(rna[name].is_skip_save for name in ("filepath", "directory", "files"))


def dropped(path, **more):
    """The operator as Blender calls it after a drop."""
    path = Path(path)
    return bpy.ops.meshsdf.space_drop(
        "INVOKE_DEFAULT",
        filepath=str(path),
        directory=str(path.parent),
        files=[{"name": path.name}],
        **more,
    )


def test_a_dropped_space_is_loaded_and_a_shape_stands_at_the_cursor(scene, fake):
    scene.cursor.location = (1, 2, 3)
    assert dropped(fake.space) == {"FINISHED"}
    ob = bpy.context.active_object
    assert ob.meshsdf.space == fake.space
    assert tuple(ob.location) == (1, 2, 3)
    assert scene.meshsdf.space == fake.space
    assert [entry.path for entry in scene.meshsdf.loaded] == [fake.space]
    assert dropped(fake.space, location=(-1, 0, 0.5)) == {"FINISHED"}
    np.testing.assert_allclose(bpy.context.active_object.location, (-1, 0, 0.5))


def test_a_dropped_specs_json_means_its_folder(scene, fake, tmp_path):
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / "specs.json").write_text("{}")
    assert dropped(folder / "specs.json") == {"FINISHED"}
    assert bpy.context.active_object.meshsdf.space == str(folder)
    assert bpy.context.active_object.meshsdf.up == "Y"


def test_what_is_no_space_is_refused_and_nothing_is_added(scene, fake, tmp_path):
    before = len(bpy.data.objects)
    (tmp_path / "package.json").write_text("{}")
    with pytest.raises(RuntimeError, match=r"'package\.json' is no shape space\. Choose .*specs"):
        dropped(tmp_path / "package.json")
    with pytest.raises(RuntimeError, match="is not there"):
        dropped(tmp_path / "gone.safetensors")
    assert len(bpy.data.objects) == before
    assert not scene.meshsdf.loaded


def test_the_add_menu_has_every_space(scene, fake, part):
    bpy.ops.meshsdf.space_load(filepath=fake.space)
    layout = SimpleNamespace(offered=[])

    def operator(name, *, text, icon_value):
        assert icon_value > 0
        layout.offered.append((name, SimpleNamespace()))
        return layout.offered[-1][1]

    layout.operator = operator
    menu = part("operators.shape_add").MESHSDF_MT_add
    menu.draw(SimpleNamespace(layout=layout), bpy.context)
    assert {name for name, _ in layout.offered} == {"meshsdf.shape_add"}
    assert "builtin:cups" in {given.space for _, given in layout.offered}
    assert fake.space in {given.space for _, given in layout.offered}
