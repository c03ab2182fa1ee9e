"""The parts of dev.py. Standard library only: they run before anything is installed."""


class Problem(Exception):
    """Something that stops a command: what it is, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n  {remedy}")
