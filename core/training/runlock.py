"""One process at a time in a run folder.

The lock is the operating system's, on a small file: it ends with the process that holds it, however
that ends, so a lock that was left behind cannot stay in the way. The number in the file is for the
message only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import TrainingError

LOCK = "run.lock"
# Windows keeps others from reading the locked byte; it lies behind the number.
LOCKED_BYTE = 1024


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder's lock.

    Raises TrainingError where another process does, or where nothing can be written there.
    """
    path = folder / LOCK
    try:
        # Not opened with "w": the holder's number must stay until the lock is ours.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise TrainingError(
            f"The run folder '{folder}' cannot be written to: {error.strerror or error}",
            "Free some space or mend the folder's rights, then resume the run",
        ) from error
    try:
        if not _take(handle):
            raise TrainingError(
                f"The run folder '{folder}' is in use by another process{_holder(path)}",
                "Wait for its end or stop it, or choose another folder",
            )
        # On a full disk the lock holds without its number.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield
        # A folder that was removed meanwhile has no lock to clear.
        with suppress(OSError):
            os.ftruncate(handle, 0)
    finally:
        # This frees the lock. The file stays: whoever removed it might remove another's.
        os.close(handle)


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError):
        return f" (number {int(path.read_text(encoding='ascii'))})"
    return ""


if sys.platform == "win32":

    def _take(handle: int) -> bool:
        import msvcrt

        try:
            os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        except OSError:
            return False
        return True

else:

    def _take(handle: int) -> bool:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A file system without locks: two runs in one folder are then the user's to avoid.
            return True
        return True
