"""The operators, one file per concern. Each does one thing by calling what holds the work."""

from __future__ import annotations

from . import (
    bake_frames,
    blend,
    code_list,
    encode,
    fit,
    regular,
    shape_add,
    shape_update,
    slide,
    space_export,
    space_load,
    train,
    train_report,
    train_view,
    worker,
)

modules = (
    space_load,
    shape_add,
    shape_update,
    slide,
    blend,
    code_list,
    bake_frames,
    fit,
    regular,
    train,
    train_report,
    train_view,
    encode,
    space_export,
    worker,
)


def register() -> None:
    for module in modules:
        module.register()


def unregister() -> None:
    for module in reversed(modules):
        module.unregister()
