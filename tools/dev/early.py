"""What can be told of a bench or of `spaces` before there is an environment to run it in."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from . import Problem

TOOLS = Path(__file__).resolve().parents[1]
HELP = frozenset({"-h", "--help"})
# Of `bench` without the name of another one, as tools/bench.py has them.
PARTS = ("extraction", "step", "fit")


def told(command: str, rest: Sequence[str], benches: Sequence[str]) -> str:
    """The help that is asked for, as its file's docstring says it; empty where none is.

    Raises Problem for a bench that there is not.
    """
    if command not in ("bench", "spaces"):
        return ""
    file, more = TOOLS / "spaces" / "build.py", ""
    if command == "bench":
        name = rest[0] if rest and not rest[0].startswith("-") else ""
        if name and name not in (*benches, *PARTS):
            raise Problem(
                f"there is no bench '{name}'",
                f"Use {', '.join(benches)}; or, of the default one, {', '.join(PARTS)}.",
            )
        file = TOOLS / (f"bench_{name}.py" if name in benches else "bench.py")
        more = "" if name in benches else f"\n\nOther benches: {', '.join(benches)}."
    if not HELP.intersection(rest):
        return ""
    return f"{ast.get_docstring(ast.parse(file.read_text(encoding='utf-8')))}{more}"
