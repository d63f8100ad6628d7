"""The command line: what it accepts, and what its commands return to the shell.

Exit statuses: 0 done, 1 an expected failure (a sentence on standard error), 2 a wrong command line,
130 ended by Ctrl+C, 143 by SIGTERM.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from app import __version__
from app.domain.generation import PARAMETERS, Parameter

COMMANDS = ("chat", "doctor", "probe", "models", "engines", "advise", "bench", "cost", "export", "update")
USE_CASES = (
    "learning", "research", "production-api", "local-chatbot", "structured-output", "mobile", "max-gpu",
    "pipeline",
)  # fmt: skip
"""Those of resources/decision_guide.json, which `--help` shall not have to read."""

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 128 + signal.SIGINT


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    _prepare_streams()
    options = _parser().parse_args(arguments)  # ends the program with 0 or 2 by itself
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _end)
    from app.domain.errors import EdgewiseError

    try:
        return _command(options)
    except EdgewiseError as error:
        from app.cli.console import Console

        console = Console()
        console.error(error.message)
        if options.verbose and error.detail:
            console.error(error.detail)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has had enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _command(options: argparse.Namespace) -> int:
    # Each command imports its own: `edgewise --help` is to be there at once.
    if options.command == "chat":
        from app.cli.chat import chat

        return chat(options)
    if options.command == "doctor":
        from app.cli.doctor import doctor

        return doctor(as_json=options.json, verbose=options.verbose)
    if options.command == "models":
        from app.cli.models import run as run_models

        return run_models(options)
    if options.command == "engines":
        from app.cli.engines import run as run_engines

        return run_engines(options)
    if options.command == "advise":
        if options.matrix:
            from app.cli.advise_use_case import show_matrix

            return show_matrix(as_json=options.json)
        if options.use_case is not None:
            from app.cli.advise_use_case import advise_use_case

            return advise_use_case(options.use_case, as_json=options.json)
        from app.cli.advise import advise

        return advise(options.model, context=options.context, speed=options.speed, as_json=options.json)
    if options.command == "bench":
        from app.cli.bench import run as run_bench

        return run_bench(options)
    if options.command == "cost":
        from app.cli.cost import run as run_cost

        return run_cost(options)
    if options.command == "export":
        from app.cli.export import run as run_export

        return run_export(options)
    if options.command == "update":
        from app.cli.update import run as run_update

        return run_update(as_json=options.json)
    from app.cli.machine import show_machine

    return show_machine(as_json=options.json, measure=options.bandwidth)


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`, so that no engine stays behind."""
    raise SystemExit(128 + number)


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows another one; Windows' pipes are not UTF-8.
            encoding = "utf-8" if sys.platform == "win32" and not stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="replace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgewise",
        description="Chat with language models on your own hardware. Without a command: opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"Edgewise {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    verbose = argparse.ArgumentParser(add_help=False)
    verbose.add_argument("--verbose", action="store_true", help="show what stands behind a failure")

    chat = commands.add_parser(
        "chat",
        parents=[verbose],
        help="ask a model, or have a conversation, in the terminal",
        description="Streams one reply to standard output. Without a prompt: a conversation.",
    )
    chat.add_argument("prompt", nargs="?", help="what to ask; “-” reads it from standard input")
    chat.add_argument("--model", metavar="NAME", help="name of a model, part of one, or a GGUF file")
    chat.add_argument(
        "--engine", metavar="NAME", help="engine to run it with; without: the best for the model"
    )
    chat.add_argument("--json", action="store_true", help="one JSON object at the end instead of text")
    chat.add_argument("--system", metavar="TEXT", help="the system prompt")
    sampling = chat.add_argument_group("sampling")
    for parameter in PARAMETERS:
        sampling.add_argument(
            f"--{parameter.name.replace('_', '-')}",
            type=_within(parameter.minimum, parameter.maximum, whole=parameter.whole),
            metavar="N" if parameter.whole else "X",
            help=_help(parameter),
        )
    loading = chat.add_argument_group("loading")
    loading.add_argument("--context", type=_context, metavar="N", help="context length in tokens")
    loading.add_argument("--threads", type=_threads, metavar="N", help="CPU threads that compute")

    doctor = commands.add_parser(
        "doctor",
        parents=[verbose],
        help="check the installation end to end",
        description="Checks the installation from the data folder to a real reply.",
    )
    doctor.add_argument("--json", action="store_true", help="the findings as one JSON object")

    probe = commands.add_parser(
        "probe",
        help="show what this computer has",
        description="Shows what this computer has. The first time, its memory is tested for a second.",
    )
    probe.add_argument("--json", action="store_true", help="as one JSON object; sizes in bytes")
    probe.add_argument("--bandwidth", action="store_true", help="measure the memory’s bandwidth anew")
    probe.set_defaults(verbose=False)

    advise = commands.add_parser(
        "advise",
        parents=[verbose],
        help="say which framework, model and quantization suit this computer, and why",
        description="Compares the quantizations of a model on this computer, and recommends one; or"
        " recommends a framework with a model for what you want to do.",
    )
    about = advise.add_mutually_exclusive_group(required=True)
    about.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="of the catalog, of your library, a repository (owner/name), or a file",
    )
    about.add_argument(
        "--use-case", choices=USE_CASES, metavar="NAME", help=f"what you want to do: {', '.join(USE_CASES)}"
    )
    about.add_argument(
        "--matrix", action="store_true", help="all of these, with what suits this computer beside each"
    )
    advise.add_argument(
        "--context", type=_context, metavar="N", help="with MODEL: context length in tokens (8192)"
    )
    advise.add_argument(
        "--speed",
        type=_within(0.1, 10_000, whole=False),
        metavar="X",
        help="with MODEL: tokens a second to reach (15)",
    )
    advise.add_argument("--json", action="store_true", help="as one JSON object; memory in bytes")

    from app.cli import bench, cost, engines, export, models, update

    models.add_parser(commands, verbose)
    engines.add_parser(commands, verbose)
    bench.add_parser(commands, verbose)
    cost.add_parser(commands, verbose)
    export.add_parser(commands, verbose)
    update.add_parser(commands, verbose)
    return parser


def _help(parameter: Parameter) -> str:
    explanation = parameter.explanation.replace("Empty:", "Not given:").replace("%", "%%")
    return f"{explanation} From {parameter.minimum:g} to {parameter.maximum:.10g}."


def _context(text: str) -> float:
    from app.storage.settings import MAXIMUM_CONTEXT_LENGTH  # 20 ms that --help shall not pay

    return _within(1, MAXIMUM_CONTEXT_LENGTH, whole=True)(text)


def _threads(text: str) -> float:
    from app.storage.settings import MAXIMUM_THREADS

    return _within(1, MAXIMUM_THREADS, whole=True)(text)


def _within(minimum: float, maximum: float, *, whole: bool) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            kind = "a whole number" if whole else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind}") from None
        if not (math.isfinite(value) and minimum <= value <= maximum):
            raise argparse.ArgumentTypeError(f"{text} is not between {minimum:g} and {maximum:.10g}")
        return value

    return read
