"""The sidebar tab: what to do first on top, then the shape, fitting, blending, training.

Panels hold no logic and draw cached values only; ``bl_order`` of each says where it stands.
"""

from __future__ import annotations

from . import (
    after,
    blend,
    card,
    fit,
    fit_settings,
    fixit,
    handles,
    known,
    picture,
    render,
    shape,
    sliders,
    start,
    training,
    views,
)

modules = (
    fixit,
    start,
    card,
    sliders,
    known,
    shape,
    fit,
    views,
    handles,
    fit_settings,
    blend,
    after,
    picture,
    training,
    render,
)


def register() -> None:
    for module in modules:
        module.register()


def unregister() -> None:
    for module in reversed(modules):
        module.unregister()
