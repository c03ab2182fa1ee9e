"""A shape whose mesh is behind its code, and a mesh of it that is on its way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy

from ..door.mail import Reply
from ..door.worker import Worker
from . import codes, hand_edits, mesh_upload, shape
from .reference import Reference

# A slider that was not moved for so long is at rest.
REST_SECONDS = 0.25
# A power of two: grids nest, and 32 cells take fewer evaluations than 24, which do not.
DRAFT_CELLS = 32


class Followed:
    """A shape from when its mesh fell behind its code until it is whole; ``draft`` says so too.

    Found again by what neither renaming nor undo changes.
    """

    def __init__(self, ob: bpy.types.Object) -> None:
        self.uid, self._reference = ob.session_uid, Reference(ob)
        self.moved = 0.0
        self._drafted = b""  # the code that a coarse mesh was asked for last

    def object(self) -> bpy.types.Object | None:
        """The shape, looked up anew; None where it is gone, or was made whole by somebody else."""
        ob = self._reference.find()
        return ob if shape.is_shape(ob) and ob.meshsdf.draft else None

    def move(self, *, rests: bool) -> None:
        """Note that its code was written just now; ``rests`` where no more is to come."""
        self.moved = time.monotonic() - (REST_SECONDS if rests else 0.0)

    @property
    def rests(self) -> bool:
        """Whether its slider was not moved for a while."""
        return time.monotonic() - self.moved >= REST_SECONDS

    def ask(self, ob: bpy.types.Object, worker: Worker) -> Asked | None:
        """Ask for the mesh that it needs next, if there is one yet. Raises Refusal."""
        mesh_upload.check_writable(ob)
        if hand_edits.left_alone(ob):
            return None
        code = codes.read(ob)
        rests = self.rests
        if not rests and self._drafted == code.tobytes():
            return None
        header = _whole(ob)
        if not rests:
            self._drafted = code.tobytes()
            header["resolution"] = min(header["resolution"], DRAFT_CELLS)
            header["draft"] = True
        identity = worker.ask("mesh", header, {"code": code})
        return Asked(self, worker, identity, header, code.tobytes())


@dataclass(frozen=True)
class Asked:
    """A request under way: for which shape, of which worker, and what it asks for."""

    followed: Followed
    worker: Worker
    identity: int
    header: dict[str, Any]
    code: bytes

    def show(self, ob: bpy.types.Object, reply: Reply) -> None:
        """Give the shape the mesh that came. Raises Refusal, changing nothing.

        A coarse mesh may be of a code that a slider has already left. A whole one may not, nor one
        of other settings: then the shape stays behind, and is asked for again.
        """
        whole = not self.header["draft"]
        if whole and (self.header, self.code) != (_whole(ob), codes.read(ob).tobytes()):
            return
        if hand_edits.left_alone(ob):
            return
        header, arrays = reply
        shape.write_mesh(ob, arrays["vertices"], arrays["faces"], header.get("report", {}))
        if not whole:
            shape.fall_behind(ob)


def _whole(ob: bpy.types.Object) -> dict[str, Any]:
    """The header of a request for the shape's mesh as it is to be. Raises Refusal."""
    return {**shape.mesh_header(ob, ob.meshsdf.resolution), "draft": False}
