"""Whether an error says that memory is short, as Python, numpy and torch each say it."""

from __future__ import annotations

import errno

# torch's allocators of the CPU (Linux and macOS, Windows), of CUDA and of its libraries, of MPS.
SAID = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "alloc_failed",
)


def short_of_memory(error: BaseException) -> bool:
    """Whether ``error`` was raised because memory, the machine's or a device's, did not suffice."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    # By its name, so that nobody waits for torch who does not need it.
    torchs_own = type(error).__name__ == "OutOfMemoryError"
    return isinstance(error, RuntimeError) and (torchs_own or any(said in text for said in SAID))
