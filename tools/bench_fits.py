"""What the fit's presets come to: every built-in space, from its mean to silhouettes it can make.

    python3 dev.py bench fits [SPACE ...] [--shapes N] [--presets NAME ...]

Each known shape is seen by one camera from azimuth 30 and elevation 20 degrees, in the preset's
pixels, and fitted as Blender does with that preset. A fit is judged by the plain mesh of its code
at 128 cells, in an image of 512 pixels. Seconds are of the CPU, in one thread. What further views
add, and what becomes of shapes that no space knows, `dev.py bench heldout` tells.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

import torch
from torch import Tensor

from core.camera import View
from core.extraction import extract
from core.fitting import FitOptions, fit
from core.loading import load_space
from core.pose import transformed
from core.silhouette import intersection_over_union, see
from core.space import Space
from meshsdf_blender.fitting.presets import BUILT_IN
from tools.around import camera

SPACES = Path(__file__).parents[1] / "spaces"
AZIMUTH = 30.0
JUDGED_PIXELS, JUDGED_CELLS = 512, 128
JUDGE = camera(JUDGED_PIXELS, around=AZIMUTH)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each space and preset."""
    everything = sorted(path.stem for path in SPACES.glob("*.safetensors"))
    parser = argparse.ArgumentParser(prog="dev.py bench fits", description=__doc__.split("\n")[0])
    parser.add_argument("spaces", nargs="*", metavar="SPACE", help=", ".join(everything))
    parser.add_argument("--shapes", type=int, default=4, help="known shapes a space (4)")
    parser.add_argument("--presets", nargs="+", choices=list(BUILT_IN), default=list(BUILT_IN))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(
        "| space | preset | fits | IoU: mean shape | median | worst | steps | s a fit | longest |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.spaces or everything:
        space = load_space(SPACES / f"{name}.safetensors")
        known = some(space, options.shapes)
        targets = [(code, mask_of(space, code, JUDGE)) for code in known]
        at_mean = mask_of(space, space.statistics.mean, JUDGE).numpy()
        before = mean(intersection_over_union(at_mean, wanted.numpy()) for _, wanted in targets)
        for preset in options.presets:
            tell(name, preset, before, [one(space, *target, preset) for target in targets])
    return 0


@dataclass(frozen=True)
class Fitted:
    """What a fit came to: IoU as it is judged, steps taken, CPU seconds."""

    iou: float
    steps: int
    seconds: float


def some(space: Space, count: int) -> list[Tensor]:
    """Codes of so many known shapes, evenly over the list."""
    known = space.codes
    count = min(count, len(known))
    return [known[number * len(known) // count] for number in range(count)]


def one(space: Space, code: Tensor, wanted: Tensor, preset: str) -> Fitted:
    """A fit from the mean to the known shape ``code``, seen by the judge as ``wanted`` ``(H, W)``.

    The solver is that of new scenes, as no preset names another.
    """
    values = dict(BUILT_IN[preset])
    view = camera(int(values.pop("pixels")), around=AZIMUTH)
    target = mask_of(space, code, view).float()
    options = replace(FitOptions(), **values)
    began, taken = time.process_time(), 0
    for step in fit(space, space.statistics.mean, [view], [target], options=options):
        taken, last = max(taken, step.step), step
    seconds = time.process_time() - began
    found = mask_of(space, last.code, JUDGE).numpy()
    return Fitted(intersection_over_union(found, wanted.numpy()), taken, seconds)


def tell(space: str, preset: str, before: float, fits: list[Fitted]) -> None:
    """One row of the table."""
    ious, seconds = [fitted.iou for fitted in fits], [fitted.seconds for fitted in fits]
    print(
        f"| {space} | {preset} | {len(fits)} | {before:.3f} | {median(ious):.3f} | {min(ious):.3f} "
        f"| {median(fitted.steps for fitted in fits):.0f} | {mean(seconds):.1f} "
        f"| {max(seconds):.1f} |",
        flush=True,
    )


def mask_of(space: Space, code: Tensor, view: View) -> Tensor:
    """The mask ``(H, W)`` of a code, as finely meshed as fits are judged."""
    mesh = extract(space, code, JUDGED_CELLS)
    placed = transformed(space.frame.matrix(), mesh.vertices.double())
    return torch.from_numpy(see(view, placed, mesh.faces.numpy()).mask)


if __name__ == "__main__":
    raise SystemExit(main())
