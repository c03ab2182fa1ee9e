"""Many fits: which there are, each in a process of its own, and what is left of them on disk.

A fit that is done leaves ``NAME.json`` with its code, and its mesh. It is done again only where its
pictures, cameras or options are others by then, so that a batch goes on where it was stopped. Parts
of one batch may run at once on several machines that share the folder.
"""

from .entries import BatchError, Entry, entries_of, is_file_name, part_of
from .results import Outcome, Settings, digest_of
from .running import run

__all__ = [
    "BatchError",
    "Entry",
    "Outcome",
    "Settings",
    "digest_of",
    "entries_of",
    "is_file_name",
    "part_of",
    "run",
]
