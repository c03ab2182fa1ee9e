"""A noted scene as the Python that makes it: only what is new since the fit before."""

from __future__ import annotations

from .fit_scene import State
from .handle_lines import HandleLines
from .needs import Needs
from .plain_python import assigned, literal, placed

# A view that is off: no target is set, whatever the scene's own is.
ALONE = (
    "scene.meshsdf.views.clear()",
    "scene.meshsdf.views.add().use = False  # the handles alone",
)


class FitLines:
    """Lines for one fit after the other. Each camera is made once, and kept in a variable."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._told: State = {}
        self._cameras: dict[str, tuple[str, State]] = {}
        self._stood: dict[str, State] = {}
        self._active = ""
        self._handles = HandleLines()
        self._made: set[str] = set()  # images that an earlier step makes

    def lines(self, state: State, shape: str) -> list[str]:
        """Python that makes a scene so, and the handles of the object in the variable ``shape``.

        Raises ValueError and its like where it makes no sense.
        """
        earlier, self._told = self._told, state
        self._note_needs(state)
        written = self._handles.lines(state.get("handles", []), shape)
        settings = _settings(state["settings"], earlier.get("settings", {}))
        if state.get("alone"):
            self._told = {**earlier, **state, "views": None}
            return [*written, *([] if earlier.get("alone") else ALONE), *settings]
        written += self._places(state)
        if state.get("render") != earlier.get("render"):
            written += assigned("scene.render", state["render"])
        if state.get("camera"):
            variable, lines = self._camera(state["camera"])
            written += lines
            if variable != self._active:
                written.append(f"scene.camera = {variable}")
                self._active = variable
        views = state.get("views", [])
        cameras = [self._camera(view["camera"]) for view in views]
        written += [line for _, lines in cameras for line in lines]
        if views != earlier.get("views", []):
            written.append("scene.meshsdf.views.clear()")
            for view, (variable, _) in zip(views, cameras, strict=True):
                written += _view(view, variable)
        return [*written, *settings]

    def makes(self, images: list[str]) -> None:
        """Note images that are there only after a step, so that the file need not have them."""
        self._made |= set(images)

    def adopt(self, state: State) -> list[str]:
        """Python that takes up a camera and frame that a step has made, as ``state`` has them."""
        told = state["camera"]
        self._told = {**self._told, "render": state["render"]}
        self._cameras[told["name"]] = "camera", told
        self._active = "camera"
        return ["camera = scene.camera"]

    def last(self) -> list[str]:
        """Python that leaves no view behind that was there for handles alone."""
        alone = self._told.get("alone")
        return ["scene.meshsdf.views.clear()  # no view is needed any more"] if alone else []

    def _camera(self, told: State) -> tuple[str, list[str]]:
        """The variable of a camera, and the lines that make or change it."""
        name = literal(told["name"])
        known = self._cameras.get(told["name"])
        number = len(self._cameras) + 1
        variable = known[0] if known else "camera" if number == 1 else f"camera_{number}"
        was = known[1] if known else {}
        now = {**was, **told}
        self._cameras[told["name"]] = variable, now
        written: list[str] = []
        if not known:
            written = [
                f"{variable} = bpy.data.objects.new({name}, bpy.data.cameras.new({name}))",
                f"scene.collection.objects.link({variable})",
            ]
        if now["matrix"] != was.get("matrix"):
            # A camera's scale counts for nothing.
            written += placed(variable, now["matrix"], now.get("own", ()))[:2]
        data, earlier = now["data"], was.get("data", {})
        gone = [name for name in earlier if name not in data]
        written += [f"{variable}.data.property_unset({literal(name)})" for name in gone]
        new = {name: told for name, told in data.items() if told != earlier.get(name)}
        written += assigned(f"{variable}.data", new)
        return variable, [*written, *_background(variable, now, was)]

    def _places(self, state: State) -> list[str]:
        """Where the objects that are aimed at stood: they are not the script's to move."""
        written: list[str] = []
        for aim in (state, *state.get("views", [])):
            told = aim["settings"].get("object") or {}
            matrix, name = told.get("matrix"), told.get("block")
            if aim["settings"].get("target") == "OBJECT" and self._stood.get(name) != matrix:
                self._stood[name] = matrix
                parts = [line.partition(".")[2] for line in placed("it", matrix)]
                written.append(f"# Object {literal(name)} stands here: {', '.join(parts)}")
        return written

    def _note_needs(self, state: State) -> None:
        for aim in (state, *state.get("views", [])):
            background = aim.get("camera", {}).get("background", {})
            for value in (*aim["settings"].values(), *background.values()):
                made = isinstance(value, dict) and value.get("block") in self._made
                if isinstance(value, dict) and not value.get("path") and not made:
                    self._needs.block(value["block"], value["of"])
            settings = aim["settings"]
            if settings.get("target") == "OUTLINE" and "outline" not in settings:
                self._needs.words("the outline that was drawn as annotation")


def _background(variable: str, now: State, was: State) -> list[str]:
    """The camera's background image, in the place of those that it had."""
    told = now.get("background")
    if not told or told == was.get("background"):
        return []
    clear = [f"{variable}.data.background_images.clear()"] if was.get("background") else []
    return [
        *clear,
        f"{variable}.data.show_background_images = True",
        f"background = {variable}.data.background_images.new()",
        *assigned("background", told),
    ]


def _view(told: State, camera: str) -> list[str]:
    return [
        "view = scene.meshsdf.views.add()",
        f"view.name = {literal(told['name'])}",
        f"view.camera = {camera}",
        *assigned("view", told["settings"]),
    ]


def _settings(now: State, then: State) -> list[str]:
    gone = [name for name in then if name not in now]
    new = {name: told for name, told in now.items() if told != then.get(name)}
    written = [f"scene.meshsdf.property_unset({literal(name)})" for name in gone]
    return [*written, *assigned("scene.meshsdf", new)]
