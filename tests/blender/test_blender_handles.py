"""Handles: the list on a shape, what a fit sends of it, what it refuses, and what survives."""

from __future__ import annotations

import json
from math import radians
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender.copied_script import copied, run_afresh, same, state

PLACE = (0.3, -0.5, 0.25)


@pytest.fixture
def egg(shape_object, part):
    """An ellipsoid of radius 0.5 about the origin, active; the scene has a camera and no target."""
    part("trust.told").forget()
    return shape_object


@pytest.fixture
def request_of(part):
    """What a fit of an object sends."""
    return lambda ob: part("fitting.fit_request").fit_request(bpy.context, ob)


def add(name="", location=PLACE):
    assert bpy.ops.meshsdf.handle_add(name=name, location=location) == {"FINISHED"}
    return bpy.context.active_object.meshsdf.handles[-1]


def names(ob):
    return [handle.name for handle in ob.meshsdf.handles]


def refused(call, **given):
    with pytest.raises(RuntimeError) as raised:
        call(**given)
    return str(raised.value).strip()


def line_of(text):
    return text.partition("In a script: ")[2]


def go(way):
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        getattr(bpy.ops.ed, way)()


# The list


def test_a_handle_is_an_empty_where_it_was_asked_for(egg, scene):
    handle = add("Nose")
    empty = handle.object
    assert (handle.name, handle.use, handle.weight) == ("Nose", True, 1.0)
    assert (empty.type, empty.name, empty.empty_display_type) == ("EMPTY", "Nose", "SPHERE")
    assert tuple(empty.location) == pytest.approx(PLACE)
    assert empty.name in scene.objects
    assert empty.empty_display_size == pytest.approx(0.03, rel=0.02)  # of a shape one unit long
    # It is what G moves, and the shape is what the panel shows.
    assert bpy.context.active_object == egg
    assert bpy.context.selected_objects == [empty]


def test_a_handle_is_in_the_collections_of_its_shape(egg, scene):
    collection = bpy.data.collections.new("Eggs")
    scene.collection.children.link(collection)
    scene.collection.objects.unlink(egg) if egg.name in scene.collection.objects else None
    for each in egg.users_collection:
        each.objects.unlink(egg)
    collection.objects.link(egg)
    bpy.context.view_layer.objects.active = egg
    assert add().object.users_collection == (collection,)


def test_without_a_place_it_is_on_the_surface_nearest_to_the_cursor(egg, scene):
    egg.location, egg.scale = (1.0, 0.0, 0.0), (2.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    scene.cursor.location = (1.0, 0.0, 3.0)
    bpy.ops.meshsdf.handle_add()
    assert tuple(egg.meshsdf.handles[0].object.location) == pytest.approx((1, 0, 0.5), abs=1e-5)
    # Of the surface as it stands in the world, which is stretched along x.
    scene.cursor.location = (9.0, 0.0, 0.0)
    bpy.ops.meshsdf.handle_add()
    assert egg.meshsdf.handles[1].object.location.x == pytest.approx(2.0, abs=0.02)


def test_handles_are_named_apart_chosen_and_removed(egg):
    for name in ("", "Nose", ""):
        add(name)
    assert names(egg) == ["Handle", "Nose", "Handle.001"]
    assert egg.meshsdf.handle_index == 2
    bpy.ops.meshsdf.handle_select(handle="nose")
    assert egg.meshsdf.handle_index == 1
    assert [ob.name for ob in bpy.context.selected_objects] == ["Nose"]
    assert bpy.context.active_object == egg
    bpy.ops.meshsdf.handle_remove(handle="3")
    assert "Handle.001" not in bpy.data.objects
    bpy.ops.meshsdf.handle_remove()
    assert names(egg) == ["Handle"]
    assert "Nose" not in bpy.data.objects
    assert "no handle 'Ear'. Use Handle" in refused(bpy.ops.meshsdf.handle_remove, handle="Ear")
    bpy.ops.meshsdf.handle_remove()
    told = refused(bpy.ops.meshsdf.handle_remove)
    assert line_of(told) == "bpy.ops.meshsdf.handle_add()"


def test_only_an_empty_that_nothing_else_uses_goes_with_its_handle(egg, scene):
    add("Mine").object = bpy.data.objects.new("Picked", None)
    scene.collection.objects.link(bpy.data.objects["Picked"])
    add("Shared")
    twin = egg.copy()
    twin.data = egg.data.copy()
    scene.collection.objects.link(twin)
    add("Parent")
    child = bpy.data.objects.new("Child", None)
    child.parent = bpy.data.objects["Parent"]
    for name in ("Mine", "Shared", "Parent"):
        bpy.ops.meshsdf.handle_remove(handle=name)
    assert {"Picked", "Shared", "Parent"} <= set(bpy.data.objects.keys())


@pytest.mark.parametrize("kind", ["empty", "mesh"])
def test_an_object_that_was_picked_stays_when_its_handle_is_removed(egg, scene, kind):
    data = bpy.data.meshes.new("Own") if kind == "mesh" else None
    own = bpy.data.objects.new("Own", data)
    scene.collection.objects.link(own)
    added = add("Nose").object
    egg.meshsdf.handles[0].object = own
    bpy.ops.meshsdf.handle_remove(handle="Nose")
    assert not egg.meshsdf.handles
    assert bpy.data.objects.get("Own") == own
    assert own.name in scene.objects
    assert added.users == 1, "the scene's collection: no handle keeps it"


def test_an_empty_that_was_picked_anew_still_goes_with_its_handle(egg):
    handle = add("Nose")
    handle.object = handle.object
    bpy.ops.meshsdf.handle_remove(handle="Nose")
    assert "Nose" not in bpy.data.objects


def hold_by_constraint(user, empty):
    user.constraints.new("COPY_LOCATION").target = empty


def hold_by_modifier(user, empty):
    user.modifiers.new("Hook", "HOOK").object = empty


def hold_by_driver(user, empty):
    variable = user.driver_add("location", 0).driver.variables.new()
    variable.type = "TRANSFORMS"
    variable.targets[0].id = empty


@pytest.mark.parametrize("hold", [hold_by_constraint, hold_by_modifier, hold_by_driver])
@pytest.mark.parametrize("own", [True, False])
def test_an_empty_stays_that_something_else_points_to(egg, scene, hold, own):
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    scene.collection.objects.link(other)
    hold(egg if own else other, add("Held").object)
    add("Free")
    for name in ("Held", "Free"):
        bpy.ops.meshsdf.handle_remove(handle=name)
    assert "Held" in bpy.data.objects
    assert "Free" not in bpy.data.objects


def test_handles_are_a_shapes_own(scene):
    assert "No object is active" in refused(bpy.ops.meshsdf.handle_add)


def test_a_hidden_empty_is_not_selected(egg):
    add("Nose").object.hide_set(True)
    told = refused(bpy.ops.meshsdf.handle_select)
    assert "it is hidden" in told
    exec(line_of(told))
    assert bpy.ops.meshsdf.handle_select() == {"FINISHED"}


# What a fit sends


def test_a_fit_sends_where_handles_stand_in_the_world(egg, target, request_of):
    bpy.context.view_layer.objects.active = egg
    add("B", PLACE)
    add("C", (1, 1, 1)).use = False
    add("A", (0, 0, 1)).weight = 4.0
    parent = bpy.data.objects.new("Rig", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = (0.5, 0.0, 0.0)
    bpy.data.objects["A"].parent = parent
    sent = request_of(egg)
    # In the order of their names, so that a script that makes them anew fits alike.
    np.testing.assert_allclose(sent.arrays["landmarks"], [(0.5, 0, 1), PLACE], atol=1e-7)
    assert sent.arrays["landmarks"].dtype == np.float64
    np.testing.assert_array_equal(sent.arrays["landmark_weights"], [4.0, 1.0])
    assert len(sent.header["views"]) == 1
    for handle in egg.meshsdf.handles:
        handle.use = False
    assert "landmarks" not in request_of(egg).arrays


def no_target(scene):
    scene.meshsdf.target = "BACKGROUND"


def no_camera(scene):
    scene.meshsdf.target, scene.camera = "BACKGROUND", None


def no_object(scene):
    scene.meshsdf.object = None


def views_off(scene):
    bpy.ops.meshsdf.view_add()
    scene.meshsdf.views[0].use = False


@pytest.mark.parametrize("unset", [no_target, no_camera, no_object, views_off])
def test_without_a_target_handles_are_enough(egg, target, request_of, unset, part):
    bpy.context.view_layer.objects.active = egg
    unset(bpy.context.scene)
    refused(bpy.ops.meshsdf.fit_step)
    add()
    assert request_of(egg).header["views"] == []
    assert part("trust.problems").of_fit(bpy.context) is None
    assert bpy.ops.meshsdf.fit() == {"FINISHED"}
    egg.meshsdf.handles[0].use = False
    refused(bpy.ops.meshsdf.fit_step)


def test_a_target_that_is_set_is_not_left_aside(egg, scene):
    add()
    scene.meshsdf.target, scene.meshsdf.object = "OBJECT", egg
    assert "cannot be its own target" in refused(bpy.ops.meshsdf.fit_step)


def test_a_fit_to_handles_alone_tells_of_them_and_of_no_overlap(egg, scene, capfd, part):
    scene.meshsdf.steps = 4
    add(location=(0.9, 0.0, 0.0))
    capfd.readouterr()
    bpy.ops.meshsdf.fit(print_every=1)
    said = capfd.readouterr().out
    told = egg.meshsdf
    assert told.fit_alone
    assert 0 < told.fit_off < told.fit_off_start < 0.6
    assert f"Handles {told.fit_off_start:.3g} to {told.fit_off:.3g} off in 4 steps" in said
    assert "IoU" not in said
    assert "passes" in said  # that it was not met
    assert told.before.iou == -1
    assert told.before.off == pytest.approx(told.fit_off_start)
    assert part("fitting.fit_state").fit_state(egg).value == "Continue"
    assert part("fitting.overlay").current() is None
    bpy.ops.meshsdf.slide(slider="Length", value=0.1)
    assert (told.fit_off, told.fit_alone) == (-1, False)


def test_a_fit_to_both_tells_of_both(egg, target, scene, capfd):
    bpy.context.view_layer.objects.active = egg
    scene.meshsdf.steps = 3
    add(location=(0.0, 0.0, 0.9))  # beyond a tip that stays where it is
    bpy.ops.meshsdf.fit()
    said = capfd.readouterr().out
    assert not egg.meshsdf.fit_alone
    assert "IoU 0." in said
    assert ", handles 0.4 to 0.4 off in 3 steps" in said
    assert "The surface passes 0.4 beside a handle" in said


def test_the_comparison_keeps_what_the_fit_said(egg):
    add(location=(0.9, 0.0, 0.0))
    bpy.ops.meshsdf.fit()
    fitted = egg.meshsdf.fit_off
    bpy.ops.meshsdf.fit_compare()
    assert egg.meshsdf.fit_off == -1
    assert "Show Fitted" in refused(bpy.ops.meshsdf.handle_add)
    bpy.ops.meshsdf.fit_compare()
    assert egg.meshsdf.fit_off == fitted
    assert egg.meshsdf.fit_alone
    assert names(egg) == ["Handle"]


# What is refused


def removed(empty):
    bpy.data.objects.remove(empty)


def deleted(empty):
    for ob in bpy.context.view_layer.objects:
        ob.select_set(ob == empty)
    bpy.ops.object.delete()


def in_another_scene(empty):
    bpy.data.scenes.new("Other").collection.objects.link(empty)
    bpy.context.scene.collection.objects.unlink(empty)


def exchanged_for_a_mesh(empty):
    mesh = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(mesh)
    bpy.data.objects["Fake"].meshsdf.handles["Tip"].object = mesh


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (removed, "Its empty is gone"),
        (deleted, "Its empty is gone"),
        (in_another_scene, "Empty 'Nose' is not in scene 'Scene'"),
        (exchanged_for_a_mesh, "Object 'Cube' is no empty"),
    ],
)
def test_a_handle_without_its_empty_is_told_by_its_name(egg, part, harm, words):
    add("Nose").name = "Tip"
    add("Chin")
    empty = bpy.data.objects["Nose"]
    handles, problems = part("fitting.handles"), part("trust.problems")
    assert handles.wrong(bpy.context.scene, egg.meshsdf.handles[0]) == ""
    harm(empty)
    bpy.context.view_layer.objects.active = egg
    assert handles.wrong(bpy.context.scene, egg.meshsdf.handles[0]) == words
    told = refused(bpy.ops.meshsdf.fit)
    assert f"Handle 'Tip': {words}" in told
    assert problems.of_fit(bpy.context).problem == f"Handle 'Tip': {words}"
    assert line_of(told) == "bpy.ops.meshsdf.handle_remove(handle='Tip')"
    egg.meshsdf.handles[0].use = False  # one that is off may be broken
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}
    egg.meshsdf.handles[0].use = True
    exec(line_of(told))
    assert names(egg) == ["Chin"]
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_shape_is_no_handle_of_its_own(egg, part):
    """It would stand wherever the fit takes it, and so be met by any."""
    handle = add("Nose")
    handle.object = egg
    assert part("fitting.handles").wrong(bpy.context.scene, handle) == "It is the shape itself"
    told = refused(bpy.ops.meshsdf.fit)
    assert "Handle 'Nose': It is the shape itself. Pick an empty for it" in told
    exec(line_of(told) or "bpy.ops.meshsdf.handle_remove(handle='Nose')")
    assert bpy.data.objects.get(egg.name) == egg  # though its empty was added with the handle
    # A shape is a mesh, which the menu leaves out; and so it does if it were an empty.
    offered = part("fitting.fit_properties")._is_empty
    empty = SimpleNamespace(type="EMPTY")
    assert offered(SimpleNamespace(id_data=egg), empty)
    assert not offered(SimpleNamespace(id_data=empty), empty)
    assert not offered(SimpleNamespace(id_data=empty), egg)


def test_adam_is_refused_in_words_and_mended(egg, scene, part):
    add()
    scene.meshsdf.solver = "ADAM"
    told = refused(bpy.ops.meshsdf.fit)
    assert "Only the solver Second Order" in told
    (fix,) = part("trust.problems").of_fit(bpy.context).fixes
    assert bpy.ops.wm.context_set_enum(**fix.properties) == {"FINISHED"}
    assert scene.meshsdf.solver == "SECOND_ORDER"
    scene.meshsdf.solver = "ADAM"
    exec(line_of(told))
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_handle_that_is_nowhere_is_told(egg):
    add("Nose").object.location.x = float("nan")
    assert "Handle 'Nose' stands nowhere" in refused(bpy.ops.meshsdf.fit_step)


def test_a_shape_without_a_surface_has_no_place_for_a_handle(egg):
    egg.data.clear_geometry()
    told = refused(bpy.ops.meshsdf.handle_add)
    assert "has no surface" in told
    exec(line_of(told))
    assert bpy.ops.meshsdf.handle_add() == {"FINISHED"}


# What survives


def test_handles_survive_saving_undo_and_renames(egg, tmp_path):
    add("Nose").weight = 3.0
    bpy.data.objects["Nose"].name = "Empty of Nose"
    bpy.ops.ed.undo_push(message="base")
    bpy.ops.meshsdf.handle_remove("EXEC_DEFAULT", True)
    assert "Empty of Nose" not in bpy.data.objects
    go("undo")
    ob = bpy.data.objects["Fake"]
    assert ob.meshsdf.handles[0].object == bpy.data.objects["Empty of Nose"]
    path = str(tmp_path / "handles.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    ob = bpy.data.objects["Fake"]
    (handle,) = ob.meshsdf.handles
    assert (handle.name, handle.weight) == ("Nose", 3.0)
    assert handle.object == bpy.data.objects["Empty of Nose"]
    bpy.context.view_layer.objects.active = ob
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


def test_a_drag_is_undone_and_the_handle_with_it(egg, request_of):
    add("Nose")
    bpy.ops.ed.undo_push(message="base")
    bpy.data.objects["Nose"].location.x = 2.0
    bpy.ops.ed.undo_push(message="Move")
    go("undo")
    ob = bpy.data.objects["Fake"]
    np.testing.assert_allclose(request_of(ob).arrays["landmarks"], [PLACE], atol=1e-7)


def test_a_regular_mesh_keeps_its_handles_for_the_way_back_unless_it_forgets(egg, part):
    add("Nose")
    bpy.ops.meshsdf.make_regular()
    assert part("fitting.handles").used(egg) == []
    assert "is a regular mesh" in refused(bpy.ops.meshsdf.handle_add)
    bpy.ops.meshsdf.make_shape()
    assert names(egg) == ["Nose"]
    bpy.ops.meshsdf.make_regular(forget=True)
    assert names(egg) == []
    assert "Nose" in bpy.data.objects  # an empty like any other


def select_only(*objects):
    for ob in bpy.context.view_layer.objects:
        ob.select_set(ob in objects)


def test_a_duplicate_shares_the_empties_unless_they_are_duplicated_too(egg):
    empty = add("Nose").object
    select_only(egg)
    bpy.ops.object.duplicate()
    twin = bpy.context.active_object
    assert twin != egg
    assert twin.meshsdf.handles[0].object == empty
    bpy.ops.meshsdf.handle_remove()
    assert "Nose" in bpy.data.objects
    assert egg.meshsdf.handles[0].object == empty
    bpy.context.view_layer.objects.active = egg
    select_only(egg, empty)
    bpy.ops.object.duplicate()
    other = bpy.context.active_object
    assert other.meshsdf.handles[0].object == bpy.data.objects["Nose.001"]


def test_a_linked_shape_made_local_says_that_its_empties_stayed_behind(egg, tmp_path, fake):
    add("Nose")
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, to):
        to.objects = ["Fake"]
    ob, scene = bpy.data.objects["Fake"], bpy.context.scene
    scene.collection.objects.link(ob)
    bpy.context.view_layer.objects.active = ob
    assert "is linked from" in refused(bpy.ops.meshsdf.handle_add)
    bpy.ops.meshsdf.fix_linked()
    ob = bpy.context.active_object
    empty = ob.meshsdf.handles[0].object
    assert "Empty 'Nose' is not in scene 'Scene'" in refused(bpy.ops.meshsdf.fit_step)
    scene.collection.objects.link(empty)
    assert bpy.ops.meshsdf.fit_step() == {"FINISHED"}


# A click


def looking(location, rotation, *, persp, size=(400, 300)):
    """A region and its view as Blender has them, of a camera of 90 degrees or 4 units."""
    camera = Matrix.LocRotScale(Vector(location), Euler(rotation), None)
    view = camera.inverted()
    ratio = size[0] / size[1]
    window = Matrix.Diagonal((0.5, 0.5 * ratio, -0.02, 1.0))
    if persp:
        window = Matrix(((1, 0, 0, 0), (0, ratio, 0, 0), (0, 0, -1.002, -0.02), (0, 0, -1, 0)))
    region = SimpleNamespace(width=size[0], height=size[1])
    rv3d = SimpleNamespace(
        view_matrix=view,
        perspective_matrix=window @ view,
        is_perspective=persp,
        view_perspective="PERSP" if persp else "ORTHO",
        clip_end=100.0,
    )
    return region, rv3d


@pytest.mark.parametrize("persp", [True, False])
def test_a_click_finds_the_surface_that_is_seen_there(egg, part, persp):
    egg.location = (0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    place = part("fitting.handle_place")
    region, rv3d = looking((0, -3, 1), (radians(90), 0, 0), persp=persp)
    middle = place.seen(egg, region, rv3d, (200, 150))
    assert tuple(middle) == pytest.approx((0, -0.5, 1), abs=0.03)  # the near side
    right = place.seen(egg, region, rv3d, (220, 150))
    assert right.x > 0.1
    assert place.seen(egg, region, rv3d, (5, 5)) is None


def test_a_place_of_the_window_belongs_to_one_view_or_none(part):
    def box(kind, x, y, width, height, **more):
        return SimpleNamespace(type=kind, x=x, y=y, width=width, height=height, **more)

    view, sidebar = box("WINDOW", 0, 0, 100, 80), box("UI", 70, 0, 30, 80)
    quad = [box("WINDOW", 100, 0, 50, 80), box("WINDOW", 150, 0, 50, 80)]
    areas = [
        box("VIEW_3D", 0, 0, 100, 80, regions=[view, sidebar]),
        box("VIEW_3D", 100, 0, 100, 80, regions=quad),
        box("OUTLINER", 200, 0, 100, 80, regions=[box("WINDOW", 200, 0, 100, 80)]),
    ]
    window = SimpleNamespace(screen=SimpleNamespace(areas=areas))
    at = part("fitting.handle_place").view_at
    assert at(window, 10, 10) is view
    assert at(window, 80, 10) is None
    assert at(window, 160, 10) is quad[1]
    assert at(window, 250, 10) is None
    assert at(window, 10, 200) is None


@pytest.fixture
def clicking(egg, part, monkeypatch):
    """The operator's own functions with a stand-in for its instance, and the mouse over ``at``."""
    module, place = part("operators.handles"), part("fitting.handle_place")
    app = SimpleNamespace(background=False)
    monkeypatch.setattr(module, "bpy", SimpleNamespace(app=app))
    mouse = SimpleNamespace(at=Vector((0.1, 0.2, 0.3)), view=object())
    monkeypatch.setattr(place, "view_at", lambda window, x, y: mouse.view)
    monkeypatch.setattr(place, "under_mouse", lambda ob, window, x, y: mouse.at)
    cursors, handlers, texts = [], [], []
    monkeypatch.setattr(module, "tell_status", lambda manager, text: texts.append(text))
    window = SimpleNamespace(
        cursor_modal_set=cursors.append, cursor_modal_restore=lambda: cursors.append("")
    )

    class Context:
        area = SimpleNamespace(type="VIEW_3D")
        window_manager = SimpleNamespace(modal_handler_add=handlers.append)

        def __getattr__(self, name):
            return getattr(bpy.context, name)

    Context.window = window
    cls = module.MESHSDF_OT_handle_add
    own = {n: v for n, v in vars(cls).items() if not n.startswith("__")}
    guarded = part("operators.guarded")
    operator = type("StandIn", (guarded.NeedsShape,), {**own, "location": None, "name": ""})()
    operator.properties = SimpleNamespace(is_property_set=lambda name: True)
    operator.reports = []
    operator.report = lambda kind, text: operator.reports.append((*kind, text))
    context = Context()

    def send(kind, value="PRESS"):
        event = SimpleNamespace(type=kind, value=value, mouse_x=1, mouse_y=2)
        return operator.modal(context, event)

    return SimpleNamespace(
        send=send,
        begin=lambda: operator.invoke(context, None),
        mouse=mouse,
        texts=texts,
        cursors=cursors,
        handlers=handlers,
        operator=operator,
    )


def test_a_click_on_the_shape_adds_the_handle_there(clicking, egg):
    assert clicking.begin() == {"RUNNING_MODAL"}
    assert clicking.handlers == [clicking.operator]
    assert "Click on the shape" in clicking.texts[-1]
    assert clicking.send("MIDDLEMOUSE") == {"PASS_THROUGH"}  # looking around
    clicking.mouse.view = None
    assert clicking.send("LEFTMOUSE") == {"PASS_THROUGH"}  # a button of the sidebar
    clicking.mouse.view, there = object(), clicking.mouse.at
    clicking.mouse.at = None
    assert clicking.send("LEFTMOUSE") == {"RUNNING_MODAL"}
    assert "not on the shape" in clicking.texts[-1]
    assert not egg.meshsdf.handles
    clicking.mouse.at = there
    assert clicking.send("LEFTMOUSE", "RELEASE") == {"PASS_THROUGH"}
    assert clicking.send("LEFTMOUSE") == {"FINISHED"}
    assert tuple(egg.meshsdf.handles[0].object.location) == pytest.approx((0.1, 0.2, 0.3))
    assert clicking.texts[-1] is None
    assert clicking.cursors[0] == "CROSSHAIR"
    assert clicking.cursors[-1] == ""


@pytest.mark.parametrize("key", ["ESC", "RIGHTMOUSE"])
def test_a_click_may_be_thought_better_of(clicking, egg, key):
    clicking.begin()
    assert clicking.send(key) == {"CANCELLED"}
    assert not egg.meshsdf.handles
    assert clicking.texts[-1] is None


def test_a_click_after_the_shape_was_deleted_ends_in_words(clicking, egg):
    clicking.begin()
    bpy.data.objects.remove(egg)
    assert clicking.send("LEFTMOUSE") == {"CANCELLED"}
    assert "No object is active" in clicking.operator.reports[0][1]
    assert clicking.texts[-1] is None


# Scripts


def alone(ob):
    add("Nose", (0.7, 0.1, 0.0))
    bpy.ops.meshsdf.fit_step(steps=2)
    ob.meshsdf.handles["Nose"].object.location = (0.8, 0.0, 0.123456789)
    add("Chin", (0.0, 0.0, -0.6)).weight = 2.5
    bpy.ops.meshsdf.fit_step(steps=2)


def in_and_out(ob):
    """A target beside handles, handles alone, no handles, other handles."""
    scene = bpy.context.scene
    scene.meshsdf.target, scene.meshsdf.object = "OBJECT", bpy.data.objects["Target"]
    for name in ("B", "A"):
        add(name, (0.6, 0.0, 0.1))
    bpy.ops.meshsdf.fit_step()
    bpy.ops.meshsdf.view_add()
    scene.meshsdf.views[0].use = False
    bpy.ops.meshsdf.fit_step(steps=2)
    ob.meshsdf.handles["B"].use = False
    bpy.ops.meshsdf.fit_step()
    bpy.ops.meshsdf.view_remove()
    bpy.ops.meshsdf.fit_step(steps=2)
    ob.meshsdf.handles["A"].use = False
    bpy.ops.meshsdf.fit_step()
    ob.meshsdf.handles["B"].use = True
    ob.meshsdf.handles["B"].weight = 0.5
    bpy.ops.meshsdf.fit_step()


def hanging(ob):
    """The handle moves with the shape that it draws: where it stood before the fit counts."""
    bpy.context.scene.meshsdf.move = True
    add("Nose", (0.7, 0.1, 0.0)).object.parent = ob
    bpy.ops.meshsdf.fit_step(steps=2)


def sphere():
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6)
    bpy.context.active_object.name = "Target"
    bpy.context.active_object.scale = (1.4, 1.0, 1.0)


@pytest.mark.parametrize("story", [alone, in_and_out, hanging], ids=lambda each: each.__name__)
def test_a_copied_script_brings_the_handles(egg, target, scene, story):
    scene.meshsdf.target = "BACKGROUND"
    bpy.context.view_layer.objects.active = egg
    story(egg)
    was, first = state(egg), copied(egg)
    assert "handle_add" in first
    again = run_afresh(first, sphere)
    same(again, was)
    assert not len(bpy.context.scene.meshsdf.views)
    assert copied(again) == first


def test_a_copied_script_keeps_the_order_of_the_list(egg):
    for name in ("Nose", "Chin", "Ear"):
        add(name, (0.7, 0.1, 0.0))
    bpy.ops.meshsdf.fit_step(steps=2)
    text = copied(egg)
    assert names(run_afresh(text, lambda: None)) == ["Nose", "Chin", "Ear"]


def test_the_script_says_what_is_new_of_each_fit(egg):
    alone(egg)
    text = copied(egg)
    assert text.count("handle_add(") == 2
    assert "shape.meshsdf.handles[0].object.location = (0.8, 0.0, 0.12345679)" in text
    assert "shape.meshsdf.handles[1].weight = 2.5" in text
    assert text.count("the handles alone") == 1
    assert text.count("views.clear()") == 2
    assert "cameras.new" not in text


@pytest.mark.parametrize(
    "handles",
    [
        [{"name": ["x"], "at": [0, 0, 0], "weight": 1}],
        [{"at": "xyz"}],
        3,
        [{"name": "x", "at": ["__import__('os')", 0, 0], "weight": 1}],
    ],
)
def test_a_broken_record_of_handles_is_no_script(egg, handles):
    """Whoever wrote it, the script holds the code that is there and nothing else of it."""
    add()
    bpy.ops.meshsdf.fit_step()
    told = json.loads(egg.meshsdf.after.record)
    for step in told["steps"]:
        if "fit" in step:
            step["fit"]["handles"] = handles
    egg.meshsdf.after.record = json.dumps(told)
    text = copied(egg)
    assert "handles[" not in text
    assert "handle_add" not in text
    assert "__import__" not in text
    code = list(egg["meshsdf_code"])
    np.testing.assert_allclose(list(run_afresh(text)["meshsdf_code"]), code, atol=1e-6)


# The panel


class Layout:
    """A layout that notes its texts and buttons."""

    def __init__(self):
        self.rows, self.buttons, self.lists = [], [], []

    def row(self, **_):
        return self

    column = row

    def label(self, text="", icon="NONE"):
        self.rows.append(text)

    def operator(self, name, text="", icon="NONE"):
        self.buttons.append(name)

    def prop(self, data, name, **given):
        assert name in data.bl_rna.properties
        self.rows.append((name, given.get("icon")))

    def template_list(self, kind, *_, **__):
        self.lists.append(kind)


def test_the_panel_shows_the_list_and_the_chosen_handle(egg, part):
    panels = part("panels.handles")
    panel = panels.MESHSDF_PT_handles
    assert panel.poll(bpy.context)
    empty = Layout()
    panel.draw(SimpleNamespace(layout=empty), bpy.context)
    assert empty.lists == ["MESHSDF_UL_handles"]
    assert "meshsdf.handle_select" not in empty.buttons
    add("Nose")
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), bpy.context)
    assert {("object", None), ("weight", None)} <= set(layout.rows)
    item, row = egg.meshsdf.handles[0], Layout()
    draw = panels.MESHSDF_UL_handles.draw_item
    draw(None, bpy.context, row, egg.meshsdf, item, 0, egg.meshsdf, "")
    assert ("name", "NONE") in row.rows
    bpy.data.objects.remove(item.object)
    row = Layout()
    draw(None, bpy.context, row, egg.meshsdf, egg.meshsdf.handles[0], 0, egg.meshsdf, "")
    assert ("name", "ERROR") in row.rows
    assert "Its empty is gone" in row.rows


def test_the_fit_panel_says_that_handles_are_alone(egg, target, part, scene):
    draw = part("panels.fit")._draw_handles
    bpy.context.view_layer.objects.active = egg

    def said():
        layout = Layout()
        draw(layout, bpy.context)
        return layout.rows

    assert said() == []
    add()
    add().use = False
    assert said() == ["1 of 2 handles on"]
    scene.meshsdf.object = None
    assert said() == ["1 of 2 handles on, and no target"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"iou": None, "off": 0.0123456}, "Handles 0.0123 off"),
        ({"iou": 0.5, "off": 0.1}, "IoU 0.500, handles 0.1 off"),
        ({"iou": 0.5, "off": -1.0}, "IoU 0.500"),
    ],
)
def test_figures_in_words(part, given, words):
    assert part("fitting.verdict").figures(**given) == words
