"""The sidebar tab: what to do first on top, then the shape, fitting, blending, training.

Panels hold no logic and draw cached values only; ``bl_order`` of each says where it stands.
"""

from __future__ import annotations

from . import blend, card, fit, shape, sliders, start, training

modules = (start, sliders, shape, fit, blend, training, card)


def register() -> None:
    for module in modules:
        module.register()


def unregister() -> None:
    for module in reversed(modules):
        module.unregister()
