"""The encoders that a worker has loaded, kept while their files and spaces are as they were."""

from __future__ import annotations

from pathlib import Path

from ..reconstruction import SpaceEncoder, find_encoder
from ..reconstruction.encoderfile import encoder_path
from ..space import Space
from .spacecache import Recent, stamps

MOST_ENCODERS = 4


class EncoderCache:
    """The last few encoders."""

    def __init__(self) -> None:
        self._encoders: Recent[SpaceEncoder] = Recent(MOST_ENCODERS)

    def load(self, space: Space, path: str) -> SpaceEncoder:
        """The encoder of the ``space`` that was read from ``path``. Raises EncoderError."""
        where = Path(path)
        key = (path, *stamps(where), *stamps(encoder_path(where)))
        return self._encoders.get(key, lambda: find_encoder(space, where))
