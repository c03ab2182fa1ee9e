"""What the command line's commands do; ``__main__`` reads their arguments.

torch is imported by the commands that need it, so that help comes at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import MeshSDFError

if TYPE_CHECKING:
    from torch import Tensor

    from .extraction import Extraction
    from .space import Space


def info(options: argparse.Namespace) -> None:
    """Print what a space holds."""
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


def mesh(options: argparse.Namespace) -> None:
    """Write the mesh of one code."""
    from .codetext import known_code, read_code
    from .meshfile import check_mesh_path, write_mesh

    check_mesh_path(options.out)
    space = _load(options)
    if options.code:
        numbers = not options.code[0].lower().endswith(".json")
        code = read_code(space, ",".join(options.code) + ("," if numbers else ""))
    else:
        code = known_code(space, "mean" if options.shape is None else options.shape)
    found = _extract(space, code, options)
    _require_surface(found)
    write_mesh(options.out, found.vertices, found.faces, space.frame)


def interpolate(options: argparse.Namespace) -> None:
    """Print the codes between codes, and write their meshes where asked to."""
    import torch

    from . import interpolation
    from .codetext import read_code
    from .meshfile import check_mesh_path, write_mesh

    if options.out is not None:
        check_mesh_path(options.out)
    space = _load(options)
    codes = torch.stack([read_code(space, text) for text in options.codes])
    factors = [options.factor] if options.factor is not None else None
    for number, factor in enumerate(factors or torch.linspace(0, 1, options.frames).tolist()):
        code = interpolation.interpolate(codes, factor, options.method)
        print(f"{factor:.4f}  {' '.join(f'{float(value):.6g}' for value in code)}")
        if options.out is not None:
            out: Path = options.out
            if factors is None:
                out = out.with_name(f"{out.stem}_{number:03d}{out.suffix}")
            found = _extract(space, code, options)
            _require_surface(found)
            write_mesh(out, found.vertices, found.faces, space.frame)


def fit(options: argparse.Namespace) -> None:
    """Fit a code, the transform, or both, and tell of each step."""
    from .codetext import read_code
    from .fit import FitOptions
    from .fit import fit as steps_of
    from .meshfile import check_mesh_path, write_mesh
    from .viewfile import read_mask, read_view

    if len(options.target) != len(options.camera):
        raise MeshSDFError(
            f"{len(options.target)} targets and {len(options.camera)} cameras were given",
            "Give one --camera for each --target",
        )
    given = {field.name: getattr(options, field.name, None) for field in fields(FitOptions)}
    given["code"] = not options.fixed_code
    chosen = FitOptions(**{name: value for name, value in given.items() if value is not None})
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
    start = read_code(space, options.start)
    step = None
    for step in steps_of(space, start, views, targets, options=chosen):
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
