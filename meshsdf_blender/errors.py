"""The errors of the Blender side: each says what was wrong and what the user can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Fix:
    """A button that mends a problem: an operator with its properties, and what stands on it.

    ``of_view`` tells that it mends the camera or target of a view: the operator has a ``view``.
    """

    operator: str
    label: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    icon: str = "TOOL_SETTINGS"
    of_view: bool = False

    def for_view(self, index: int) -> Fix:
        """The same for the view of that index, where it is the fix of a view at all."""
        if not self.of_view:
            return self
        return replace(self, properties={**self.properties, "view": index})


class Refusal(Exception):
    """Something cannot be done. ``str`` is problem and remedy as one text for a person.

    Operators report this text, so in a script it is the message of the RuntimeError. ``fixes`` are
    the buttons that the sidebar draws beside it; ``script`` is a line of Python that mends it,
    where that is not what the first button does.
    """

    def __init__(
        self, problem: str, remedy: str = "", *, fixes: tuple[Fix, ...] = (), script: str = ""
    ) -> None:
        self.problem = problem.strip().rstrip(".")
        self.remedy = remedy.strip().rstrip(".")
        self.fixes, self.script = fixes, script
        text = f"{self.problem}. {self.remedy}." if self.remedy else f"{self.problem}."
        super().__init__(text)


class WorkerError(Refusal):
    """The worker answered with an error; ``kind`` is one of docs/protocol.md. It lives on.

    ``missing`` names packages that its Python lacks for what was asked.
    """

    def __init__(
        self, kind: str, problem: str, remedy: str = "", *, missing: tuple[str, ...] = ()
    ) -> None:
        self.kind = kind
        self.missing = missing
        super().__init__(problem, remedy)


class WorkerLost(Refusal):
    """The worker is gone or never came: its exit code and the end of its log say more."""

    def __init__(
        self, problem: str, remedy: str = "", *, exit_code: int | None = None, log: str = ""
    ) -> None:
        self.exit_code = exit_code
        self.log = log
        again = Fix("meshsdf.worker_check", "Check Again", icon="FILE_REFRESH")
        super().__init__(problem, remedy, fixes=(again,))


class WorkerStarting(Refusal):
    """The worker is not there yet, and this was no place to wait for it."""

    def __init__(self) -> None:
        super().__init__("The worker is starting", "The shape follows once it is ready")
