"""The command line as its tests call it: in this process, with anything for arguments."""

from __future__ import annotations

import pytest

from core.__main__ import USER_ERROR, main


def run(*arguments: object) -> int:
    """The exit status."""
    return main([str(argument) for argument in arguments])


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a user's error makes; nothing else is on stderr."""
    assert run(*arguments) == USER_ERROR
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error
