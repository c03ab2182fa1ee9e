"""What the fit's presets come to: every built-in space, from its mean to silhouettes it can make.

    python3 dev.py bench fits [SPACE ...] [--shapes N] [--presets NAME ...]

Each known shape is seen by one camera from azimuth 30 and elevation 20 degrees. A fit is judged
by the mesh of its code at 128 cells, in an image of 512 pixels. CPU seconds of one thread. The last
table tells what a second and a third view add.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from core.camera import View
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.loading import load_space
from core.pose import transformed
from core.silhouette import intersection_over_union, see
from core.space import Space
from core.topology import topology
from meshsdf_blender.fitting.presets import BUILT_IN
from tools.around import camera

SPACES = Path(__file__).parents[1] / "spaces"
JUDGED_PIXELS, JUDGED_CELLS = 512, 128
AZIMUTH = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a space and preset."""
    everything = sorted(path.stem for path in SPACES.glob("*.safetensors"))
    parser = argparse.ArgumentParser(prog="dev.py bench fits", description=__doc__.split("\n")[0])
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=", ".join(everything))
    parser.add_argument("--shapes", type=int, default=4, help="known shapes a space (4)")
    parser.add_argument("--presets", nargs="+", choices=list(BUILT_IN), default=list(BUILT_IN))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print("| space | preset | IoU at the mean | IoU, mean | worst | parts, most | CPU s a fit |")
    print("|---|---|---|---|---|---|---|")
    for name in options.spaces or everything:
        space = load_space(SPACES / f"{name}.safetensors")
        for preset in options.presets:
            tell(name, preset, [one(space, code, preset) for code in some(space, options.shapes)])
    print("\n| space | views | codes, deviations apart | volume, % off |\n|---|---|---|---|")
    for name in options.spaces or everything:
        space = load_space(SPACES / f"{name}.safetensors")
        for count in (1, 3):
            tell_views(name, count, [seen(space, c, count) for c in some(space, options.shapes)])
    return 0


def some(space: Space, count: int) -> list[Tensor]:
    """Codes of so many known shapes, evenly over the list."""
    known = space.codes
    count = min(count, len(known))
    return [known[number * len(known) // count] for number in range(count)]


def one(space: Space, code: Tensor, preset: str) -> tuple[float, float, int, float]:
    """IoU before and after a fit to a known shape, parts of what it made, and CPU seconds."""
    values = dict(BUILT_IN[preset])
    pixels = int(values.pop("pixels"))
    view = camera(pixels, around=AZIMUTH)
    target = silhouette(space, code, view)
    options = replace(FitOptions(), **values)
    start = space.statistics.mean
    began = time.process_time()
    *_, last = fit(space, start, [view], [target.float()], options=options)
    seconds = time.process_time() - began
    judge = camera(JUDGED_PIXELS, around=AZIMUTH)
    wanted = silhouette(space, code, judge).numpy()
    before, after = (silhouette(space, each, judge).numpy() for each in (start, last.code))
    mesh = extract(space, last.code, JUDGED_CELLS)
    return (
        intersection_over_union(before, wanted),
        intersection_over_union(after, wanted),
        topology(mesh.vertices, mesh.faces).components,
        seconds,
    )


def seen(space: Space, code: Tensor, count: int) -> tuple[float, float]:
    """How far a Balanced fit to so many views leaves code (root mean square) and volume (share)."""
    values = dict(BUILT_IN["Balanced"])
    pixels = int(values.pop("pixels"))
    views = [camera(pixels, around=AZIMUTH + 360 * turn / count) for turn in range(count)]
    targets = [silhouette(space, code, view).float() for view in views]
    start = space.statistics.mean
    *_, last = fit(space, start, views, targets, options=replace(FitOptions(), **values))
    apart = space.statistics.whiten(last.code) - space.statistics.whiten(code)
    volumes = []
    for each in (last.code, code):
        mesh = extract(space, each, JUDGED_CELLS)
        volumes.append(topology(mesh.vertices, mesh.faces).volume)
    return float(apart.square().mean().sqrt()), abs(volumes[0] / volumes[1] - 1)


def tell_views(space: str, count: int, found: list[tuple[float, float]]) -> None:
    """One row of the last table."""
    apart, volume = zip(*found, strict=True)
    print(f"| {space} | {count} | {mean(apart):.2f} | {100 * mean(volume):.1f} |", flush=True)


def tell(space: str, preset: str, found: list[tuple[float, float, int, float]]) -> None:
    """One row of the table."""
    before, after, parts, seconds = zip(*found, strict=True)
    print(
        f"| {space} | {preset} | {mean(before):.3f} | {mean(after):.3f} | {min(after):.3f} "
        f"| {max(parts)} | {mean(seconds):.1f} |",
        flush=True,
    )


def silhouette(space: Space, code: Tensor, view: View) -> Tensor:
    """The mask ``(H, W)`` of a code, as finely meshed as fits are judged."""
    mesh = extract(space, code, JUDGED_CELLS)
    placed = transformed(space.frame.matrix(), mesh.vertices.double())
    return torch.from_numpy(see(view, placed, mesh.faces.numpy()).mask)


if __name__ == "__main__":
    raise SystemExit(main())
