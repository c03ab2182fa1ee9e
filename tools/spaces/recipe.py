"""What a recipe says of its space, and which shapes it keeps apart.

``tools/spaces/NAME.py`` has ``RECIPE``, of the type below, and ``meshes(folder, *, count=None)``,
which makes what is missing of the training shapes in ``folder`` (``data/NAME/meshes``), Z up, each
about the middle of its box and of radius 1, and puts ``attributes.json`` and ``sources.json``
beside it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, cast

from core.reconstruction.encoderfile import encoder_path
from core.reconstruction.learning import EncoderOptions
from core.reconstruction.teaching import TeachOptions
from core.training.autodecoder import TrainingOptions

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SPACES = ROOT / "spaces"
SHEETS = ROOT / "docs" / "images" / "spaces"
NAMES = ("bob_and_spot", "cars", "chairs", "cups", "heads", "vases")
# Every tenth shape by sorted name, starting with the sixth, is never trained on.
HELD_OUT_EVERY, HELD_OUT_FIRST = 10, 5
# Unit-radius shapes are shrunk by this, so that none touches the cube's wall.
RADIUS = 0.85
TEACHING = TeachOptions()
BRIEF_TEACHING = TeachOptions(EncoderOptions(pictures=6_000, steps=1_100))


@dataclass(frozen=True)
class Floors:
    """The goals of a space; None promises nothing.

    training_iou, held_out_iou
        Mean intersection over union of the volumes.
    whole_between, whole_random
        Share of the shapes halfway between two codes, and of random codes within two deviations,
        that are one watertight piece.
    """

    training_iou: float | None = None
    held_out_iou: float | None = None
    whole_between: float | None = 0.95
    whole_random: float | None = 0.9


@dataclass(frozen=True)
class Recipe:
    """How one built-in space is made, judged and described.

    name, seed
        The file's name; the seed of samples, training and judging.
    training
        The decoder and the run.
    count
        How many shapes ``meshes`` makes, held-out ones included.
    near, volume
        Samples of each shape: points near the surface and in the cube.
    solid
        Whether no shape has a pocket inside, such as a mouth: those of new meshes are then filled
        before they are encoded.
    held_out
        Whether a tenth is kept apart. Families of two shapes cannot spare one.
    encoding_steps, encoding_points
        How the code of a held-out shape is found.
    teaching
        How its encoder of pictures is taught.
    floors, accepted
        What the space is to reach; and, by the floor's name, what is accepted for now of a figure
        known to fall short. Exit status and tests go by it; tables tell what lacks of the floor.
    title, summary, origin, limits
        The card's texts: what the space is; what it holds, in a sentence or two; how its shapes
        were made; what it cannot do.
    examples
        Names that people see, and the shapes that they stand for; where there are none, a few
        shapes that lie far apart are chosen.
    slider_names
        What an attribute is called in a slider, where its own name will not do; an empty text
        keeps the attribute from becoming one.
    interpolations
        Pairs of shapes for the contact sheet; where there are none, pairs are chosen.
    """

    name: str
    training: TrainingOptions
    seed: int = 1
    count: int = 200
    near: int = 100_000
    volume: int = 25_000
    solid: bool = False
    held_out: bool = True
    encoding_steps: int = 40
    encoding_points: int = 4096
    teaching: TeachOptions = TEACHING
    floors: Floors = Floors()
    accepted: Mapping[str, float] = field(default_factory=dict)
    title: str = ""
    summary: str = ""
    origin: str = ""
    limits: str = ""
    examples: Mapping[str, str] = field(default_factory=dict)
    slider_names: Mapping[str, str] = field(default_factory=dict)
    interpolations: Sequence[tuple[str, str]] = ()

    @property
    def data(self) -> Path:
        """Where everything lies that can be made again."""
        return DATA / self.name

    @property
    def meshes(self) -> Path:
        """The folder of the shapes' meshes."""
        return self.data / "meshes"

    @property
    def checkpoint(self) -> Path:
        """The training's state."""
        return self.data / "training.pt"

    @property
    def file(self) -> Path:
        """The space that ships."""
        return SPACES / f"{self.name}.safetensors"

    @property
    def encoder(self) -> Path:
        """The encoder of pictures that ships."""
        return encoder_path(self.file)

    @property
    def encoder_run(self) -> Path:
        """What an interrupted teaching goes on from."""
        return self.data / "encoder"

    @property
    def least(self) -> Floors:
        """The floors, lowered to what is accepted."""
        return replace(self.floors, **self.accepted)

    def sheet(self, kind: str) -> Path:
        """A contact sheet's file."""
        return SHEETS / f"{self.name}-{kind}.png"

    def kept(self, shapes: Sequence[str]) -> list[str]:
        """Those of ``shapes`` that are trained on, sorted: the order of the codes."""
        return [name for i, name in enumerate(sorted(shapes)) if not self._is_held_out(i)]

    def apart(self, shapes: Sequence[str]) -> list[str]:
        """Those of ``shapes`` that are held out, sorted."""
        return [name for i, name in enumerate(sorted(shapes)) if self._is_held_out(i)]

    def _is_held_out(self, index: int) -> bool:
        return self.held_out and index % HELD_OUT_EVERY == HELD_OUT_FIRST


class Maker(Protocol):
    """What a recipe's module offers."""

    RECIPE: Recipe

    def meshes(self, folder: Path, *, count: int | None = None) -> None:
        """Make what is missing of the meshes in ``folder``."""


def maker(name: str) -> Maker:
    """The module of the recipe ``name``. Raises SystemExit for a name without one."""
    if name not in NAMES:
        raise SystemExit(f"There is no recipe '{name}': use {', '.join(NAMES)}")
    try:
        module = importlib.import_module(f"tools.spaces.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"tools.spaces.{name}":
            raise
        raise SystemExit(f"The recipe tools/spaces/{name}.py is missing") from error
    if not hasattr(module, "RECIPE"):
        raise SystemExit(f"tools/spaces/{name}.py has no RECIPE")
    return cast(Maker, module)
