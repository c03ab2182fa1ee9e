"""The operators, one file per concern. Each does one thing by calling what holds the work."""

from __future__ import annotations

from . import (
    blend,
    encode,
    example,
    fit,
    regular,
    shape_add,
    shape_update,
    slide,
    space_drop,
    space_export,
    space_load,
    space_pack,
    train,
    train_report,
    train_view,
    worker,
)

modules = (
    space_load,
    space_drop,
    space_pack,
    shape_add,
    example,
    shape_update,
    slide,
    blend,
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
