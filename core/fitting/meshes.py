"""The meshes of a fit's codes, each made once while its code stays.

A mesh depends on the code and the resolution alone, so where only the transform moved, or a state
is looked at again, the last one still holds, whole. That is all that is taken over from one step to
the next: of a field with another code nothing is known for certain, not even far from the surface,
and a part that appears where nobody looks would be missed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..extraction import Extraction, extract
from ..space import Space
from ..topology import Edges
from .options import FitOptions

# A step tries a few codes at one resolution before it goes on from one of them, maybe at another.
KEPT = 4
# Cells of a fit's first meshes, and by what factor its own have to be more, to save anything.
COARSE, WORTH_IT = 32, 1.25


def coarser_than(cells: int) -> tuple[int, ...]:
    """The cells of the meshes that a fit looks at before those of its own, coarsest first: 32, and
    twice as many each time as long as that saves something."""
    found, each = [], COARSE
    while cells >= WORTH_IT * each:
        found.append(each)
        each *= 2
    return tuple(found)


@dataclass(frozen=True)
class Meshed:
    """A mesh in the cube, its faces ``(F, 3)`` and their edges."""

    mesh: Extraction
    faces: NDArray[np.int64]
    edges: Edges


class Meshes:
    """Meshes by code and resolution. ``evaluations`` and ``decoder_ms`` count what they took."""

    def __init__(self, space: Space, options: FitOptions) -> None:
        self._space, self._options = space, options
        self._kept: OrderedDict[tuple[bytes, int], Meshed] = OrderedDict()
        self.evaluations, self.decoder_ms = 0, 0.0

    def of(self, code: Tensor, cells: int) -> Meshed:
        """The mesh of ``code`` ``(L,)`` at so many cells."""
        key = code.detach().cpu().numpy().tobytes(), cells
        found = self._kept.pop(key, None)
        if found is None:
            found = self._made(code, cells)
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    def _made(self, code: Tensor, cells: int) -> Meshed:
        options = self._options
        mesh = extract(
            self._space,
            code,
            cells,
            cap=options.cap,
            newton=options.newton,
            keep_thin=options.keep_thin,
            draft=options.keep_thin and cells < options.resolution,
        )
        self.evaluations += mesh.evaluations
        self.decoder_ms += mesh.decoder_ms
        faces = mesh.faces.cpu().numpy()
        return Meshed(mesh, faces, Edges.of(faces))
