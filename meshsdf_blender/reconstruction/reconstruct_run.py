"""A reconstruction from one picture, driven from Blender: the same for scripts and live."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .. import running
from ..door.conversation import Conversation, Question, Talk
from ..errors import Refusal, WorkerError
from ..shapes import codes, shape
from ..spaces import catalogue
from ..wording import REASONS
from . import encoder_place, next_fit, picture_source, reconstruct_step
from .picture_view import is_kept, picture_view
from .placed import Placed
from .reconstruct_step import ReconstructStep


@dataclass(frozen=True)
class Outcome:
    """What came of a picture: names of datablocks, and what there is to say.

    ``camera`` is the one that sees it, ``kept`` whether it was there before, ``lens`` in
    millimetres where only the rest of it was guessed; ``mask`` the image that was made, or "".
    """

    shape: str
    picture: str
    camera: str
    kept: bool
    lens: float
    mask: str
    iou: float
    predicted: bool
    remarks: tuple[str, ...]

    @property
    def text(self) -> str:
        """How well it went, in a sentence."""
        whose = "the outline that was found" if self.predicted else "the picture's outline"
        lens = f", but for its lens of {self.lens:.0f} mm" if self.lens else ""
        camera = "before the camera" if self.kept else f"with a camera guessed{lens}"
        return f"'{self.shape}' {camera}: IoU {self.iou:.3f} with {whose}"


_last: list[Outcome] = []  # at most one


def last(ob: bpy.types.Object | None) -> Outcome | None:
    """What came of the last picture, if ``ob`` is what came of it."""
    return _last[0] if _last and ob is not None and ob.name == _last[0].shape else None


class ReconstructRun(Talk):
    """A reconstruction, from its checks (in the constructor, Refusal) to its last frame."""

    def __init__(
        self,
        context: bpy.types.Context,
        space: str,
        up: str,
        *,
        image: str = "",
        filepath: str = "",
        mask: str = "",
        camera: str = "AUTO",
        lens: float = 0.0,
        resolution: int = 64,
        options: dict[str, Any] | None = None,
    ) -> None:
        running.check_free()  # before a large picture is read
        catalogue.existing(space)
        self._space, self._up, self._lens = space, up, lens
        self._options = {**(options or {}), "resolution": resolution}
        known = set(bpy.data.images.keys())
        found = picture_source.chosen(context.scene, image, filepath)
        self._opened = "" if found.name in known else found.name
        try:
            self._picture = picture_source.read(found)
            self._mask = (
                picture_source.read_mask(picture_source.named(mask), self._picture)
                if mask
                else None
            )
            kept = is_kept(context.scene, found, camera)
            self._view = picture_view(context, found, self._picture) if kept else None
            self.placed = Placed(context, space, up, self._picture, resolution)
            self._talk = Conversation("shapes", "reconstruct", "step", self._question)
            running.enter(self)
        except Refusal:
            self._close_picture()
            raise

    def advance(self, wait: float = 0.0) -> ReconstructStep | None:
        """The next step, if it comes within ``wait`` seconds. Raises Refusal; then ``fail``."""
        try:
            return self.taken(reconstruct_step.read, wait)
        except WorkerError as error:
            raise encoder_place.lacking(error, self._space, self._up) from error

    def finish(self, context: bpy.types.Context, step: ReconstructStep) -> Outcome:
        """Write the last step, aim the scene's fits at the picture, end the run. Raises Refusal."""
        length = catalogue.info(self._space, self._up).code_length
        codes.check(step.code, "the reconstruction", length)
        self.placed.write(context, step)
        if not self.placed.there:
            raise Refusal(
                "What the encoder made of the picture has no surface",
                "Use another picture, or one that shows the whole object",
            )
        self._talk.end()
        running.leave(self)
        ob = self.placed.object()
        warnings = [*step.remarks]
        try:
            shape.extract(ob, codes.read(ob))
        except Refusal as refusal:  # the steps' own mesh is whole: keep it
            warnings.append(f"The mesh is the reconstruction's own: {refusal}")
        told = ob.meshsdf  # as after a fit
        told.fit_start, told.fit_iou, told.fit_steps = step.start_iou, step.iou, step.step
        told.fit_reason = REASONS.get(step.reason, step.reason)
        ob.meshsdf.message = ". ".join(filter(None, (*warnings, ob.meshsdf.message)))
        context.view_layer.update()  # a fit that comes next reads where things stand
        made = self.placed.camera()
        camera = made or bpy.data.objects.get(self._view.camera if self._view else "")
        mask = self._aimed(self.placed.scene(), camera, step.mask)
        outcome = Outcome(
            shape=ob.name,
            picture=self._picture.name,
            camera=camera.name if camera is not None else "",
            kept=self._view is not None,
            lens=step.lens,
            mask=mask,
            iou=step.iou,
            predicted=step.predicted,
            remarks=tuple(warnings),
        )
        _last[:] = [outcome]
        return outcome

    def fail(self) -> None:
        """Give up, and take away what was added."""
        try:
            self.placed.remove()
            self._close_picture()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End without touching Blender's data, which undo or a new file has already changed."""
        with contextlib.suppress(Refusal):
            self.stop()
        self._talk.end()
        running.leave(self)

    def _aimed(
        self,
        scene: bpy.types.Scene,
        camera: bpy.types.Object | None,
        mask: np.ndarray | None,
    ) -> str:
        if camera is None or mask is None:
            return ""
        if self._view is not None and self._view.mirrored:
            mask = mask[:, ::-1]
        made = next_fit.aim(scene, camera, self._picture, self._view, mask)
        return made.name if made is not None else ""

    def _close_picture(self) -> None:
        """Leave no image behind that was opened for nothing."""
        image = bpy.data.images.get(self._opened) if self._opened else None
        if image is not None and not image.users:
            bpy.data.images.remove(image)

    def _question(self) -> Question:
        info = catalogue.info(self._space, self._up)
        header: dict[str, Any] = {"path": info.path, **catalogue.up_header(self._up)}
        header["options"] = self._options
        turn = slice(None, None, -1 if self._view is not None and self._view.mirrored else 1)
        arrays = {"picture": np.ascontiguousarray(self._picture.rgba[:, turn])}
        if self._mask is not None:
            arrays["mask"] = np.ascontiguousarray(self._mask[:, turn])
        if self._view is not None:
            arrays["view"] = np.ascontiguousarray(self._view.matrix)
            header["scale"] = 1.0
        elif self._lens:
            header["lens"] = self._lens
        elif self._picture.file:
            header["photo"] = self._picture.file
        return header, arrays
