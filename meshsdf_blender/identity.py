"""Who we are: the extension's root package and folder, under whatever name Blender gave them."""

from __future__ import annotations

from pathlib import Path

import bpy

# "bl_ext.user_default.meshsdf" when installed; a sub-package's own name has one part too many for
# the preferences and for extension_path_user.
ROOT_PACKAGE = (__package__ or "").rpartition(".")[0] or __package__ or "meshsdf_blender"
ROOT_FOLDER = Path(__file__).resolve(strict=False).parent.parent
SPACES_FOLDER = ROOT_FOLDER / "spaces"


def preferences(context: bpy.types.Context | None = None) -> bpy.types.AddonPreferences | None:
    """Our preferences, or None where the extension was registered without being enabled."""
    addon: bpy.types.Addon = (context or bpy.context).preferences.addons.get(ROOT_PACKAGE)
    return addon.preferences if addon else None
