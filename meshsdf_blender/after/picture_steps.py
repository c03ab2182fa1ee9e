"""A reconstruction as a step that can be repeated: its picture, its camera, and what it made."""

from __future__ import annotations

from typing import Any

import bpy

from ..reconstruction.reconstruct_run import Outcome
from ..shapes.history import Step
from . import fit_scene

RECONSTRUCT = "meshsdf.reconstruct"


def noted(scene: bpy.types.Scene, given: dict[str, Any], outcome: Outcome) -> Step:
    """What belongs to the step beside its arguments ``given``, which are made whole here.

    ``seen`` is the camera with its background image: as it was where it stayed, as it was made
    where it was guessed. ``makes`` names the images that are there only after the step.
    """
    image: bpy.types.Image | None = bpy.data.images.get(outcome.picture)
    for name in ("image", "filepath"):
        given.pop(name, None)
    given["camera"] = "KEEP" if outcome.kept else "GUESS"
    step: Step = {"kept": outcome.kept, "makes": [outcome.mask] if outcome.mask else []}
    camera: bpy.types.Object | None = scene.objects.get(outcome.camera)
    if camera is not None:
        step["seen"] = {"settings": {}, **fit_scene.looked(scene, camera)}
    behind = step.get("seen", {}).get("camera", {}).get("background", {}).get("image", {})
    if outcome.kept and behind.get("block") == outcome.picture:
        return step  # the camera's background image, which is found without a name
    if image is not None:
        told = fit_scene.image(image)
        given |= {"filepath": told["path"]} if "path" in told else {"image": image.name}
    return step
