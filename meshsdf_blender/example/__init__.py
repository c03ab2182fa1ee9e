"""A scene to try a fit in: a photo, a camera, and a shape that does not match it yet."""
