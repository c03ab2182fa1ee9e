"""The silhouette of the scene's render, against that of the same objects, on both engines."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


@pytest.fixture(params=["CYCLES", "BLENDER_WORKBENCH"])
def engine(request, part, monkeypatch):
    """Cycles, as in scripts, and Workbench, as in a window."""
    module = part("views.scene_render")
    if request.param == "BLENDER_WORKBENCH":
        choose = module._choose_engine

        def in_a_window(stage):
            choose(stage)
            stage.render.engine = "BLENDER_WORKBENCH"
            stage.display.render_aa = "OFF"

        monkeypatch.setattr(module, "_choose_engine", in_a_window)
    return request.param


@pytest.fixture
def coverage(scene, part, engine):
    """The coverage of a target of the scene, without an object."""

    def read(kind, fitted=None, longest=100):
        scene.meshsdf.target = kind
        depsgraph = bpy.context.evaluated_depsgraph_get()
        view = part("views.camera").camera_view(scene, depsgraph).resized(longest)
        return part("views.targets").read_target(scene, depsgraph, view, fitted).coverage

    return read


def settings_of(scene):
    """All that rendering could have changed."""
    render = scene.render
    names = [p.identifier for p in render.bl_rna.properties if p.type in {"INT", "ENUM", "STRING"}]
    blocks = [*bpy.data.objects, *bpy.data.scenes, *bpy.data.materials, *bpy.data.collections]
    hidden = [ob.hide_render for ob in bpy.data.objects]
    return [getattr(render, n) for n in names], [b.name for b in blocks], hidden, scene.camera


def unlike(a, b):
    """The share of the covered pixels in which two coverages differ by more than a half."""
    return (np.abs(a - b) > 0.5).sum() / (b > 0.5).sum()


@pytest.mark.parametrize("shape", ["even", "odd"])
def test_the_render_is_the_objects_own_silhouette(scene, target, coverage, shape):
    if shape == "odd":  # 183 x 77 pixels at 100 are 100 x 42, of other proportions
        scene.render.resolution_x, scene.render.resolution_y = 183, 77
        scene.render.pixel_aspect_x = 1.5
        scene.camera.data.type, scene.camera.data.shift_x = "ORTHO", 0.1
        scene.camera.data.ortho_scale = 3.0
    target.display_type = "WIRE"  # how it is drawn in the viewport says nothing
    before = settings_of(scene)
    got, wanted = coverage("RENDER"), coverage("OBJECT")
    assert got.shape == wanted.shape
    assert 0.02 < wanted.mean() < 0.9
    assert np.abs(got - wanted).max() <= 0.5
    assert got.sum() == pytest.approx(wanted.sum(), rel=0.005)
    assert settings_of(scene) == before


def second(scene):
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=(1.2, 0, 0))
    bpy.context.view_layer.update()
    return bpy.context.active_object


def hide(ob):
    ob.hide_render = True


def hide_from_cameras(ob):
    ob.visible_camera = False


def hold_out(ob):
    ob.is_holdout = True


def exclude(ob):
    collection = into_collection(ob)
    layer = bpy.context.view_layer.layer_collection.children[collection.name]
    layer.exclude = True


def hide_collection(ob):
    into_collection(ob).hide_render = True


def into_collection(ob):
    scene = bpy.context.scene
    collection = bpy.data.collections.new("Away")
    scene.collection.children.link(collection)
    scene.collection.objects.unlink(ob)
    collection.objects.link(ob)
    return collection


@pytest.mark.parametrize("how", [hide, hide_from_cameras, hold_out, exclude, hide_collection])
def test_what_does_not_render_does_not_count(scene, target, coverage, how):
    alone = coverage("RENDER")
    cube = second(scene)
    assert coverage("RENDER").sum() > 1.1 * alone.sum()
    how(cube)
    np.testing.assert_allclose(coverage("RENDER"), alone, atol=0.01)


def test_the_fitted_shape_is_left_out(scene, target, coverage):
    alone = coverage("RENDER")
    cube = second(scene)
    np.testing.assert_allclose(coverage("RENDER", cube), alone, atol=0.01)
    assert not cube.hide_render
    hide(target)
    with pytest.raises(Exception, match="renders nothing but the fitted shape"):
        coverage("RENDER", cube)
    assert len(bpy.data.scenes) == 1


def test_a_transparent_material_counts_as_solid(scene, target, coverage):
    solid = coverage("RENDER")
    glass = bpy.data.materials.new("Glass")
    if bpy.app.version < (5, 0, 0):  # since then always, and deprecated
        glass.use_nodes = True
    nodes = glass.node_tree.nodes
    clear = nodes.new("ShaderNodeBsdfTransparent")
    out = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    glass.node_tree.links.new(clear.outputs[0], out.inputs[0])
    target.data.materials.append(glass)
    np.testing.assert_allclose(coverage("RENDER"), solid, atol=0.01)


def test_nothing_is_left_where_the_render_fails(scene, target, coverage, part, monkeypatch):
    before = settings_of(scene)
    module = part("views.scene_render")
    monkeypatch.setattr(module, "_alpha", lambda path, view: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        coverage("RENDER")
    assert settings_of(scene) == before
