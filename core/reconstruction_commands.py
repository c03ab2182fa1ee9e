"""``reconstruct`` and ``teach``: their arguments, and what they print."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from .argumenttypes import MOST_SEED, whole
from .builtin import find_space
from .commands import load, write_bytes, write_json
from .errors import EncoderError, MeshSDFError, PictureError
from .training_commands import (
    INTERRUPTED,
    SECONDS_BETWEEN_LINES,
    command_text,
    duration,
    stopped_by_interrupt,
)

if TYPE_CHECKING:
    from torch import Tensor

    from .camera import View
    from .reconstruction import Reconstruction
    from .reconstruction.teachclock import TeachStep

RUNS = Path("runs")
MOST_PICTURES, MOST_STEPS = 1_000_000, 1_000_000
# An encoder's error, in shares of the mean shape's, from which on it is of no use.
NO_BETTER = 0.9


def add_reconstruction(verbs: Any, common: list[argparse.ArgumentParser]) -> None:
    """Add both commands to the parser's."""
    one = verbs.add_parser(
        "reconstruct", parents=common, help="the shape that one picture shows, and its camera"
    )
    one.add_argument("image", metavar="IMAGE", type=Path, help="a photo, a render, a drawing")
    one.add_argument("--space", metavar="SPACE", type=Path, required=True, help="whose encoder")
    one.add_argument("--encoder", type=Path, help="its file (default: the one beside the space)")
    one.add_argument(
        "--mask",
        type=Path,
        help="an image that is bright, or opaque, where the object is (default: the picture's "
        "transparency; without it, predicted)",
    )
    one.add_argument(
        "--camera",
        type=Path,
        help="a .json file of the camera that took the picture, as fit reads it (default: guessed)",
    )
    one.add_argument(
        "--lens",
        type=float,
        metavar="MM",
        help="its focal length, for 36 mm along the picture's longer side (default: what the "
        "photo notes, else guessed)",
    )
    one.add_argument("--guesses", type=int, help="how many are tried (3)")
    one.add_argument("--steps", type=int, help="of the refinement (12); 0: the encoder's word")
    one.add_argument("--resolution", type=int, help="cells a side (64)")
    one.add_argument("--fixed-pose", action="store_true", help="refine the code alone")
    one.add_argument("--out", type=Path, help="the mesh: .ply, .obj, .stl or .glb")
    one.add_argument("--save", type=Path, help="code, transform and camera: .json")
    one.add_argument("--save-mask", type=Path, metavar="PNG", help="the object's mask, as used")
    one.set_defaults(run=reconstruct)

    taught = verbs.add_parser(
        "teach", parents=common, help="an encoder of a space, which reconstruct needs"
    )
    taught.add_argument("space", metavar="SPACE", type=Path, help="a file or a folder")
    taught.add_argument(
        "--out", metavar="FILE", type=Path, help="(encoders/NAME.safetensors beside the space)"
    )
    taught.add_argument(
        "--run",
        dest="folder",
        metavar="FOLDER",
        type=Path,
        help="what an interrupted run goes on from (runs/NAME_encoder, or NAME_masker)",
    )
    taught.add_argument(
        "--masks-only",
        action="store_true",
        help="keep the encoder that is there; teach anew how it finds the object in a photo",
    )
    taught.add_argument("--pictures", type=whole(1, MOST_PICTURES), help="to learn from (10000)")
    taught.add_argument("--steps", type=whole(1, MOST_STEPS), help="(1800)")
    taught.add_argument("--seed", type=whole(0, MOST_SEED), default=1, help="(1)")
    taught.set_defaults(run=teach)


def reconstruct(options: argparse.Namespace) -> None:
    """Reconstruct one picture, and tell of each step."""
    from .meshfile import write_mesh

    place = find_space(options.space)
    _check_paths(options)
    from .reconstruction import ReconstructOptions, find_encoder, read_encoder, read_picture
    from .reconstruction import reconstruct as steps_of
    from .reconstruction.picture import picture_size
    from .viewfile import read_mask, read_view

    given = {name: getattr(options, name) for name in ("guesses", "steps", "resolution")}
    chosen = ReconstructOptions(
        pose=not options.fixed_pose, **{key: n for key, n in given.items() if n is not None}
    )
    picture, (width, height) = read_picture(options.image), picture_size(options.image)
    mask = None if options.mask is None else read_mask(options.mask)
    view = None if options.camera is None else read_view(options.camera, width, height)
    space = load(options)
    encoder = (
        find_encoder(space, place) if options.encoder is None else read_encoder(options.encoder)
    )
    encoder.check(space)
    lens = _lens(options)
    started, found, said = time.perf_counter(), None, 0
    for found in steps_of(space, encoder, picture, mask=mask, view=view, lens=lens, options=chosen):
        for remark in found.remarks[said:]:
            print(f"note: {remark}", file=sys.stderr)
        said = len(found.remarks)
        print(_line(found), flush=True)
    assert found is not None
    if found.iou == 0:
        raise MeshSDFError(
            "No guess ever touched the object in the picture (IoU 0), so nothing was written",
            "Check that the picture shows a shape of this space, or give its --mask",
        )
    if found.predicted:
        print(
            "note: the object's mask was predicted, and the IoU is against that guess; --save-mask "
            "keeps it, --mask gives a better one",
            file=sys.stderr,
        )
    if options.save_mask is not None:
        _write_mask(options.save_mask, found.mask)
    parts = ", ".join(f"{name} {ms / 1e3:.2f}" for name, ms in found.ms.items())
    print(f"{time.perf_counter() - started:.2f} s: {parts}")
    if found.camera is not None:
        print(f"camera {_told_camera(found)}")
    print(f"code {' '.join(f'{float(value):.6g}' for value in found.code)}")
    if options.save is not None:
        write_json(options.save, described(found, width, height))
    if options.out is not None:
        from .extraction import extract

        mesh = extract(space, found.code, chosen.resolution)
        if not len(mesh.vertices):
            raise MeshSDFError("There is no surface, so no mesh was written", "Use more guesses")
        write_mesh(
            options.out, mesh.vertices, mesh.faces, space.frame, object_matrix=found.object_matrix
        )
    if options.save is None and options.out is None:
        print(
            "note: no shape was kept; --out writes the mesh, --save the code and the camera",
            file=sys.stderr,
        )


def _check_paths(options: argparse.Namespace) -> None:
    """Raises PictureError, MeshFileError, before anything takes long."""
    from .meshfile import check_mesh_path

    for path in (options.image, options.mask, options.camera, options.encoder):
        if path is not None and not path.exists():
            raise PictureError(f"There is no file '{path}'", "Check the path")
    if options.out is not None:
        check_mesh_path(options.out)
    for name, path, suffix in (
        ("a code and a camera", options.save, ".json"),
        ("a mask", options.save_mask, ".png"),
    ):
        if path is not None and path.suffix.lower() != suffix:
            raise PictureError(f"'{path}' is no file for {name}", f"Use a {suffix}")


def _told_camera(found: Reconstruction) -> str:
    from .reconstruction.placing import SENSOR

    assert found.camera is not None
    lens = found.focal * SENSOR / max(found.view.width, found.view.height)
    away = float(found.camera[:3, 3].norm())
    how = "found" if found.lens is None else "told"
    return f"lens {lens:.1f} mm ({how}), {away:.2f} from the shape's origin"


def _write_mask(path: Path, mask: Tensor) -> None:
    """A mask ``(H, W)`` in [0, 1] as a grey picture."""
    import numpy as np
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray((mask.clamp(0, 1) * 255).round().numpy().astype(np.uint8)).save(data, "PNG")
    write_bytes(path, data.getvalue())


def _lens(options: argparse.Namespace) -> float | None:
    """The lens that is told, else the one that the photo notes; None where it is to be guessed."""
    from .reconstruction import noted_lens

    if options.lens is not None or options.camera is not None:
        given: float | None = options.lens
        return given
    lens = noted_lens(options.image)
    if lens is not None:
        print(f"lens {lens:.1f} mm, as the photo notes")
    return lens


def _line(found: Reconstruction) -> str:
    which = f"guess {found.guess + 1}, likelihood {found.likelihood:.2f}"
    if found.stage == "refine":
        return f"step {found.step:3d}  IoU {found.iou:.4f}"
    name = {"guess": "likeliest", "trial": "best trial", "done": "done"}[found.stage]
    return f"{name}: IoU {found.iou:.4f} ({which})"


def described(found: Reconstruction, width: int, height: int) -> Mapping[str, object]:
    """What ``--save`` writes: a CODE for the command line, and a camera that ``fit`` reads.

    ``width`` and ``height`` are the picture's own; the reconstruction may have seen a smaller one.
    """
    return {
        "code": found.code.tolist(),
        "object_matrix": found.object_matrix.tolist(),
        "iou": found.iou,
        "guess": found.guess + 1,
        "likelihood": found.likelihood,
        "remarks": list(found.remarks),
        "camera": _camera(found, width, height),
    }


def _camera(found: Reconstruction, width: int, height: int) -> dict[str, object]:
    size = {"width": width, "height": height}
    if found.camera is None:
        return {"matrix": _resized(found.view, width, height), **size}
    from .reconstruction.placing import SENSOR

    focal = found.focal * width / found.view.width  # in the picture's own pixels
    return {
        "camera_to_world": found.camera.tolist(),
        "lens": focal * SENSOR / max(width, height),
        "sensor_width": SENSOR,  # AUTO's is that of the longer side
        **size,
    }


def _resized(view: View, width: int, height: int) -> list[list[float]]:
    from .reconstruction.run import of_size

    rows: list[list[float]] = of_size(view, width, height).matrix.tolist()
    return rows


def teach(options: argparse.Namespace) -> int:
    """Teach an encoder, or go on, and tell of it; 130 when it was stopped before its end."""
    place = find_space(options.space)
    from .reconstruction.encoderfile import encoder_path, find_encoder, read_encoder
    from .reconstruction.teaching import teach as steps_of
    from .reconstruction.teachrun import Lesson

    out: Path = options.out or encoder_path(place)
    _check_writable(out, named=options.out is not None)
    kind = "masker" if options.masks_only else "encoder"
    folder: Path = options.folder or RUNS / f"{place.stem}_{kind}"
    given = {name: getattr(options, name) for name in ("pictures", "steps")}
    chosen = Lesson(
        seed=options.seed, **{name: n for name, n in given.items() if n is not None}
    ).options()
    space = load(options)
    known = None
    if options.masks_only:
        known = read_encoder(out) if out.exists() else find_encoder(space, place)
    print(f"the encoder goes to {out}, and what a stopped run goes on from to {folder}", flush=True)
    try:
        with stopped_by_interrupt() as stop:
            if not told(steps_of(space, out, folder, options=chosen, known=known), stop):
                again = command_text("teach", options.space, *_same(options))
                print(
                    f"stopped; what was learnt is kept, go on with: {again}",
                    file=sys.stderr,
                )
                return INTERRUPTED
    except OSError as error:
        raise EncoderError(
            f"'{error.filename or out}' cannot be written: {error.strerror or error}",
            "Choose another place with --out and --run",
        ) from error
    print(f"wrote {out}")
    return 0


def told(steps: Generator[TeachStep, None, None], stop: Event | None = None) -> bool:
    """Teach with a line every few seconds, until ``stop``; whether the end was reached."""
    said, stage = 0.0, ""
    for step in steps:
        if step.stage == "done":
            print(_told_quality(step.figures))
            if step.figures["code_error"] > NO_BETTER:
                print(
                    "note: this tells hardly more than the mean shape does; give it more "
                    "--pictures and --steps",
                    file=sys.stderr,
                )
        elif stop is not None and stop.is_set():
            steps.close()
            return False
        elif step.stage != stage or time.monotonic() - said > SECONDS_BETWEEN_LINES:
            said, stage = time.monotonic(), step.stage
            print(_teach_line(step), flush=True)
    return True


def _same(options: argparse.Namespace) -> list[str]:
    """The options that a run has to be gone on with."""
    names = {"out": "out", "folder": "run", "pictures": "pictures", "steps": "steps"}
    names |= {"seed": "seed", "threads": "threads", "up": "up"}
    given = {flag: getattr(options, name) for name, flag in names.items()}
    texts = [(f"--{flag}", str(value)) for flag, value in given.items() if value is not None]
    return [text for pair in texts for text in pair] + ["--masks-only"] * options.masks_only


def _check_writable(out: Path, *, named: bool) -> None:
    """Raise EncoderError where the file could not be written in the end."""
    folder = next(folder for folder in out.absolute().parents if folder.exists())
    if folder.is_dir() and os.access(folder, os.W_OK) and not out.is_dir():
        return
    raise EncoderError(
        f"'{out}' cannot be written",
        "Choose another file" if named else "Name a file of your own: --out FILE.safetensors",
    )


def _teach_line(step: TeachStep) -> str:
    parts = [f"{step.stage:<8} {step.share:4.0%}"]
    names = {"degrees": "rotation off by {:.0f} degrees", "code": "code error {:.3f}"}
    names |= {"loss": "loss {:.3f}", "iou": "mask IoU {:.3f}"}
    parts += [names[name].format(value) for name, value in step.figures.items()]
    if step.seconds_left is not None:
        parts.append(f"{duration(step.seconds_left)} left")
    return "  ".join(parts)


def _told_quality(quality: Mapping[str, float]) -> str:
    return (
        f"on pictures drawn anew: the code's error {quality['code_error']:.0%} of the mean "
        f"shape's; the likeliest view turned by {quality['likeliest_degrees']:.0f} degrees, the "
        f"best of the guesses by {quality['best_degrees']:.0f}; predicted masks' IoU "
        f"{quality['mask_iou']:.3f}"
    )
