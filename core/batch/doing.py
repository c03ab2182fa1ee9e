"""One fit of a batch, and its files."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING

from ..files import write_whole
from .entries import Entry
from .results import Outcome, Settings, key_of

if TYPE_CHECKING:
    from ..space import Space


def fit_entry(entry: Entry, settings: Settings, space: Space) -> Outcome:
    from ..codetext import read_code
    from ..extraction import extract
    from ..fitting import fit
    from ..meshfile import write_mesh
    from ..viewfile import read_mask, read_view

    key, began = key_of(entry, settings), time.perf_counter()
    targets = [
        read_mask(path, threshold=settings.threshold, invert=settings.invert)
        for path in entry.targets
    ]
    views = [
        read_view(path, target.shape[1], target.shape[0])
        for path, target in zip(entry.cameras, targets, strict=True)
    ]
    options = settings.options
    start = read_code(space, entry.start)
    steps = fit(space, start, views, targets, options=options)
    first = next(steps)
    last = deque(steps, maxlen=1)[0]  # the meshes of all steps are not kept
    if last.iou == 0:
        return Outcome(entry.name, problem="The shape never touched the target: check its camera")
    (settings.out / f"{entry.name}.json").unlink(missing_ok=True)  # of other pictures or options
    if settings.suffix:
        mesh = extract(space, last.code, options.resolution, cap=options.cap, newton=options.newton)
        path = settings.out / f"{entry.name}{settings.suffix}"
        write_mesh(path, mesh.vertices, mesh.faces, space.frame, object_matrix=last.object_matrix)
    figures = {
        "code": last.code.tolist(),
        "object_matrix": last.object_matrix.tolist(),
        "iou": last.iou,
        "iou_at_start": first.iou,
        "steps": last.step,
        "reason": last.reason,
        "seconds": round(time.perf_counter() - began, 3),
        "message": last.message,
        "key": key,
    }
    # Last, for it says that the fit is done.
    write_whole(settings.out / f"{entry.name}.json", json.dumps(figures, indent=1).encode())
    return Outcome(entry.name, figures)
