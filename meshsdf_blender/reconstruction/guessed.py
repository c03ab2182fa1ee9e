"""Cameras that were guessed and stand where they were put: a picture's next guess is a new one.

Without this a picture that is reconstructed twice would come out twice differently: the camera of
the first guess shows the picture, as one does that the artist has matched to it.
"""

from __future__ import annotations

import bpy
import numpy as np

KEY = "meshsdf_guess"  # on the camera: how it was put
FITS = ("AUTO", "HORIZONTAL", "VERTICAL")
SAME = 1e-4  # a matrix goes through location, rotation and scale


def note(camera: bpy.types.Object) -> None:
    """Remember how a camera was put."""
    camera[KEY] = _state(camera)


def stands(camera: bpy.types.Object) -> bool:
    """Whether a camera was guessed and nobody has changed it since."""
    state, put = _state(camera), list(camera.get(KEY, ()))
    return len(put) == len(state) and np.allclose(put, state, rtol=SAME, atol=SAME)


def _state(camera: bpy.types.Object) -> list[float]:
    """What the camera sees by: where it is, its lens and its sensor."""
    data = camera.data
    matrix = [float(value) for row in camera.matrix_world for value in row]
    kinds = float(data.type == "PERSP"), float(FITS.index(data.sensor_fit))
    lens = data.lens, data.shift_x, data.shift_y, data.ortho_scale
    return [*matrix, *lens, data.sensor_width, data.sensor_height, *kinds]
