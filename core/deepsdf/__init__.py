"""DeepSDF experiment folders, in every dialect that was met.

An experiment is a folder with ``specs.json``, ``ModelParameters/NAME.pth`` and, mostly,
``LatentCodes/NAME.pth``, as DeepSDF (Park et al. 2019) writes it and MeshSDF, DeepSDFStruct and
many others after it. What differs between them is told apart here by what is in the files: key
prefixes, three ways to store weight norm (mixed from layer to layer), LayerNorm, skips, Fourier
features, the shape of the codes, with or without a last tanh.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoint import read_checkpoint
from ..space import Frame, Space
from .codes import epoch_of, read_codes
from .companion import read_companion, with_companion
from .folder import SPECS, licence, locate, model_file, shape_names
from .specs import Specs
from .weights import read_decoder


def read_experiment(path: Path, *, device: str | torch.device = "cpu") -> Space:
    """The space of a DeepSDF experiment: its folder, its ``specs.json`` or a ``.pth`` in it.

    Without a named snapshot it is ``latest.pth``, or the highest number. Such spaces are taken as
    Y-up, but for those that were exported from here, whose ``meshsdf.json`` says more. Raises
    SpaceError that names the file, the key, what was expected and what to do.
    """
    folder, snapshot = locate(path)
    specs = Specs.read(folder / SPECS)
    model = model_file(folder, snapshot)
    saved = read_checkpoint(model)
    decoder, notes = read_decoder(saved, specs, model)
    codes, code_notes = read_codes(folder, model.stem, specs.code_length, epoch_of(saved))
    space = Space(
        name=folder.resolve().name,
        decoder=decoder.to(device),
        codes=codes,
        shape_names=shape_names(folder, specs.train_split, len(codes)),
        frame=Frame(up="Y"),
        card={
            "description": specs.description,
            "origin": f"DeepSDF experiment '{folder.resolve().name}', snapshot {model.stem}",
            "licence": licence(folder),
        },
        warnings=(*specs.notes, *notes, *code_notes),
    )
    companion = read_companion(folder)
    return space if companion is None else with_companion(space, companion)
