"""Fit a shape space to an image without a window, and save the result as a .blend.

    blender --background --python examples/headless_fit.py -- \\
        --target photo.png --space builtin:heads --out fitted.blend

or, with the bpy wheel, ``python examples/headless_fit.py --target ...``. The extension is enabled
by the script: an installed one, or the checkout this file lies in, or --extension FOLDER_OR_ZIP.

The image fills the camera's frame. Its subject is what is opaque, or brighter than the threshold:
for a dark subject on a light ground give --invert. The camera looks at the origin, where the shape
stands, from azimuth 30 and elevation 20 degrees: for a photo from the front give --azimuth 0
--elevation 0, or with --blend a file whose camera is used. The shape stays where it is and only
its form changes, unless --pose lets it move, turn and grow.

It ends with status 0 after a fit, 1 with a message on standard error where anything was refused
or the shape never met the target; then nothing is saved.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import io
import os
import shutil
import sys
import tempfile
from math import radians
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
EXTENSION = "meshsdf"
PRINT_EVERY = 1
NOTHING_MET = 1e-3  # IoU
# Of Blender's property, which would take the nearest of these for what lies beyond.
FEWEST_CELLS, MOST_CELLS = 4, 512


def cells(text: str) -> int:
    """A resolution, as an argument."""
    with contextlib.suppress(ValueError):
        if FEWEST_CELLS <= int(text) <= MOST_CELLS:
            return int(text)
    raise argparse.ArgumentTypeError(
        f"'{text}' is no whole number from {FEWEST_CELLS} to {MOST_CELLS}"
    )


def parsed() -> argparse.Namespace:
    """The arguments after ``--`` in Blender, all of them in plain Python."""
    started_by_blender = "--" in sys.argv or "bpy" in sys.modules
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    if started_by_blender and "--" not in sys.argv:
        given = []
    parser = argparse.ArgumentParser(
        prog="headless_fit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--target", required=True, type=Path, help="image of the silhouette")
    add(
        "--space",
        default="",
        help="builtin:NAME, a .safetensors file or a DeepSDF folder (default: builtin:heads)",
    )
    add(
        "--up",
        choices=("auto", "Y", "Z"),
        default="auto",
        help="the space's up axis (default: %(default)s, which is Y for a DeepSDF folder)",
    )
    add("--start", default="", help="known shape to start from, by name or number (default: mean)")
    add("--out", required=True, type=Path, help="the .blend to write; it is overwritten")
    add("--blend", type=Path, help="a .blend whose camera and render size are used (default: none)")
    add(
        "--distance",
        type=float,
        default=4.0,
        help="from the camera to the origin (default: %(default)s)",
    )
    add(
        "--azimuth",
        type=float,
        default=30.0,
        help="degrees about the vertical, 0 is the front (default: %(default)s)",
    )
    add(
        "--elevation",
        type=float,
        default=20.0,
        help="degrees above the horizon (default: %(default)s)",
    )
    add(
        "--lens",
        type=float,
        default=50.0,
        help="millimetres on a 36 mm sensor (default: %(default)s)",
    )
    add("--steps", type=int, default=60, help="most steps to take (default: %(default)s)")
    add(
        "--prior",
        type=float,
        default=1e-3,
        help="how strongly to hold on to plausible shapes (default: %(default)s)",
    )
    add(
        "--resolution",
        type=cells,
        default=64,
        help="cells along each side of the grid, 4 to 512 (default: %(default)s)",
    )
    add(
        "--channel",
        choices=("AUTO", "ALPHA", "LUMINANCE"),
        default="AUTO",
        help="what tells inside from outside: AUTO is alpha where the image has any, "
        "else brightness (default: %(default)s)",
    )
    add(
        "--threshold",
        type=float,
        default=0.5,
        help="values above it are inside, 0 to 1 (default: %(default)s)",
    )
    add(
        "--invert",
        action="store_true",
        help="swap inside and outside, for a dark subject on a light ground (default: off)",
    )
    add(
        "--pose",
        action="store_true",
        help="let the shape move, turn and grow too (default: only its form changes)",
    )
    add(
        "--extension",
        type=Path,
        help="checkout folder or built .zip to enable (default: as installed, else this checkout)",
    )
    add(
        "--worker-python",
        help="the Python with torch that runs the worker (default: as the extension finds it)",
    )
    return parser.parse_args(given)


def enable(bpy, source: Path | None) -> None:
    """Enable the extension: a given one, an installed one, or this checkout's."""
    if source is None:
        for repository in bpy.context.preferences.extensions.repos:
            module = f"bl_ext.{repository.module}.{EXTENSION}"
            if (Path(repository.directory) / EXTENSION / "blender_manifest.toml").is_file():
                return _enable_module(bpy, module)
        source = CHECKOUT
    source = source.resolve()
    if source.is_file():
        bpy.ops.extensions.package_install_files(
            filepath=str(source), repo="user_default", enable_on_install=True
        )
        return _enable_module(bpy, f"bl_ext.user_default.{EXTENSION}")
    # A repository of our own with a link to the checkout; it goes away with this process.
    folder = Path(tempfile.mkdtemp(prefix="meshsdf-extension-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / EXTENSION
    link.mkdir()
    for part in ("__init__.py", "blender_manifest.toml", "meshsdf_blender", "core", "spaces"):
        (link / part).symlink_to(source / part)
    bpy.context.preferences.extensions.repos.new(
        name="MeshSDF", module="meshsdf_checkout", custom_directory=str(folder)
    )
    return _enable_module(bpy, f"bl_ext.meshsdf_checkout.{EXTENSION}")


def _enable_module(bpy, module: str) -> None:
    bpy.ops.preferences.addon_enable(module=module)
    if module not in bpy.context.preferences.addons:
        raise RuntimeError(f"The extension {module} could not be enabled: see the messages above")


def disable(bpy) -> None:
    """Disable what was enabled: the wheels of 4.2 and 4.5 hang at exit while it is registered."""
    for module in [addon.module for addon in bpy.context.preferences.addons]:
        if module.endswith(f".{EXTENSION}"):
            bpy.ops.preferences.addon_disable(module=module)


def place_camera(bpy, options: argparse.Namespace) -> None:
    """A new camera that looks at the origin, made active."""
    from mathutils import Euler, Vector

    data = bpy.data.cameras.new("Fit Camera")
    data.lens = options.lens
    camera = bpy.data.objects.new("Fit Camera", data)
    bpy.context.scene.collection.objects.link(camera)
    turn = Euler((radians(90 - options.elevation), 0.0, radians(options.azimuth)))
    camera.rotation_euler = turn
    camera.location = turn.to_matrix() @ Vector((0.0, 0.0, options.distance))
    bpy.context.scene.camera = camera


class WithoutErrors(io.TextIOBase):
    """Passes lines on to a stream, except the errors that Blender prints and then raises too."""

    def __init__(self, stream) -> None:
        self._stream, self._line = stream, ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if not line.startswith("Error: "):
                self._stream.write(line + "\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def checked_output(out: Path) -> Path:
    """The .blend to write, in a folder that can be written to. Raises RuntimeError."""
    if out.is_dir():
        raise RuntimeError(f"'{out}' is a folder: --out takes the .blend file to write")
    if out.suffix.lower() != ".blend":
        out = out.with_name(out.name + ".blend")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise RuntimeError(f"Nothing can be written to '{out.parent}': {error.strerror}") from error
    return out.resolve()


def run(bpy, options: argparse.Namespace) -> None:
    """The whole job. Raises RuntimeError with a text that says what was wrong and what to do."""
    for option, path in (("--target", options.target), ("--blend", options.blend)):
        if path is not None and path.is_dir():
            raise RuntimeError(f"'{path}' is a folder: {option} takes one file")
        if path is not None and not path.is_file():
            raise RuntimeError(f"There is no file '{path}'")
    out = checked_output(options.out)
    if options.worker_python:
        os.environ["MESHSDF_PYTHON"] = options.worker_python
    if options.blend:
        bpy.ops.wm.open_mainfile(filepath=str(options.blend.resolve()))
    else:
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    enable(bpy, options.extension)
    scene = bpy.context.scene
    image = bpy.data.images.load(str(options.target.resolve()))
    if not options.blend:
        place_camera(bpy, options)
        scene.render.resolution_x, scene.render.resolution_y = image.size
        scene.render.resolution_percentage = 100

    space, up = options.space, "FILE" if options.up == "auto" else options.up
    if space and not space.startswith("builtin:"):
        loaded = {} if options.up == "auto" else {"up": options.up}
        # A path that is not there stays as it was given, for the message.
        found = str(Path(space).resolve()) if Path(space).exists() else space
        bpy.ops.meshsdf.space_load(filepath=found, **loaded)
        space, up = scene.meshsdf.space, scene.meshsdf.space_up
    bpy.ops.meshsdf.shape_add(
        space=space, up=up, shape=options.start, resolution=options.resolution
    )
    ob = bpy.context.active_object

    fit = scene.meshsdf
    fit.target, fit.image = "IMAGE", image
    fit.channel, fit.threshold, fit.invert = options.channel, options.threshold, options.invert
    fit.steps, fit.resolution, fit.prior = options.steps, options.resolution, options.prior
    fit.move = fit.turn = fit.scale = options.pose
    bpy.ops.meshsdf.fit(print_every=PRINT_EVERY)
    bpy.ops.meshsdf.fit_accept()  # nobody goes back: the file needs no mesh from before the fit
    told = ob.meshsdf
    print(f"IoU before {told.fit_start:.4f}, after {told.fit_iou:.4f}")
    print(f"{told.fit_reason} after {told.fit_steps} steps; {told.vertices} vertices")
    if told.fit_iou < NOTHING_MET:
        raise RuntimeError(
            "The shape never met the target (IoU 0), so nothing was saved: check --invert, "
            "the camera (--azimuth, --elevation, --distance), or give --pose"
        )

    bpy.ops.wm.save_as_mainfile(filepath=str(out))
    print(f"Saved {out}")


def main() -> int:
    """Run and turn a refusal into a message and a status."""
    options = parsed()
    import bpy

    try:
        with contextlib.redirect_stdout(WithoutErrors(sys.stdout)):
            run(bpy, options)
    except RuntimeError as error:
        print(f"headless_fit: {str(error).removeprefix('Error: ').strip()}", file=sys.stderr)
        return 1
    finally:
        disable(bpy)
    return 0


if __name__ == "__main__":
    # Blender ignores what goes wrong in a script unless the script ends it with a status.
    sys.exit(main())
