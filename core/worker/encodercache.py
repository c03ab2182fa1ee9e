"""The encoders that a worker has loaded, kept while their files and spaces are as they were."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from ..reconstruction import SpaceEncoder, find_encoder
from ..reconstruction.encoderfile import encoder_path
from ..space import Space
from .spacecache import stamps

MOST_ENCODERS = 4


class EncoderCache:
    """The last few encoders."""

    def __init__(self) -> None:
        self._encoders: OrderedDict[tuple[object, ...], SpaceEncoder] = OrderedDict()

    def load(self, space: Space, path: str) -> SpaceEncoder:
        """The encoder of the ``space`` that was read from ``path``. Raises EncoderError."""
        where = Path(path)
        key = (path, *stamps(where), *stamps(encoder_path(where)))
        encoder = self._encoders.pop(key, None) or find_encoder(space, where)
        self._encoders[key] = encoder
        while len(self._encoders) > MOST_ENCODERS:
            self._encoders.popitem(last=False)
        return encoder
