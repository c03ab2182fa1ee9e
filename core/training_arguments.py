"""The command line's arguments of training, encoding and exporting; see ``training_commands``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import training_commands as commands
from .argumenttypes import FEWEST_CELLS, MOST_CELLS, MOST_SEED, MOST_THREADS, number, whole

PRESETS = ("draft", "balanced", "fine")
CELLS = whole(FEWEST_CELLS, MOST_CELLS)
SEED, THREADS = whole(0, MOST_SEED), whole(1, MOST_THREADS)


def add_training(verbs: Any, space: list[argparse.ArgumentParser]) -> None:
    """Add the commands to ``verbs``; ``space`` have the arguments of those that load one."""
    _add_train(verbs)
    _add_encode(verbs, space)
    export = verbs.add_parser(
        "export", parents=space, help="a space as a DeepSDF folder, or as our own file"
    )
    export.add_argument(
        "folder",
        metavar="TARGET",
        type=Path,
        help="a folder, new or empty, or a new file NAME.safetensors",
    )
    export.set_defaults(run=commands.export)
    judge = verbs.add_parser("judge", help="what a space makes of shapes that it never saw")
    judge.add_argument(
        "space", metavar="RUN_OR_SPACE", type=Path, help="a run's folder, or a space"
    )
    judge.add_argument(
        "meshes",
        metavar="MESHES",
        type=Path,
        nargs="?",
        help="the folder of the meshes (default: the run's own)",
    )
    judge.add_argument("--resolution", type=CELLS, default=128, help="cells a side (128)")
    judge.add_argument("--seed", type=SEED, default=0)
    judge.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    judge.add_argument("--threads", type=THREADS, help="threads of torch (default: its own)")
    judge.set_defaults(run=commands.judge, up=None)
    report = verbs.add_parser("report", help="what a training did with each mesh")
    report.add_argument("folder", metavar="FOLDER", type=Path, help="the run's folder")
    report.set_defaults(run=commands.report, threads=None)


def _add_train(verbs: Any) -> None:
    train = verbs.add_parser("train", help="a space from a folder of meshes")
    train.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        nargs="?",
        help="a folder of .obj, .ply, .stl and .glb files, one for each shape",
    )
    train.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True, help="the run's folder, see the docs"
    )
    train.add_argument("--resume", action="store_true", help="go on with the run in --out")
    train.add_argument("--anew", action="store_true", help="replace the run in --out")
    train.add_argument("--name", help="the space's name (default: that of --out)")
    train.add_argument("--preset", choices=PRESETS, default="balanced", help="(balanced)")
    train.add_argument("--up", choices=("Z", "Y"), default="Z", help="what is up in the files (Z)")
    train.add_argument("--centre", action="store_true", help="centre each shape alone")
    train.add_argument("--normalise", action="store_true", help="scale each shape to one radius")
    train.add_argument("--thickness", type=number, default=0.0, help="of open surfaces, file units")
    train.add_argument(
        "--fill-voids", action="store_true", help="fill voids that no wide opening leads into"
    )
    train.add_argument(
        "--plain", action="store_true", help="no Fourier features: DeepSDF's own programs load it"
    )
    train.add_argument("--held-out", type=float, default=0.0, help="share kept apart, 0 to 0.5")
    train.add_argument("--seed", type=SEED, default=0)
    train.add_argument("--device", help="cpu, cuda or mps (default: cpu; resumed: as before)")
    train.add_argument("--threads", type=THREADS, help="threads of torch (default: its own)")
    train.set_defaults(run=commands.train)


def _add_encode(verbs: Any, space: list[argparse.ArgumentParser]) -> None:
    encode = verbs.add_parser("encode", parents=space, help="the code of a mesh or point cloud")
    encode.add_argument(
        "shape",
        metavar="MESH",
        type=Path,
        help=".obj, .ply, .stl, .glb; or points: a .ply without faces, .xyz, .npy",
    )
    encode.add_argument(
        "--partial", action="store_true", help="an open scan: what is missing says nothing"
    )
    for name, what in (("centre", "move"), ("normalise", "scale")):
        encode.add_argument(
            f"--{name}",
            action=argparse.BooleanOptionalAction,
            help=f"{what} the shape as the space's training did (default: as its card says)",
        )
    encode.add_argument(
        "--fill-voids",
        action=argparse.BooleanOptionalAction,
        help="fill voids that no wide opening leads into (default: as the space's training did)",
    )
    encode.add_argument(
        "--thickness",
        type=number,
        help="of open surfaces, file units (default: as the space's training did)",
    )
    encode.add_argument("--steps", type=whole(0), default=0, help="(as many as are usual)")
    encode.add_argument("--seed", type=SEED, default=0)
    encode.add_argument("--out", metavar="CODE.json", type=Path, help="the code")
    encode.add_argument(
        "--mesh",
        type=Path,
        help="its mesh, where the given shape stands, Z-up: .ply, .obj, .stl or .glb",
    )
    encode.add_argument("--resolution", type=CELLS, default=64, help="of that mesh (64)")
    encode.set_defaults(run=commands.encode)
