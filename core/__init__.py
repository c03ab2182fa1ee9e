"""The differentiable pipeline of MeshSDF: from a latent code to a mesh, and back from a loss.

Conventions, stated once and used everywhere:

- A shape space lives in the cube [-1, 1]^3. Its signed distance f(z, x) is **negative inside**; the
  outward normal is grad f / |grad f|.
- Shapes: codes ``(L,)`` or ``(B, L)``, points ``(N, 3)``, vertices ``(V, 3)``, faces ``(F, 3)``,
  counter-clockwise seen from outside.
- A resolution N means N cells and N + 1 nodes a side, so that grids of N, 2 N, 4 N nest. Papers and
  checkpoints often count nodes: their 64 is 63 here.
- The surface x(z) on f(z, x) = 0 moves by dx/dz = -(grad f / |grad f|^2) df/dz; motion along the
  surface changes no shape and is left out.
- Images have row 0 on top and pixel centres at +0.5. A silhouette S and a target T in [0, 1] differ
  by the mean of (S - T)^2; its derivative is an integral over the visible contour.
- World coordinates are Blender's: Z up. A space's :class:`~core.space.Frame` takes its cube there.

The names below are loaded on first use, so that ``import core`` stays quick. One function shares
its module's name and is imported from there: ``core.topology.topology``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "CodeError": "errors",
    "FitError": "errors",
    "MeshSDFError": "errors",
    "SpaceError": "errors",
    "ViewError": "errors",
    "View": "camera",
    "lens_view": "camera",
    "extract": "extraction",
    "fit": "fitting",
    "FitOptions": "fitting",
    "FitStep": "fitting",
    "interpolate": "interpolation",
    "load_space": "loading",
    "see": "silhouette",
    "Space": "space",
    "write_space": "spacefile",
    "follow": "surface",
    "project": "surface",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
