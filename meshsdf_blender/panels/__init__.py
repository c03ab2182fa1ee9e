"""The sidebar tab: what to do first on top, then the shape, fitting, blending, training.

Panels hold no logic and draw cached values only; ``bl_order`` of each says where it stands.
"""

from __future__ import annotations

from . import blend, fit, known, shape, sliders, start, training

modules = (start, sliders, known, shape, fit, blend, training)
from . import blend, fit, fit_settings, shape, sliders, start, training, views

modules = (start, sliders, shape, fit, views, fit_settings, blend, training)
from . import after, blend, fit, shape, sliders, start, training

modules = (start, sliders, shape, fit, blend, after, training)
from . import blend, fit, fixit, shape, sliders, start, training

modules = (fixit, start, sliders, shape, fit, blend, training)


def register() -> None:
    for module in modules:
        module.register()


def unregister() -> None:
    for module in reversed(modules):
        module.unregister()
