"""A state of a fit as its views see it: mesh, silhouettes, and how well they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..camera import View
from ..errors import FitError
from ..extraction import Extraction
from ..pose import transformed
from ..silhouette import Silhouette, see
from ..space import Space
from ..topology import Edges
from .clock import DECODER, Clock
from .goal import Goal, score
from .meshes import Meshes
from .options import FitOptions
from .state import State
from .zoom import zoomed


@dataclass(frozen=True)
class Look:
    """What was seen of a state.

    ``mesh`` in the cube, ``vertices`` ``(V, 3)`` of it in the world, double precision. ``loss``,
    ``iou`` and ``pull`` are weighted means over the views. ``object_matrix`` and ``to_world``
    ``(4, 4)`` take the shape's own coordinates, and the cube's, to the world. ``views`` are the
    goals', through the state's lens.
    """

    state: State
    code: Tensor
    mesh: Extraction
    vertices: Tensor
    faces: NDArray[np.int64]
    edges: Edges
    seen: list[Silhouette]
    loss: float
    iou: float
    pull: float
    object_matrix: Tensor
    to_world: Tensor
    views: tuple[View, ...]


class Looker:
    """Looks at states of one fit.

    ``evaluations`` counts the decoder's, of all looks so far; ``ms`` is what the last one took, by
    part. The first look fixes the ``pivot`` of the transform, the middle and the radius of the
    shape, and refuses a camera inside it.
    """

    def __init__(
        self,
        space: Space,
        goals: Sequence[Goal],
        options: FitOptions,
        start: Tensor,
        matrix: Tensor,
    ) -> None:
        self.space, self.goals, self.options = space, goals, options
        self.statistics = space.statistics
        self._start, self._matrix = start, matrix
        self.frame = matrix @ space.frame.matrix()
        self.start = State.at(self.statistics.whiten(start))
        self.pivot: tuple[Tensor, Tensor] | None = None
        self.meshes = Meshes(space, options)
        self.evaluations = 0
        self.ms: dict[str, float] = {}

    def look(self, state: State, cells: int | None = None) -> Look | None:
        """The look of ``state`` at ``cells`` (those of the options); None without a surface."""
        clock = Clock()
        self.ms = clock.laps
        # A code that has not moved is the given one, not its round trip through whitening.
        given = state.whitened is self.start.whitened
        code = self._start if given else self.statistics.unwhiten(state.whitened).detach()
        before = self.meshes.evaluations, self.meshes.decoder_ms
        found = self.meshes.of(code, cells or self.options.resolution)
        mesh, faces, edges = found.mesh, found.faces, found.edges
        self.evaluations += self.meshes.evaluations - before[0]
        clock.lap("extraction")
        clock.move("extraction", DECODER, self.meshes.decoder_ms - before[1])
        if not len(mesh.vertices):
            return None
        world = transformed(self.frame, mesh.vertices.cpu().double())
        first = self.pivot is None
        if self.pivot is None:
            low, high = world.amin(dim=0), world.amax(dim=0)
            self.pivot = (low + high) / 2, (high - low).norm() / 2
        placed = state.similarity(self.pivot).detach()
        vertices = transformed(placed, world)
        views = tuple(zoomed(goal.view, float(state.lens), self.pivot[0]) for goal in self.goals)
        seen = [see(view, vertices, faces, edges=edges) for view in views]
        if first and any(silhouette.cut for silhouette in seen):
            raise FitError(
                "The shape reaches behind the camera", "Move the camera back, or the object away"
            )
        loss, iou, pull = score(self.goals, seen)
        clock.lap("silhouette")
        return Look(
            state=state,
            code=code,
            mesh=mesh,
            vertices=vertices,
            faces=faces,
            edges=edges,
            seen=seen,
            loss=loss,
            iou=iou,
            pull=pull,
            object_matrix=placed @ self._matrix,
            to_world=placed @ self.frame,
            views=views,
        )
