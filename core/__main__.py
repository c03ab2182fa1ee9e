"""The command line: ``python -m core --help``, and docs/command-line.md."""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import commands
from .argumenttypes import MOST_THREADS, number, whole
from .batch_commands import add_batch, add_fit_options
from .errors import MeshSDFError
from .reconstruction_commands import add_reconstruction
from .training_arguments import add_training
from .worker import __main__ as worker

USER_ERROR, INTERRUPTED = 1, 130
# The command line also reads pictures.
NEEDED = {**worker.NEEDED, "PIL": "pillow"}
TOO_LITTLE_MEMORY = (
    "There is not enough memory for this. Lower the resolution, or close other programs."
)
CHECKOUT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors of the user's make one line each."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console may not know every character of a shape's name.
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        if options.threads:
            import torch

            torch.set_num_threads(options.threads)
        # A command that can be stopped halfway says so by its status.
        status = int(options.run(options) or 0)
        sys.stdout.flush()
    except MeshSDFError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in NEEDED:
            raise
        print(f"error: {_lacking(str(error.name))}", file=sys.stderr)
        return USER_ERROR
    except (MemoryError, RuntimeError) as error:
        from .memory import short_of_memory

        if not short_of_memory(error):
            raise
        print(f"error: {TOO_LITTLE_MEMORY}", file=sys.stderr)
        return USER_ERROR
    except BrokenPipeError:
        # The reader of our output, head for one, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USER_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _lacking(module: str) -> str:
    """One line for a Python without ``module``, and maybe more of what core needs."""
    missing = [pip for name, pip in NEEDED.items() if importlib.util.find_spec(name) is None]
    lacks = f"This Python, {sys.executable}, lacks {', '.join(missing) or module}."
    for python in (CHECKOUT / ".venv/bin/python", CHECKOUT / ".venv/Scripts/python.exe"):
        if python.exists() and Path(sys.prefix).resolve() != (CHECKOUT / ".venv").resolve():
            return f"{lacks} Use the checkout's own: {python} -m core ..."
    packages = " ".join(missing or NEEDED.values())
    return f"{lacks} Install: {sys.executable} -m pip install {packages}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Shape spaces as meshes: look into one, extract, blend, fit, train.",
        epilog="A SPACE is the name of a built-in space (heads, or builtin:heads), a .safetensors "
        "file, or a DeepSDF experiment (its folder, specs.json or a .pth file in it). A CODE is "
        "the name of a known shape or example (Cup 1009 is cup_1009) or its number (from 0), "
        "'mean', a .json file with "
        '{"code": [...]}, or numbers with commas (--code=-0.5,1). Examples: docs/command-line.md.',
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--up", choices=("Z", "Y"), help="the axis of the space that points up")
    common.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    common.add_argument(
        "--threads", type=whole(1, MOST_THREADS), help="threads of torch (default: its own)"
    )
    spaced = argparse.ArgumentParser(add_help=False)
    spaced.add_argument(
        "space",
        metavar="SPACE",
        type=Path,
        help="a built-in space by its name, or the file or folder of any other",
    )
    mesh = argparse.ArgumentParser(add_help=False)
    mesh.add_argument("--resolution", type=whole(4), default=64, help="cells a side (64)")
    mesh.add_argument("--cap", action="store_true", help="close the surface at the cube's wall")
    mesh.add_argument("--newton", type=whole(0), default=0, help="projection steps (0)")
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    info = verbs.add_parser(
        "info", parents=[common], help="what a space holds; without one, the built-in spaces"
    )
    info.add_argument("space", metavar="SPACE", type=Path, nargs="?")
    info.add_argument("--json", action="store_true", help="for programs")
    info.set_defaults(run=commands.info)

    one = verbs.add_parser("mesh", parents=[spaced, common, mesh], help="the mesh of one code")
    which = one.add_mutually_exclusive_group()
    which.add_argument("--code", nargs="+", metavar="X", help="numbers, or a .json file")
    which.add_argument("--shape", help="a known shape, by name or number")
    which.add_argument("--mean", action="store_true", help="the mean code (default)")
    one.add_argument(
        "--slider",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="move the code by a slider that info names, in deviations; may be repeated",
    )
    one.add_argument("--out", type=Path, required=True, help=".ply, .obj, .stl or .glb")
    one.set_defaults(run=commands.mesh)

    blend = verbs.add_parser(
        "interpolate", parents=[spaced, common, mesh], help="codes between codes, and their meshes"
    )
    blend.add_argument("codes", nargs="+", metavar="CODE", help="two or more")
    blend.add_argument("--method", default="linear", choices=("linear", "spherical", "smooth"))
    blend.add_argument("--factor", type=number, help="one place of the way, 0 to 1")
    blend.add_argument("--frames", type=whole(2), default=5, help="places, evenly (5)")
    blend.add_argument("--out", type=Path, help="mesh file; frames get _000, _001, ... before .ply")
    blend.set_defaults(run=commands.interpolate)

    _add_fit(verbs, [spaced, common])
    add_batch(verbs, [spaced])
    add_reconstruction(verbs, [common])
    add_training(verbs, [spaced, common])
    return parser


def _add_fit(verbs: Any, parents: list[argparse.ArgumentParser]) -> None:
    fit = verbs.add_parser("fit", parents=parents, help="the code of a silhouette")
    fit.add_argument("--target", type=Path, action="append", required=True, help="an image")
    fit.add_argument(
        "--camera",
        type=Path,
        action="append",
        required=True,
        help="a .json file per target: matrix (4x4, world to pixels), or location with look_at or "
        "rotation, and lens, sensor_width, shift, ... (all keys: docs/command-line.md)",
    )
    fit.add_argument(
        "--threshold",
        type=number,
        help="the least brightness or opacity of a covered pixel, 0 to 1 (without it: in parts)",
    )
    fit.add_argument(
        "--invert", action="store_true", help="the shape is darker or clearer than what is around"
    )
    fit.add_argument(
        "--start",
        default="mean",
        metavar="CODE",
        help="where to begin (mean); a saved one, with its transform",
    )
    add_fit_options(fit)
    fit.add_argument("--out", type=Path, help="the mesh: .ply, .obj, .stl or .glb")
    fit.add_argument("--save", type=Path, help="the code and transform: .json")
    fit.set_defaults(run=commands.fit)


if __name__ == "__main__":
    sys.exit(main())
