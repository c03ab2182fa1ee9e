"""Answers of a worker that came while somebody waited for another one, kept for who asked."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

Reply = tuple[dict[str, Any], dict[str, np.ndarray]]


class Mail:
    """Which requests somebody waits for, until when, and the answers that are there already."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._came: dict[int, Reply] = {}

    def expect(self, identity: int, seconds: float) -> None:
        """Keep the answer to this request; it is late after so many seconds."""
        self._until[identity] = time.monotonic() + seconds

    def sort(self, reply: Reply) -> None:
        """Keep an answer that somebody waits for; drop any other, such as an abandoned fit's."""
        identity = reply[0].get("id")
        if isinstance(identity, int) and self._until.pop(identity, None) is not None:
            self._came[identity] = reply

    def take(self, identities: Iterable[int]) -> Reply | None:
        """The answer to the first of these requests that has one."""
        for identity in identities:
            if identity in self._came:
                return self._came.pop(identity)
        return None

    def late(self, identities: Iterable[int]) -> bool:
        """Whether one of these should have been answered by now."""
        now = time.monotonic()
        return any(self._until.get(identity, math.inf) < now for identity in identities)

    def forget(self, identities: Iterable[int]) -> None:
        """Nobody waits for these any more."""
        for identity in identities:
            self._until.pop(identity, None)
            self._came.pop(identity, None)
