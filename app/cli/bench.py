"""`edgewise bench`: its command line, and which module does what. Each way to call it imports its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from app.domain.speed_test import Shape

T = TypeVar("T")

PRESETS = ("quick", "standard", "thorough")
MOST_REPETITIONS = 100
MOST_WARMUPS = 20
SHORTEST_S = 10
LONGEST_S = 24 * 3600


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command; `parents` have the options that every one takes."""
    bench = commands.add_parser(
        "bench",
        parents=list(parents),
        help="test how fast engines are on this computer, side by side",
        description="Tests engines with the same model one after another, and keeps what it measured.",
    )
    who = bench.add_argument_group("what is tested")
    who.add_argument(
        "--model",
        metavar="NAME",
        help="a model, part of its name, its family, or a GGUF file; without: the one used last",
    )
    who.add_argument(
        "--engines",
        metavar="NAMES",
        help="engines or attached servers, such as llama.cpp,transformers; without: all that are installed"
        " and take the model",
    )
    who.add_argument(
        "--precision", metavar="NAME", help="such as Q4_K_M or bf16; without: as like as there are"
    )

    how = bench.add_argument_group("how it is tested")
    how.add_argument("--preset", choices=PRESETS, help="how thoroughly (quick)")
    how.add_argument("--batch", type=_batches, metavar="NUMBERS", help="requests at once, such as 1,8")
    how.add_argument("--shapes", type=_shapes, metavar="NAMES", help="such as chat,summarise,“write at 4k”")
    how.add_argument(
        "--repetitions", type=_whole(1, MOST_REPETITIONS), metavar="N", help="rounds that are measured"
    )
    how.add_argument(
        "--warmups", type=_whole(0, MOST_WARMUPS), metavar="N", help="rounds before them that are not"
    )
    how.add_argument(
        "--budget",
        type=_whole(SHORTEST_S, LONGEST_S),
        metavar="SECONDS",
        help="for all of it; what does not fit is left out",
    )
    how.add_argument(
        "--seed", type=_whole(0, 2**32 - 1), metavar="N", help="decides prompts and the engines’ order"
    )
    how.add_argument(
        "--yes", action="store_true", help="do not ask before a server on another computer is tested"
    )

    history = bench.add_argument_group("earlier tests").add_mutually_exclusive_group()
    history.add_argument("--list", action="store_true", help="list them")
    history.add_argument("--show", type=_whole(1, 2**53), metavar="ID", help="show one")
    history.add_argument(
        "--compare", type=_whole(1, 2**53), nargs=2, metavar=("ID", "ID"), help="hold two side by side"
    )
    history.add_argument("--delete", type=_whole(1, 2**53), metavar="ID", help="forget one")

    result = bench.add_argument_group("the result")
    form = result.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="as one JSON value; times in seconds, sizes in bytes"
    )
    form.add_argument("--markdown", action="store_true", help="as Markdown")
    form.add_argument("--csv", action="store_true", help="as CSV, a row for each engine and case")
    result.add_argument("--output", type=Path, metavar="FILE", help="write it there, not to standard output")


def run(options: argparse.Namespace) -> int:
    """Run the command that `add_parser`'s parser read; returns the exit status. Raises EdgewiseError."""
    if options.list:
        from app.cli.speed_test_history import list_tests

        return list_tests(options)
    if options.show is not None:
        from app.cli.speed_test_history import show_test

        return show_test(options)
    if options.compare is not None:
        from app.cli.speed_test_history import compare_tests

        return compare_tests(options)
    if options.delete is not None:
        from app.cli.speed_test_history import delete_test

        return delete_test(options)
    from app.cli.speed_test import run_speed_test

    return run_speed_test(options)


def _batches(text: str) -> tuple[int, ...]:
    from app.benchmark.workload import parse_batches

    return _parsed(parse_batches, text)


def _shapes(text: str) -> tuple[Shape, ...]:
    from app.benchmark.workload import parse_shapes

    return _parsed(parse_shapes, text)


def _parsed(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
        value = int(text)
        if not minimum <= value <= maximum:
            raise argparse.ArgumentTypeError(f"{text} is not between {minimum:,} and {maximum:,}")
        return value

    return read
