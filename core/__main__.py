"""The command line: ``python -m core --help``."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CodeError, MeshSDFError

if TYPE_CHECKING:
    from torch import Tensor

    from .extraction import Extraction
    from .space import Space

USER_ERROR, INTERRUPTED = 1, 130
MAX_CODE_FILE_BYTES = 16 * 1024**2


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
        options.run(options)
        sys.stdout.flush()
    except MeshSDFError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except BrokenPipeError:
        # The reader of our output, head for one, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return USER_ERROR
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Shape spaces as meshes: look into one, extract, blend, and fit.",
        epilog="A SPACE is a .safetensors file, or a DeepSDF experiment (its folder, specs.json or "
        "a .pth file in it). A CODE is the name or number (from 0) of a known shape, 'mean', a "
        '.json file with {"code": [...]}, or numbers with commas (--code=-0.5,1).',
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("space", metavar="SPACE", type=Path)
    common.add_argument("--up", choices=("Z", "Y"), help="the axis of the space that points up")
    common.add_argument("--device", default="cpu", help="cpu, cuda or mps (default: cpu)")
    common.add_argument("--threads", type=_whole(1), help="threads of torch (default: its own)")
    mesh = argparse.ArgumentParser(add_help=False)
    mesh.add_argument("--resolution", type=_whole(4), default=64, help="cells a side (64)")
    mesh.add_argument("--cap", action="store_true", help="close the surface at the cube's wall")
    mesh.add_argument("--newton", type=_whole(0), default=0, help="projection steps (0)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    info = commands.add_parser("info", parents=[common], help="what a space holds")
    info.add_argument("--json", action="store_true", help="for programs")
    info.set_defaults(run=_info)

    one = commands.add_parser("mesh", parents=[common, mesh], help="the mesh of one code")
    which = one.add_mutually_exclusive_group()
    which.add_argument("--code", nargs="+", metavar="X", help="numbers, or a .json file")
    which.add_argument("--shape", help="a known shape, by name or number")
    which.add_argument("--mean", action="store_true", help="the mean code (default)")
    one.add_argument("--out", type=Path, required=True, help=".ply, .obj, .stl or .glb")
    one.set_defaults(run=_mesh)

    blend = commands.add_parser(
        "interpolate", parents=[common, mesh], help="codes between codes, and their meshes"
    )
    blend.add_argument("codes", nargs="+", metavar="CODE", help="two or more")
    blend.add_argument("--method", default="linear", choices=("linear", "spherical", "smooth"))
    blend.add_argument("--factor", type=_number, help="one place of the way, 0 to 1")
    blend.add_argument("--frames", type=_whole(2), default=5, help="places, evenly (5)")
    blend.add_argument("--out", type=Path, help="mesh file; frames get _000, _001, ... before .ply")
    blend.set_defaults(run=_interpolate)

    _add_fit(commands, [common])
    return parser


def _add_fit(commands: Any, parents: list[argparse.ArgumentParser]) -> None:
    fit = commands.add_parser("fit", parents=parents, help="the code of a silhouette")
    fit.add_argument("--target", type=Path, action="append", required=True, help="an image")
    fit.add_argument(
        "--camera",
        type=Path,
        action="append",
        required=True,
        help="a .json file per target: matrix (4x4, world to pixels), or location with look_at or "
        "rotation, and lens, sensor_width, shift, ...",
    )
    fit.add_argument("--threshold", type=_number, help="0 to 1: from where a pixel is covered")
    fit.add_argument("--invert", action="store_true", help="the shape is dark or transparent")
    fit.add_argument("--start", default="mean", metavar="CODE", help="where to begin (mean)")
    fit.add_argument("--fixed-code", action="store_true", help="fit the transform alone")
    for part in ("move", "turn", "scale"):
        fit.add_argument(f"--{part}", action="store_true", help=f"fit this too: {part}")
    fit.add_argument("--steps", type=_whole(0))
    fit.add_argument("--patience", type=_whole(1), help="steps without progress")
    fit.add_argument("--resolution", type=_whole(4))
    fit.add_argument("--newton", type=_whole(0))
    fit.add_argument("--cap", action="store_true")
    for name in ("rate", "pose-rate", "prior", "reach", "stop-iou"):
        fit.add_argument(f"--{name}", type=_number)
    fit.add_argument("--out", type=Path, help="the mesh: .ply, .obj, .stl or .glb")
    fit.add_argument("--save", type=Path, help="the code and transform: .json")
    fit.set_defaults(run=_fit)


def _whole(least: int) -> Any:
    def whole(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is less than {least}")
        return number

    return whole


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 on")
    return number


def _load(options: argparse.Namespace) -> Space:
    import torch

    from .loading import load_space

    try:
        torch.zeros(1, device=options.device)
    # torch says the same in many ways: NotImplementedError, AssertionError, RuntimeError.
    except Exception as error:
        raise MeshSDFError(
            f"torch {torch.__version__} has no device '{options.device}'", "Use --device cpu"
        ) from error
    space = load_space(options.space, up=options.up, device=options.device)
    for warning in space.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return space


def _info(options: argparse.Namespace) -> None:
    space = _load(options)
    form, statistics = space.decoder.architecture, space.statistics
    described = {
        "name": space.name,
        "codes": len(space.codes),
        "code_length": space.code_length,
        "shape_names": list(space.shape_names),
        "deviations": [round(float(d), 6) for d in statistics.deviations],
        "architecture": dict(form.__dict__),
        "parameters": sum(p.numel() for p in space.decoder.parameters()),
        "flops": form.flops,
        "frame": dict(space.frame.__dict__),
        "card": dict(space.card),
        "warnings": list(space.warnings),
    }
    if options.json:
        print(json.dumps(described, indent=1))
        return
    named = ", ".join(space.shape_names[:8]) + (", ..." if len(space.shape_names) > 8 else "")
    spread = ", ".join(f"{float(d):.3g}" for d in statistics.deviations[:8])
    print(f"{space.name}: {len(space.codes)} codes of {space.code_length} numbers")
    if named:
        print(f"  shapes      {named}")
    print(f"  deviations  {spread}{', ...' if space.code_length > 8 else ''}")
    print(f"  layers      {', '.join(map(str, form.widths))}, 1")
    for key in ("skips", "norms", "xyz_in_all", "fourier_degree", "tanh_last", "tanh_out"):
        if value := getattr(form, key):
            print(f"  {key:<11} {value}")
    print(f"  parameters  {described['parameters']:,}; {form.flops:,} operations per point")
    print(f"  frame       {space.frame.up} up, scale {space.frame.scale:g}, {space.frame.offset}")
    for key, entry in space.card.items():
        print(f"  {key:<11} {entry}")


def _mesh(options: argparse.Namespace) -> None:
    from .meshfile import check_mesh_path, write_mesh

    check_mesh_path(options.out)
    space = _load(options)
    if options.code:
        numbers = not options.code[0].lower().endswith(".json")
        code = read_code(space, ",".join(options.code) + ("," if numbers else ""))
    else:
        code = known_code(space, "mean" if options.shape is None else options.shape)
    mesh = _extract(space, code, options)
    _require_surface(mesh)
    write_mesh(options.out, mesh.vertices, mesh.faces, space.frame)


def _interpolate(options: argparse.Namespace) -> None:
    import torch

    from .interpolation import interpolate
    from .meshfile import check_mesh_path, write_mesh

    if options.out is not None:
        check_mesh_path(options.out)
    space = _load(options)
    codes = torch.stack([read_code(space, text) for text in options.codes])
    factors = [options.factor] if options.factor is not None else None
    for number, factor in enumerate(factors or torch.linspace(0, 1, options.frames).tolist()):
        code = interpolate(codes, factor, options.method)
        print(f"{factor:.4f}  {' '.join(f'{float(value):.6g}' for value in code)}")
        if options.out is not None:
            out: Path = options.out
            if factors is None:
                out = out.with_name(f"{out.stem}_{number:03d}{out.suffix}")
            mesh = _extract(space, code, options)
            _require_surface(mesh)
            write_mesh(out, mesh.vertices, mesh.faces, space.frame)


def _fit(options: argparse.Namespace) -> None:
    from .fit import FitOptions, fit
    from .meshfile import check_mesh_path, write_mesh
    from .viewfile import read_mask, read_view

    if len(options.target) != len(options.camera):
        raise MeshSDFError(
            f"{len(options.target)} targets and {len(options.camera)} cameras were given",
            "Give one --camera for each --target",
        )
    if options.out is not None:
        check_mesh_path(options.out)
    space = _load(options)
    targets = [
        read_mask(path, threshold=options.threshold, invert=options.invert)
        for path in options.target
    ]
    views = [
        read_view(path, target.shape[1], target.shape[0])
        for path, target in zip(options.camera, targets, strict=True)
    ]
    given = {field.name: getattr(options, field.name, None) for field in fields(FitOptions)}
    given["code"] = not options.fixed_code
    chosen = FitOptions(**{name: value for name, value in given.items() if value is not None})
    step = None
    for step in fit(space, read_code(space, options.start), views, targets, options=chosen):
        if not step.done:
            print(
                f"step {step.step:3d}  IoU {step.iou:.4f}  loss {step.loss:.5f}  "
                f"components {step.topology.components}  genus {step.topology.genus}"
            )
    assert step is not None
    print(f"{step.reason}: IoU {step.best_iou:.4f} at step {step.best_step}")
    print(f"code {' '.join(f'{float(value):.6g}' for value in step.code)}")
    if options.save is not None:
        _save(options.save, step.code, step.object_matrix)
    if options.out is not None:
        write_mesh(options.out, step.vertices, step.faces, space.frame)


def _save(path: Path, code: Tensor, matrix: Tensor) -> None:
    from .files import write_whole

    text = json.dumps({"code": code.tolist(), "object_matrix": matrix.tolist()}, indent=1)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise MeshSDFError(
            f"'{path}' cannot be written: {error.strerror or error}", "Choose another folder"
        ) from error


def _extract(space: Space, code: Tensor, options: argparse.Namespace) -> Extraction:
    from .extraction import extract
    from .topology import topology

    mesh = extract(space, code, options.resolution, cap=options.cap, newton=options.newton)
    shape = topology(mesh.vertices, mesh.faces)
    print(
        f"{shape.vertices:,} vertices, {shape.faces:,} faces, components {shape.components}, "
        f"genus {shape.genus}, {'' if shape.watertight else 'not '}watertight, volume "
        f"{shape.volume * space.frame.scale**3:.4f}, {mesh.evaluations:,} evaluations"
    )
    if mesh.message:
        print(f"note: {mesh.message}", file=sys.stderr)
    return mesh


def _require_surface(mesh: Extraction) -> None:
    if not len(mesh.vertices):
        raise MeshSDFError("There is no surface, so no mesh was written", "Choose another code")


def read_code(space: Space, text: str) -> Tensor:
    """The code ``(L,)`` that ``text`` stands for: see the command line's help. Raises CodeError."""
    import torch

    if text.lower().endswith(".json"):
        return space.check_code(_saved_code(Path(text))).cpu()
    # A whole number is a shape's; 2.0 or "2," is the code of a space whose codes have one number.
    if text in space.shape_names or text.isdigit():
        return known_code(space, text)
    try:
        values = [float(number) for number in text.split(",") if number.strip()]
    except ValueError:
        return known_code(space, text)
    return space.check_code(torch.tensor(values)).cpu()


def known_code(space: Space, name: str) -> Tensor:
    """The code of a shape by name or number, or the mean. Raises CodeError."""
    if name == "mean" and name not in space.shape_names:
        return space.mean_code
    if name in space.shape_names:
        return space.codes[space.shape_names.index(name)]
    if name.isascii() and name.isdigit() and int(name) < len(space.codes):
        return space.codes[int(name)]
    names = ", ".join(space.shape_names[:10])
    raise CodeError(
        f"Space '{space.name}' has no shape '{name[:60]}'",
        f"Use 0 to {len(space.codes) - 1}{f' or a name: {names}' if names else ''}"
        if len(space.codes)
        else "It has no known shapes: use mean, or the code's numbers",
    )


def _saved_code(path: Path) -> Tensor:
    import torch

    try:
        with path.open("rb") as file:
            saved = json.loads(file.read(MAX_CODE_FILE_BYTES))
        return torch.tensor(saved["code"] if isinstance(saved, dict) else saved).float()
    except OSError as error:
        raise CodeError(f"'{path}' cannot be read: {error.strerror}", "Check the path") from error
    except (ValueError, TypeError, KeyError, RuntimeError, RecursionError) as error:
        raise CodeError(f"'{path}' holds no code", 'Write {"code": [numbers]}') from error


if __name__ == "__main__":
    sys.exit(main())
