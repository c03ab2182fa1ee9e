#!/usr/bin/env python3
"""One command for everything a developer does; needs Python 3.11 and nothing else.

python3 dev.py demo         fit a built-in space to a silhouette in a real Blender
python3 dev.py test         the tests (--all adds the heavy ones; the rest goes to pytest)
                            --blender 4.2, 5.0, 5.2 or all: tests/blender on other Blenders
python3 dev.py bench        figures of this machine
python3 dev.py bench spaces figures of the built-in spaces; bench training: what a run takes;
                            bench signing DIR: what becomes of messy meshes;
                            bench seat: latency, handlers and memory in Blender;
                            bench fits: what the presets come to;
                            bench heldout: fits to shapes no space was trained on;
                            bench peers: beside other programs;
                            bench recipe: the published fit, made ours part by part;
                            bench limit: how near to the decoder's own time;
                            bench runtimes: other ways to run a decoder;
                            bench reconstruct: shapes from photos by Cycles
python3 dev.py spaces NAME  rebuild a built-in space
python3 dev.py docs         write docs/operators.md anew
python3 dev.py extension    the packages that Blender installs, in dist/
python3 dev.py lint         ruff and mypy
python3 dev.py env          only make or mend the environment, .venv
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tools.dev import Problem, blenders, checks, early, environment, extension, libraries

ROOT = Path(__file__).resolve().parent
BENCHES = (
    *("fits", "heldout", "limit", "peers", "recipe", "reconstruct", "runtimes"),
    *("seat", "signing", "spaces", "training"),
)


def main() -> int:
    """Run one command; its exit status."""
    options, rest = parse()
    try:
        if text := early.told(options.command, rest, BENCHES):
            print(text)
            return 0
        python = environment.ensure()
        if options.command == "lint":
            return checks.lint(python)
        if options.command == "extension":
            return extension.main(python, options.what)
        libraries.ensure(python)
        if options.command == "test" and options.blender:
            return run_on_blenders(python, options.blender, rest, everything=options.all)
        if options.command == "test":
            return checks.run_tests(python, rest, everything=options.all)
        if options.command == "demo":
            extension.main(python, "light")
            return script(python, "-m", "tools.demo", str(extension.package_path("light")), *rest)
        if options.command == "docs":
            return script(python, "-m", "tools.operators_page")
        if options.command == "spaces":
            return script(python, "-m", "tools.spaces.build", *rest)
        if options.command == "bench" and rest and rest[0] in BENCHES:
            return script(python, "-m", f"tools.bench_{rest[0]}", *rest[1:])
        if options.command == "bench":
            return script(python, "tools/bench.py", *rest)
    except Problem as problem:
        print(f"dev.py: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def parse() -> tuple[argparse.Namespace, list[str]]:
    """The command and its options; what `test`, `demo`, `bench`, `spaces` hand on comes second."""
    parser = argparse.ArgumentParser(
        prog="dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    test = commands.add_parser("test", help="run the tests")
    test.add_argument("--all", action="store_true", help="also the tests marked heavy")
    test.add_argument(
        "--blender", choices=(*blenders.BLENDERS, "all"), help="tests/blender on another Blender"
    )
    package = commands.add_parser("extension", help="write the packages that Blender installs")
    package.add_argument(
        "--what", choices=("light", "full", "both"), default="both", help="which packages"
    )
    commands.add_parser("demo", help="fit a built-in space to a silhouette in a real Blender")
    # Their options are the scripts' own; their help is their docstring.
    figures = "print figures of this machine, or of the built-in spaces"
    commands.add_parser("bench", help=figures, add_help=False)
    commands.add_parser("spaces", help="rebuild built-in spaces", add_help=False)
    commands.add_parser("docs", help="write docs/operators.md from what Blender has registered")
    commands.add_parser("lint", help="ruff and mypy")
    commands.add_parser("env", help="make or mend .venv")
    options, rest = parser.parse_known_args()
    if rest and options.command not in ("test", "demo", "bench", "spaces"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options, rest


def run_on_blenders(python: Path, which: str, rest: list[str], *, everything: bool) -> int:
    """Run tests/blender, or the chosen part of it, on one more Blender or on all of them."""
    chosen = list(blenders.BLENDERS) if which == "all" else [which]
    targets = [] if any(map(checks.is_target, rest)) else [str(checks.TESTS / "blender")]
    variables = blenders.variables(python)
    worst = 0
    for version in chosen:
        other = blenders.ensure(version, python)
        libraries.ensure(other)
        print(f"dev.py: Blender {version}", flush=True)
        status = checks.run_tests(
            other, [*rest, *targets], everything=everything, variables=variables
        )
        worst = max(worst, status)
    return worst


def script(python: Path, *arguments: str) -> int:
    """Run a script or module of ours with the environment's Python."""
    return subprocess.run([str(python), *arguments], check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
