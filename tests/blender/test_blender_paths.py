"""Paths that start with // are relative to the .blend: they work in every place that takes one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import bpy
import numpy as np
import pytest

MODULE = "bl_ext.checkout.meshsdf"
# Of the machine and not of a file, so that no .blend can say where it is.
NEVER_RELATIVE = {"MeshSDFPreferences.interpreter"}


@pytest.fixture
def saved(scene, fake, part):
    """The folder of a file that was saved where the fake space is."""
    folder = Path(fake.space).parent
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "datei.blend"))
    yield folder
    part("training.training_live").unregister()
    part("training.training_live").register()
    part("door").close()


def balls(count):
    made = []
    for number in range(count):
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5 + 0.1 * number)
        made.append(bpy.context.active_object)
    for ob in made:
        ob.select_set(True)


def path_properties():
    """Every property of ours that holds a file or folder, by class and name."""
    owners = {f"bpy.ops.meshsdf.{n}": getattr(bpy.ops.meshsdf, n) for n in dir(bpy.ops.meshsdf)}
    types = {name: operator.get_rna_type() for name, operator in owners.items()}
    for base in (bpy.types.PropertyGroup, bpy.types.AddonPreferences):
        ours = [cls for cls in base.__subclasses__() if cls.__module__.startswith(MODULE)]
        types |= {cls.__name__: cls.bl_rna for cls in ours}
    for name, rna in types.items():
        for item in rna.properties:
            if item.type == "STRING" and item.subtype in {"FILE_PATH", "DIR_PATH"}:
                yield f"{name}.{item.identifier}", item


@pytest.mark.skipif(bpy.app.version < (4, 5, 0), reason="Blender asks for it since 4.5")
def test_every_path_says_whether_it_may_be_relative():
    found = {name: item.is_path_supports_blend_relative for name, item in path_properties()}
    assert len(found) >= 6
    assert {name for name, relative in found.items() if not relative} == NEVER_RELATIVE


def test_a_space_may_be_relative_wherever_one_is_named(saved, scene):
    balls(1)
    assert bpy.ops.meshsdf.encode(space="//fäke.safetensors") == {"FINISHED"}
    assert bpy.ops.meshsdf.shape_add(space="//fäke.safetensors") == {"FINISHED"}
    assert bpy.context.active_object.meshsdf.space == "//fäke.safetensors"
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}
    assert bpy.ops.meshsdf.space_load(filepath="//fäke.safetensors") == {"FINISHED"}
    assert scene.meshsdf.space == "//fäke.safetensors"
    export = {"space": "//fäke.safetensors", "filepath": "//für DeepSDF"}
    assert bpy.ops.meshsdf.space_export(**export) == {"FINISHED"}
    assert (saved / "für DeepSDF" / "specs.json").is_file()


def test_a_shape_finds_its_relative_space_after_reopening(saved):
    bpy.ops.meshsdf.shape_add(space="//fäke.safetensors")
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(saved / "datei.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects["Fake"]
    assert bpy.ops.meshsdf.shape_update() == {"FINISHED"}


def test_a_training_takes_relative_folders(saved, scene, part):
    settings = scene.meshsdf_training
    settings.source, settings.folder, settings.output = "FOLDER", "//meshes", "//läufe"
    assert (settings.folder, settings.output) == ("//meshes", "//läufe")  # kept as they are
    (saved / "meshes").mkdir()
    for name in ("a", "b"):
        (saved / "meshes" / f"{name}.ply").write_bytes(b"fake")
    done = bpy.ops.meshsdf.train_space(
        source="FOLDER", folder=settings.folder, output=settings.output, name="x"
    )
    assert done == {"FINISHED"}
    run = saved / "läufe" / "x"
    assert json.loads((run / "run.json").read_text("utf-8"))["names"] == ["a", "b"]
    assert scene.meshsdf.space == "//läufe/x/x.safetensors"
    assert bpy.ops.meshsdf.train_resume(directory="//läufe/x") == {"FINISHED"}


def test_a_target_image_may_be_relative(saved, scene, part):
    made = bpy.data.images.new("Square", 8, 8)
    made.pixels.foreach_set(np.ones(8 * 8 * 4, dtype=np.float32))
    made.filepath_raw, made.file_format = str(saved / "bild.png"), "PNG"
    made.save()
    image = bpy.data.images.load("//bild.png")
    assert image.filepath == "//bild.png"
    assert part("views.image_pixels").image_mask(image, "LUMINANCE", 0.5).all()


@pytest.mark.parametrize(
    ("operator", "options"),
    [
        ("shape_add", {"space": "//x.safetensors"}),
        ("space_load", {"filepath": "//x.safetensors"}),
        ("space_export", {"filepath": "//x"}),
        ("train_space", {"output": "//x"}),
        ("train_space", {"source": "FOLDER", "folder": "//x"}),
        ("train_resume", {"directory": "//x"}),
    ],
)
def test_in_a_file_never_saved_they_are_refused_by_name(scene, fake, tmp_path, operator, options):
    balls(2)
    if operator == "space_export":
        options = {**options, "space": fake.space}
    words = r"'//x.*' is relative to this file, .*not been saved"
    with contextlib.chdir(tmp_path), pytest.raises(RuntimeError, match=words):
        getattr(bpy.ops.meshsdf, operator)(**options)
    assert not (tmp_path / "x").exists()
