"""What a user asks of a run, as values that go into ``run.json`` and come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ..decoder import Architecture
from ..errors import TrainingError, reason
from ..shapes.family import Alignment
from .autodecoder import TrainingOptions, without_former
from .presets import PRESETS

MOST_HELD_OUT = 0.5
# What no file system takes in a name, and what would leave the folder.
FORBIDDEN = set('/\\:*?"<>|')
LONGEST_NAME = 100


@dataclass(frozen=True)
class RunOptions:
    """How to make a space of a family of meshes.

    name
        The space's name, and its file's.
    preset
        "draft", "balanced" or "fine": what the time is spent on, see ``presets``.
    alignment
        How the meshes are brought into the cube.
    seed
        The same seed and meshes give the same space, on the same machine and number of threads.
    device, threads
        Where to train, and for the command line, which sets them, with how many threads of torch
        (0: its own). They are no part of a run's identity: it may go on elsewhere.
    held_out
        The share of the meshes that is kept apart, to judge the space by; at least one of three
        or more.
    thickness
        The thickness that open surfaces get, in the meshes' units; 0: as thin as can be learnt.
    fill_voids
        Fill the voids that no wide opening leads into: a head's mouth behind its lips.
    plain
        Leave out the Fourier features, so that DeepSDF's own programs load the exported space.
    training
        Options in place of the preset's.
    """

    name: str = "space"
    preset: str = "balanced"
    alignment: Alignment = field(default_factory=Alignment)
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    held_out: float = 0.0
    thickness: float = 0.0
    fill_voids: bool = False
    plain: bool = False
    training: TrainingOptions | None = None

    def __post_init__(self) -> None:
        named = self.name.strip() == self.name and not self.name.startswith(".")
        if not self.name or not named or len(self.name) > LONGEST_NAME or _unfit(self.name):
            raise TrainingError(
                f"'{self.name[:LONGEST_NAME]}' cannot be a space's name",
                "Use letters, numbers, spaces, - and _",
            )
        if self.preset not in PRESETS:
            raise TrainingError(
                f"There is no preset '{self.preset[:40]}'", f"Use {', '.join(PRESETS)}"
            )
        for key, low, high in (
            ("seed", 0, 2**32),
            ("threads", 0, 1024),
            ("held_out", 0, MOST_HELD_OUT),
            ("thickness", 0, 1e9),
        ):
            if not low <= getattr(self, key) <= high:
                raise TrainingError(
                    f"'{key}' is {getattr(self, key)}", f"Use a number from {low} to {high:g}"
                )

    def same_run(self, other: RunOptions) -> bool:
        """Whether both ask for the same space, wherever it is trained."""
        return replace(self, device="", threads=0) == replace(other, device="", threads=0)

    def to_json(self) -> dict[str, Any]:
        """As plain values. The inverse of :meth:`from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunOptions:
        """What :meth:`to_json` wrote. Raises TrainingError for anything else."""
        try:
            known = {entry.name for entry in fields(cls)}
            if unknown := sorted(values.keys() - known):
                raise TrainingError(f"There is no option '{unknown[0][:40]}'", "Remove it")
            given = dict(values)
            given["alignment"] = Alignment(**given.get("alignment", {}))
            if given.get("training") is not None:
                given["training"] = _training_options(given["training"])
            return cls(**given)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise TrainingError(
                f"The run's options are damaged: {reason(error)}", "Start anew"
            ) from error


def _unfit(name: str) -> bool:
    return any(letter in FORBIDDEN or not letter.isprintable() for letter in name)


def _training_options(values: Mapping[str, Any]) -> TrainingOptions:
    given = without_former(_with_tuples(values))
    form = Architecture(**_with_tuples(given.pop("architecture")))
    return TrainingOptions(architecture=form, **given)


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows lists only, where options have tuples."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
