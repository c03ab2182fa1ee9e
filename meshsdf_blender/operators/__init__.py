"""The operators, one file per concern. Each does one thing by calling what holds the work."""

from __future__ import annotations

from . import (
    bake_frames,
    blend,
    code_list,
    encode,
    example,
    fit,
    fit_compare,
    fit_settings,
    fix_place,
    fix_shape,
    fix_view,
    handles,
    known,
    reconstruct,
    regular,
    script,
    shade,
    shape_add,
    shape_update,
    slide,
    space_drop,
    space_export,
    space_load,
    space_pack,
    target_preview,
    teach,
    train,
    train_report,
    train_view,
    views,
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
    shade,
    known,
    blend,
    code_list,
    bake_frames,
    fit,
    fit_compare,
    target_preview,
    fit_settings,
    views,
    handles,
    regular,
    script,
    train,
    train_report,
    train_view,
    encode,
    reconstruct,
    teach,
    space_export,
    worker,
    fix_shape,
    fix_view,
    fix_place,
)


def register() -> None:
    for module in modules:
        module.register()


def unregister() -> None:
    for module in reversed(modules):
        module.unregister()
