"""The errors of core: few types, each says what was wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

NAMES_SHOWN = 6


class MeshSDFError(Exception):
    """Base of every error that core raises on purpose.

    ``problem`` says what was wrong and where, ``remedy`` what the user can do about it.
    ``str(error)`` is both, as one text fit for a person.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem.rstrip(".")
        self.remedy = remedy.rstrip(".")
        super().__init__(f"{self.problem}. {self.remedy}." if remedy else f"{self.problem}.")


class SpaceError(MeshSDFError):
    """A shape space cannot be read or written: missing, truncated, of an unknown form, unsafe."""


class CodeError(MeshSDFError):
    """A latent code does not fit its space: wrong length, NaN or infinite."""


class ViewError(MeshSDFError):
    """A camera or a target silhouette cannot be used: empty, full, of another size, not finite."""


class FitError(MeshSDFError):
    """A fit cannot start or go on: no surface, no overlap, a transform that is no similarity."""


class SampleError(MeshSDFError):
    """A mesh cannot be read, signed or sampled, and why; or a package for it is missing."""


class TrainingError(MeshSDFError):
    """A training cannot start or resume: no shapes, or a checkpoint of something else."""


class EncoderError(MeshSDFError):
    """An encoder of pictures cannot be used: missing, damaged, or of another space."""


class PictureError(MeshSDFError):
    """A picture cannot be read, or nothing can be told from it: no object, several, cut off."""


def reason(error: BaseException) -> str:
    """What an error of Python's or a library's says, for a message; its type is not for people."""
    if isinstance(error, KeyError) and error.args:
        return f"'{str(error.args[0])[:60]}' is missing"
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "it is damaged or shortened"


def some(names: Iterable[object]) -> str:
    """The first few of ``names``, shortened, for a message."""
    listed = [str(name)[:60] for name in names]
    more = len(listed) - NAMES_SHOWN
    text = ", ".join(listed[:NAMES_SHOWN]) or "none"
    return f"{text} and {more} more" if more > 0 else text
