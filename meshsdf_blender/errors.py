"""The errors of the Blender side: each says what was wrong and what the user can do about it."""

from __future__ import annotations


class Refusal(Exception):
    """Something cannot be done. ``str`` is problem and remedy as one text for a person.

    Operators report this text, so in a script it is the message of the RuntimeError.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem.strip().rstrip(".")
        self.remedy = remedy.strip().rstrip(".")
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
        super().__init__(problem, remedy)
