"""`edgewise export`: its command line. What it does is in `exported_code`, imported when it is run."""

from __future__ import annotations

import argparse
from pathlib import Path

TARGETS = ("transformers", "vllm", "llama_cpp", "sglang", "tensorrt_llm", "langchain", "curl")
MOVES = ("hf-to-vllm", "hf-to-llama-cpp", "vllm-to-sglang")


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command; `parents` have the options that every one takes."""
    parser = commands.add_parser(
        "export",
        parents=list(parents),
        help="write a chat as code for another framework",
        description="Writes a chat, or one question, as code that runs without Edgewise. Or shows the code of"
        " a move from one framework to another, before and after.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--target", choices=TARGETS, help="what to write the code for")
    what.add_argument("--migration", choices=MOVES, help="a move; --output keeps what comes after it")
    chat = parser.add_mutually_exclusive_group()
    chat.add_argument("--conversation", metavar="ID", help="number of a chat, or “last”, as without it")
    chat.add_argument("--prompt", metavar="TEXT", help="one question in the place of a chat")
    parser.add_argument("--system", metavar="TEXT", help="the system prompt, with --prompt")
    parser.add_argument(
        "--model", metavar="NAME", help="another model than the chat’s, as “models list” shows it"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--schema", type=Path, metavar="FILE", help="hold the reply to this JSON schema")
    form.add_argument("--regex", metavar="REGEX", help="hold the reply to this regular expression")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the code to a file")
    parser.add_argument("--json", action="store_true", help="as one JSON object, with its notes and needs")


def run(options: argparse.Namespace) -> int:
    """Run the command that `add_parser`'s parser read; returns the exit status. Raises EdgewiseError."""
    from app.cli.exported_code import run as run_export

    return run_export(options)
