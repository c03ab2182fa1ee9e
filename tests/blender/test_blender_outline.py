"""Outlines drawn as strokes, against circles whose area in pixels is known."""

from __future__ import annotations

from math import pi

import bpy
import numpy as np
import pytest

RADIUS = 0.8
LEGACY = bpy.app.version < (4, 3, 0)
ANNOTATIONS_CAN_BE_MADE = LEGACY or bpy.app.version >= (5, 2, 0)


def arc(start=0.0, end=1.0, *, radius=RADIUS, middle=(0.0, 0.0), count=200):
    """Points of a part of a circle in the plane y = 0, which the camera looks at squarely."""
    angle = 2 * pi * np.linspace(start, end, count)
    x, z = radius * np.cos(angle) + middle[0], radius * np.sin(angle) + middle[1]
    return np.stack([x, np.zeros(count), z], axis=1)


def grease_pencil(scene, strokes, *, closed=False, frame=1):
    """A Grease Pencil object of these strokes, in every version."""
    if LEGACY:
        data = bpy.data.grease_pencils.new("Drawn")
        layer = data.layers.new("Lines")
        fill(layer.frames.new(frame), strokes, closed=closed)
    else:
        data = getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils).new("Drawn")
        layer = data.layers.new("Lines")
        drawing = layer.frames.new(frame).drawing
        drawing.add_strokes([len(points) for points in strokes])
        for stroke, points in zip(drawing.strokes, strokes, strict=True):
            stroke.cyclic = closed
            for point, place in zip(stroke.points, points, strict=True):
                point.position = place
    ob = bpy.data.objects.new("Drawn", data)
    scene.collection.objects.link(ob)
    scene.meshsdf.outline = ob
    return ob


def annotation(scene, strokes, *, name="Lines"):
    """Annotation strokes of the scene."""
    data = bpy.data.annotations if hasattr(bpy.data, "annotations") else bpy.data.grease_pencils
    attribute = "annotation" if hasattr(scene, "annotation") else "grease_pencil"
    if getattr(scene, attribute) is None:
        setattr(scene, attribute, data.new("Notes"))
    layer = getattr(scene, attribute).layers.new(name)
    fill(layer.frames.new(1), strokes)
    return layer


def fill(frame, strokes, *, closed=False):
    for points in strokes:
        stroke = frame.strokes.new()
        stroke.display_mode = "3DSPACE"
        if closed:
            stroke.use_cyclic = True
        stroke.points.add(len(points))
        for point, place in zip(stroke.points, points, strict=True):
            point.co = place


@pytest.fixture(params=["PERSP", "ORTHO"])
def pixels(scene, request):
    """World units at the plane y = 0 in pixels, of a perspective or an orthographic camera."""
    camera = scene.camera.data
    camera.type, camera.ortho_scale = request.param, 4.0
    scene.meshsdf.target = "OUTLINE"
    # Four units before a lens of 50 mm on a sensor of 36 mm.
    return 200 / 4.0 if request.param == "ORTHO" else 200 * 50 / 36 / 4


@pytest.fixture
def area(scene, part):
    """The target's area in pixels."""

    def read():
        depsgraph = bpy.context.evaluated_depsgraph_get()
        view = part("views.camera").camera_view(scene, depsgraph)
        return part("views.targets").read_target(scene, depsgraph, view).coverage.sum()

    return read


def quarters(gap=0.02):
    return [arc(i / 4 + gap / 2, (i + 1) / 4 - gap / 2) for i in range(4)]


@pytest.mark.parametrize(
    "strokes",
    [
        [arc()],
        [arc()[::-1]],
        [arc(0.0, 0.97)],
        [arc(0.0, 1.05)],  # a hand that overshoots
        quarters(),
        [quarters()[i][::step] for i, step in ((2, 1), (0, -1), (3, -1), (1, 1))],
        [arc(0.1, 0.9), arc(0.92, 1.08)],
        [arc(), arc(0.3, 0.3, count=1)],  # a click leaves a dot
    ],
    ids=["one", "reversed", "open", "overshoot", "four", "four mixed", "large and small", "dot"],
)
def test_a_drawn_circle_covers_its_area(scene, pixels, area, strokes):
    grease_pencil(scene, strokes)
    assert area() == pytest.approx(pi * (RADIUS * pixels) ** 2, rel=0.01)


def test_closed_strokes_add_up_and_cut_holes(scene, pixels, area):
    circle = pi * pixels**2
    ring = [arc(), arc(radius=0.5), arc(radius=0.2)]
    grease_pencil(scene, ring, closed=True)
    assert area() == pytest.approx((0.8**2 - 0.5**2 + 0.2**2) * circle, rel=0.01)
    grease_pencil(scene, [arc(radius=0.3), arc(radius=0.3, middle=(0.7, 0))])
    assert area() == pytest.approx(2 * 0.3**2 * circle, rel=0.01)
    # Two discs of radius r at a distance r share r^2 (2 pi / 3 - sqrt(3) / 2).
    grease_pencil(scene, [arc(radius=0.4), arc(radius=0.4, middle=(0.4, 0))])
    shared = 0.4**2 * pixels**2 * (2 * pi / 3 - 3**0.5 / 2)
    assert area() == pytest.approx(2 * 0.4**2 * circle - shared, rel=0.01)


def test_strokes_move_with_object_and_layer(scene, pixels, area):
    ob = grease_pencil(scene, [arc(radius=0.4)])
    ob.scale = (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    assert area() == pytest.approx(pi * (0.8 * pixels) ** 2, rel=0.01)
    ob.data.layers[0].scale = (0.5, 0.5, 0.5)
    bpy.context.view_layer.update()
    assert area() == pytest.approx(pi * (0.4 * pixels) ** 2, rel=0.01)


def test_the_frame_that_is_shown_is_read(scene, pixels, area):
    grease_pencil(scene, [arc()], frame=5)
    with pytest.raises(Exception, match="Nothing is drawn in Grease Pencil object 'Drawn'"):
        area()
    scene.frame_set(7)
    assert area() == pytest.approx(pi * (RADIUS * pixels) ** 2, rel=0.01)


@pytest.mark.skipif(not ANNOTATIONS_CAN_BE_MADE, reason="4.3 to 5.0 make no annotation strokes")
def test_annotations_are_read_by_layer(scene, pixels, area):
    annotation(scene, quarters(), name="Front")
    other = annotation(scene, [arc(radius=0.3, middle=(0.9, 0))], name="Side")
    scene.meshsdf.layer = "Front"
    assert area() == pytest.approx(pi * (RADIUS * pixels) ** 2, rel=0.01)
    scene.meshsdf.layer = ""
    both = area()
    other.annotation_hide = True
    assert area() < both
    scene.meshsdf.layer = "Side"  # named, it counts though it is hidden
    assert area() == pytest.approx(pi * (0.3 * pixels) ** 2, rel=0.01)
    scene.meshsdf.layer = "Back"
    with pytest.raises(Exception, match=r"The annotation of scene 'Scene' has no layer 'Back'"):
        area()


@pytest.mark.skipif(not ANNOTATIONS_CAN_BE_MADE, reason="4.3 to 5.0 make no annotation strokes")
def test_strokes_on_the_screen_have_no_place(scene, pixels, area):
    layer = annotation(scene, [arc()])
    layer.frames[0].strokes[0].display_mode = "2DSPACE"
    with pytest.raises(Exception, match=r"lies on the screen.*Placement on 3D Cursor or Surface"):
        area()


def nothing(scene):
    pass


def behind(scene):
    grease_pencil(scene, [arc() - (0, 5, 0)])


def hatched(scene):
    grease_pencil(scene, [arc(0, 0.01, count=2)] * 501)


def a_dot(scene):
    grease_pencil(scene, [arc(count=1)])


def a_mesh(scene):
    scene.meshsdf.outline = scene.camera


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (nothing, r"Nothing is drawn in the annotation of scene 'Scene' at this frame\. Draw it"),
        (behind, r"A drawn stroke lies behind the camera"),
        (hatched, r"501 strokes, too many to join"),
        (a_dot, r"enclose nothing"),
        (a_mesh, r"Object 'Camera' holds no strokes"),
    ],
)
def test_what_is_no_outline_is_refused(scene, area, draw, message):
    scene.meshsdf.target = "OUTLINE"
    draw(scene)
    with pytest.raises(Exception, match=message):
        area()


def test_drawing_gets_a_layer_and_the_cursor_before_the_camera(scene):
    scene.cursor.location = (0, -9, 0)  # behind the camera
    assert bpy.ops.meshsdf.outline_draw() == {"FINISHED"}
    settings = scene.meshsdf
    assert (settings.target, settings.outline, settings.layer) == ("OUTLINE", None, "Outline")
    assert scene.cursor.location.y > scene.camera.location.y
    scene.cursor.location = (0, 1, 0)
    bpy.ops.meshsdf.view_add(name="Left")
    bpy.ops.meshsdf.outline_draw()
    bpy.ops.meshsdf.outline_draw()  # a second time it goes on in the same layer
    assert scene.meshsdf.views[0].layer == "Left"
    assert tuple(scene.cursor.location) == (0, 1, 0)
    data = scene.annotation if hasattr(scene, "annotation") else scene.grease_pencil
    assert [layer.info for layer in data.layers] == ["Outline", "Left"]
    assert data.layers.active_index == 1
