"""What the command line's commands do; ``__main__`` reads their arguments.

torch is imported by the commands that need it, so that help comes at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from .builtin import builtin_spaces, find_space, is_a_name, one_line
from .errors import MeshSDFError
from .naming import slider_text

if TYPE_CHECKING:
    from torch import Tensor

    from .extraction import Extraction
    from .fitting import FitOptions
    from .space import Space
    from .topology import Topology

# Of a long list, this many are told.
SHOWN = 8
ENDS = {
    "converged": "The outlines match",
    "steps": "All steps are done",
    "patience": "More steps brought nothing more",
}


def info(options: argparse.Namespace) -> None:
    """Print what a space holds."""
    if options.space is None:
        _list_builtin()
        return
    try:
        space = load(options)
    except MeshSDFError:
        if is_a_name(options.space) and not options.space.exists():
            _list_builtin()
        raise
    form, statistics = space.decoder.architecture, space.statistics
    described = {
        "name": space.name,
        "codes": len(space.codes),
        "code_length": space.code_length,
        "shape_names": list(space.shape_names),
        "sliders": [
            {"name": s.name, "low": round(s.low, 3), "high": round(s.high, 3)}
            for s in space.sliders
        ],
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
    print(f"{space.name}: {len(space.codes)} codes of {space.code_length} numbers")
    lines: dict[str, object] = {}
    if space.shape_names:
        lines["shapes"] = space.shape_names
    if space.sliders:
        lines["sliders, in deviations"] = {
            s.name: f"{s.low:.2g} to {s.high:.2g}" for s in space.sliders
        }
    lines["deviations"] = [f"{float(d):.3g}" for d in statistics.deviations]
    lines["layers"] = ", ".join(map(str, (*form.widths, 1)))
    for key in ("skips", "norms", "xyz_in_all", "fourier_degree", "tanh_last", "tanh_out"):
        if value := getattr(form, key):
            lines[key] = value
    lines["parameters"] = f"{described['parameters']:,}; {form.flops:,} operations per point"
    offset = ", ".join(f"{number:g}" for number in space.frame.offset)
    lines["frame"] = f"{space.frame.up} up, scale {space.frame.scale:g}, offset {offset}"
    _tell(lines, "  ")
    _tell(space.card, "  ")


def _list_builtin() -> None:
    """The built-in spaces, a line each."""
    spaces = builtin_spaces()
    width = max(map(len, spaces), default=0)
    for name, path in spaces.items():
        print(f"{name:<{width}}  {one_line(path)}")


def _tell(entries: Mapping[str, object], indent: str) -> None:
    """Print named values as an indented table; a mapping within becomes a table of its own."""
    width = max((len(key) for key in entries), default=0)
    for key, value in entries.items():
        name = f"{indent}{key.replace('_', ' '):<{width}}"
        if isinstance(value, Mapping):
            print(name.rstrip())
            _tell(value, f"{indent}  ")
        else:
            print(f"{name}  {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        more = f", ... ({len(value)} in all)" if len(value) > SHOWN else ""
        return ", ".join(map(_text, value[:SHOWN])) + more
    if isinstance(value, Mapping):  # one of a list, as a card's examples are
        return " is ".join(map(_text, value.values()))
    return "-" if value is None else str(value)


def mesh(options: argparse.Namespace) -> None:
    """Write the mesh of one code."""
    from .meshfile import check_mesh_path, write_mesh

    check_mesh_path(options.out)
    find_space(options.space)
    for text in options.slider:
        slider_text(text)
    from .codetext import known_code, read_code, with_sliders

    space = load(options)
    if options.code:
        numbers = not options.code[0].lower().endswith(".json")
        code = read_code(space, ",".join(options.code) + ("," if numbers else ""))
    else:
        code = known_code(space, "mean" if options.shape is None else options.shape)
    code, warnings = with_sliders(space, code, options.slider)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    found, shape = _extract(space, code, options)
    _require_surface(found)
    write_mesh(options.out, found.vertices, found.faces, space.frame)
    _warn_of_pieces(found, shape)


def _warn_of_pieces(mesh: Extraction, shape: Topology) -> None:
    """One line where the mesh that was written is not one closed piece."""
    said = []
    if shape.components > 1:
        said.append(f"has {shape.components} components")
    if not shape.watertight and not mesh.open_at_wall:  # that has a note of its own
        said.append("is not watertight")
    if said:
        print(
            f"warning: at {mesh.resolution} cells the mesh {' and '.join(said)}; more cells may "
            f"help (--resolution {2 * mesh.resolution})",
            file=sys.stderr,
        )


def interpolate(options: argparse.Namespace) -> None:
    """Print the codes between codes, and write their meshes where asked to."""
    from .meshfile import check_mesh_path, write_mesh

    if len(options.codes) < 2:
        raise MeshSDFError(
            f"One code alone, '{options.codes[0][:60]}', has nothing between",
            "Give two codes or more",
        )
    if options.out is not None:
        check_mesh_path(options.out)
    find_space(options.space)
    import torch

    from . import interpolation
    from .codetext import read_code

    space = load(options)
    codes = torch.stack([read_code(space, text) for text in options.codes])
    factors = [options.factor] if options.factor is not None else None
    for number, factor in enumerate(factors or torch.linspace(0, 1, options.frames).tolist()):
        code = interpolation.interpolate(codes, factor, options.method)
        print(f"{factor:.4f}  {' '.join(f'{float(value):.6g}' for value in code)}")
        if options.out is not None:
            out: Path = options.out
            if factors is None:
                out = out.with_name(f"{out.stem}_{number:03d}{out.suffix}")
            found, _ = _extract(space, code, options)
            _require_surface(found)
            write_mesh(out, found.vertices, found.faces, space.frame)


def fit(options: argparse.Namespace) -> None:
    """Fit a code, the transform, or both, and tell of each step."""
    if len(options.target) != len(options.camera):
        raise MeshSDFError(
            f"{len(options.target)} targets and {len(options.camera)} cameras were given",
            "Give one --camera for each --target",
        )
    find_space(options.space)
    from .codetext import read_code, read_transform
    from .fitting import FitOptions
    from .fitting import fit as steps_of
    from .meshfile import check_mesh_path, write_mesh
    from .viewfile import read_mask, read_view

    given = {field.name: getattr(options, field.name, None) for field in fields(FitOptions)}
    given["code"] = not options.fixed_code
    chosen = FitOptions(**{name: value for name, value in given.items() if value is not None})
    if options.out is not None:
        check_mesh_path(options.out)
    space = load(options)
    targets = [
        read_mask(path, threshold=options.threshold, invert=options.invert)
        for path in options.target
    ]
    views = [
        read_view(path, target.shape[1], target.shape[0])
        for path, target in zip(options.camera, targets, strict=True)
    ]
    start, placed = read_code(space, options.start), read_transform(options.start)
    _warn_of_borders(options.target, targets, inverted=options.invert)
    step = None
    for step in steps_of(space, start, views, targets, options=chosen, object_matrix=placed):
        if not step.done:
            print(
                f"step {step.step:3d}  IoU {step.iou:.4f}  loss {step.loss:.5f}  "
                f"components {step.topology.components}  genus {step.topology.genus}"
            )
    assert step is not None
    if step.best_iou == 0:
        raise MeshSDFError(
            "The shape never touched the target (IoU 0), so nothing was written",
            "Check that the camera looks at the shape, which stands about the origin, and that the "
            "image is bright or opaque where the shape is (else --invert)",
        )
    print(
        f"{ENDS.get(step.reason, step.reason)}. Step {step.best_step} was the best: IoU "
        f"{step.best_iou:.4f} (1 is a perfect overlap)."
    )
    seconds = sum(step.ms.values()) / 1e3
    share = step.ms.get("decoder", 0.0) / 1e3 / max(seconds, 1e-9)
    print(f"{seconds:.2f} s, {share:.0%} of it in {step.evaluations:,} evaluations of the decoder")
    if step.message:
        print(f"note: {step.message}", file=sys.stderr)
    print(f"code {' '.join(f'{float(value):.6g}' for value in step.code)}")
    if options.save is not None:
        write_json(
            options.save,
            {"code": step.code.tolist(), "object_matrix": step.object_matrix.tolist()},
        )
    if options.out is not None:
        found, _ = _extract(space, step.code, chosen)
        write_mesh(
            options.out, found.vertices, found.faces, space.frame, object_matrix=step.object_matrix
        )
    if options.save is None and options.out is None:
        print(
            "note: nothing was kept; --out writes the mesh, --save the code and transform",
            file=sys.stderr,
        )


def _warn_of_borders(paths: Sequence[Path], targets: Sequence[Tensor], *, inverted: bool) -> None:
    """Point at a target that is covered along every side of its image: most likely inverted."""
    from .fitting.goal import COVERED

    remedy = "--invert may be wrong here" if inverted else "a dark or clear shape needs --invert"
    for path, target in zip(paths, targets, strict=True):
        covered = target >= COVERED
        sides = (covered[0], covered[-1], covered[:, 0], covered[:, -1])
        if all(bool(side.any()) for side in sides) and not bool(covered.all()):
            print(
                f"warning: the target '{path}' touches all four borders of its image; {remedy}",
                file=sys.stderr,
            )


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write ``value``, in a folder that is made where it is missing. Raises MeshSDFError."""
    write_bytes(path, json.dumps(value, indent=1).encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data``, in a folder that is made where it is missing. Raises MeshSDFError."""
    from .files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise MeshSDFError(
            f"'{path}' cannot be written: {error.strerror or error}", "Choose another folder"
        ) from error


def check_device(name: str) -> None:
    """Raises MeshSDFError where torch cannot compute on the device of that name."""
    import torch

    try:
        torch.zeros(1, device=name)
    # torch says the same in many ways: NotImplementedError, AssertionError, RuntimeError.
    except Exception as error:
        raise MeshSDFError(
            f"torch {torch.__version__} has no device '{name}'", "Use --device cpu"
        ) from error


def load(options: argparse.Namespace) -> Space:
    """The space that is asked for; its warnings are told."""
    # What is not there is said before torch is waited for.
    path = find_space(options.space)
    from .loading import load_space

    check_device(options.device)
    space = load_space(path, up=options.up, device=options.device)
    for warning in space.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return space


def _extract(
    space: Space, code: Tensor, options: argparse.Namespace | FitOptions
) -> tuple[Extraction, Topology]:
    from .extraction import extract
    from .topology import topology

    mesh = extract(space, code, options.resolution, cap=options.cap, newton=options.newton)
    shape = topology(mesh.vertices, mesh.faces)
    volume = shape.volume * space.frame.scale**3
    print(
        f"{shape.vertices:,} vertices, {shape.faces:,} faces, components {shape.components}, "
        f"genus {shape.genus}, {'' if shape.watertight else 'not '}watertight, "
        f"volume {volume:.4f} in object units, {mesh.evaluations:,} evaluations"
    )
    if mesh.message:
        print(f"note: {mesh.message}", file=sys.stderr)
    return mesh, shape


def _require_surface(mesh: Extraction) -> None:
    if not len(mesh.vertices):
        raise MeshSDFError("There is no surface, so no mesh was written", "Choose another code")
