"""What a run was asked for and has found so far: the content of ``run.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import TrainingError, reason
from ..shapes.family import Placement
from .runoptions import RunOptions
from .sources import Source

KIND = "meshsdf-run 1"


@dataclass(frozen=True)
class Record:
    """``meshes`` and ``placement`` are there once all meshes were read, ``shapes`` (the names of
    those that are trained on, in the order of the codes) once they were sampled."""

    options: RunOptions
    source: str
    meshes: tuple[Source, ...] = ()
    placement: Placement | None = None
    held_out: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()

    @property
    def geometry(self) -> dict[str, str]:
        """A digest of each mesh, by name."""
        return {mesh.name: mesh.digest for mesh in self.meshes}

    def to_json(self) -> dict[str, Any]:
        """As plain values. The inverse of :meth:`from_json`."""
        return {
            "kind": KIND,
            "options": self.options.to_json(),
            "source": self.source,
            "meshes": [asdict(mesh) for mesh in self.meshes],
            "placement": self.placement and self.placement.to_json(),
            "held_out": list(self.held_out),
            "shapes": list(self.shapes),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], where: Path) -> Record:
        """What :meth:`to_json` wrote. Raises TrainingError that names the file ``where``."""
        try:
            if value["kind"] != KIND:
                raise ValueError(f"kind is {value['kind']!r:.40}")
            placement = value["placement"]
            return cls(
                RunOptions.from_json(value["options"]),
                str(value["source"]),
                tuple(Source.from_json(mesh) for mesh in value["meshes"]),
                None if placement is None else Placement.from_json(placement),
                tuple(map(str, value["held_out"])),
                tuple(map(str, value["shapes"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TrainingError(
                f"'{where}' holds no run that can go on ({reason(error)})",
                "Start the training anew",
            ) from error
