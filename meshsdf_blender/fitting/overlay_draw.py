"""Drawing the overlay over every viewport that looks through one of its cameras."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from . import overlay, overlay_follow
from .camera_frame import Rectangle, frame_rectangle
from .seen import SHAPE_COLOUR, TARGET_COLOUR, Seen, mean_iou

HALO_WIDTH, LINE_WIDTH = 4.0, 2.0  # in pixels of an unscaled interface
HALO = (0.0, 0.0, 0.0, 0.6)
TEXT_SIZE, TEXT_GAP = 13.0, 10.0
FONT = 0  # Blender's own
CARD: Any = gpu.types  # whose stubs know no arguments
WHITE = (1.0, 1.0, 1.0)
Words = tuple[str, tuple[float, float, float]]


class _Painted:
    """What the graphics card holds of the version that was drawn last."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.version = seen, seen.version
        height, width = seen.target.shape
        pixels = np.ascontiguousarray(seen.tint).ravel()
        buffer = CARD.Buffer("FLOAT", pixels.size, pixels)
        self.tint = CARD.GPUTexture((width, height), format="RGBA8", data=buffer)
        self.image = gpu.shader.from_builtin("IMAGE_COLOR")
        corners = [(0, 0, 0), (width, 0, 0), (width, height, 0), (0, height, 0)]
        across = [(0, 0), (1, 0), (1, 1), (0, 1)]
        order = [0, 1, 2, 0, 2, 3]
        self.area = batch_for_shader(
            self.image,
            "TRIS",
            {"pos": [corners[i] for i in order], "texCoord": [across[i] for i in order]},
        )
        self.line = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        self.outlines = [
            (batch_for_shader(self.line, "LINES", {"pos": _points(lines)}), colour)
            for lines, colour in ((seen.target_lines, TARGET_COLOUR), (seen.lines, SHAPE_COLOUR))
            if len(lines)
        ]


_painted: list[_Painted] = []  # at most one of each view
_handle: list[object] = []


def paint(seen: Seen, frame: Rectangle, *, opacity: float, scale: float = 1.0) -> None:
    """Draw tint and outlines into ``frame``, in the pixels of what is drawn to."""
    painted = _ready(seen)
    height, width = seen.target.shape
    left, bottom, right, top = frame
    gpu.state.blend_set("ALPHA")
    with gpu.matrix.push_pop():
        gpu.matrix.translate((left, top))
        gpu.matrix.scale(((right - left) / width, (bottom - top) / height))
        painted.image.bind()
        painted.image.uniform_sampler("image", painted.tint)
        painted.image.uniform_float("color", (1.0, 1.0, 1.0, opacity))
        painted.area.draw(painted.image)
        painted.line.bind()
        viewport: Any = gpu.state.viewport_get()
        painted.line.uniform_float("viewportSize", viewport[2:])
        for batch, colour in painted.outlines:
            for thick, stroke in ((HALO_WIDTH, HALO), (LINE_WIDTH, (*colour, 1.0))):
                painted.line.uniform_float("lineWidth", thick * scale)
                painted.line.uniform_float("color", stroke)
                batch.draw(painted.line)
    gpu.state.blend_set("NONE")


def _ready(seen: Seen) -> _Painted:
    """What the graphics card holds of a view, made anew where that is out of date."""
    found = next((each for each in _painted if each.seen is seen), None)
    if found is None or found.version != seen.version:
        shown = overlay.current()
        others = [each for each in shown.seen if each is not seen] if shown is not None else []
        found = _Painted(seen)
        _painted[:] = [found, *(each for each in _painted if each.seen in others)]
    return found


def write(words: Sequence[Words], x: float, y: float, scale: float) -> None:
    """Words in their colours, side by side, each on a shadow of its own."""
    blf.size(FONT, TEXT_SIZE * scale)
    for text, (red, green, blue) in words:
        for shift, colour in ((scale, HALO), (0.0, (red, green, blue, 1.0))):
            blf.color(FONT, *colour)
            blf.position(FONT, x + shift, y - shift, 0)
            blf.draw(FONT, text)
        x += blf.dimensions(FONT, text)[0] + 1.5 * TEXT_GAP * scale


def _points(lines: np.ndarray) -> Any:
    """Ends of lines as points ``(2N, 3)``."""
    points = np.zeros((2 * len(lines), 3), dtype=np.float32)
    points[:, :2] = lines.reshape(-1, 2)
    return points


def _draw() -> None:
    """Blender calls this for every 3D view that it draws."""
    shown = overlay.current()
    if shown is None:
        _painted.clear()
        return
    try:
        _draw_view(bpy.context, shown)
    except Exception:  # it would come again with every redraw
        overlay.end()
        traceback.print_exc()
        print("MeshSDF: the overlay was turned off", file=sys.stderr, flush=True)


def _draw_view(context: bpy.types.Context, shown: overlay.Overlay) -> None:
    scene, space, view = context.scene, context.space_data, context.region_data
    settings = scene.meshsdf.overlay
    if scene.session_uid != shown.scene or not settings.show or not space.overlay.show_overlays:
        return
    overlay_follow.look(scene)
    camera = space.camera if space.use_local_camera else scene.camera
    if view.view_perspective != "CAMERA" or camera is None:
        return
    seen = shown.through(camera.name)
    frame = seen and frame_rectangle(context.region, view, camera, scene)
    if not seen or not frame:
        return
    scale = context.preferences.system.ui_scale
    for each in seen:
        paint(each, frame, opacity=settings.opacity, scale=scale)
    # Nothing is known before the first step of a fit.
    words: list[Words] = [(f"IoU {mean_iou(seen):.3f}", WHITE)] if seen[0].version else []
    words += [("Target", TARGET_COLOUR), ("Shape", SHAPE_COLOUR)]
    if shown.before:
        words.append(("Before the Fit", WHITE))
    # In the frame's lower left, as far as that is in view: headers and statistics are above.
    tools = next((r.width for r in context.area.regions if r.type == "TOOLS"), 0)
    gap = TEXT_GAP * scale
    write(words, max(frame[0], tools) + gap, max(frame[1], 0) + gap, scale)


def register() -> None:
    _handle.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    while _handle:
        bpy.types.SpaceView3D.draw_handler_remove(_handle.pop(), "WINDOW")
    _painted.clear()
