"""Whether files are there, for panels: looked up beside the drawing."""

from __future__ import annotations

from pathlib import Path

from ..beside import Beside


def _is_gone(path: str) -> bool:
    try:
        return not Path(path).exists()
    except OSError:  # no name that this system could give a file
        return True


_gone = Beside(_is_gone, unknown=False)


def is_missing(path: str) -> bool:
    """Whether ``path`` was not there when last looked for; False while that is not known."""
    return _gone.get(path)


def look() -> bool:
    """Look for all files that were asked for; whether any came or went."""
    return _gone.look()


def forget() -> None:
    """Something was mended: look anew."""
    _gone.forget()
