"""`edgewise engines …`: its command line, and which function does what."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command with all of its own commands; `parents` have the options that every one takes."""
    engines = commands.add_parser(
        "engines",
        help="list, install and remove engines",
        description="Lists the engines; installs, checks and removes those that do not come with Edgewise.",
    )
    actions = engines.add_subparsers(dest="action", metavar="COMMAND", required=True)

    def add(
        name: str, help: str, description: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, parents=list(parents), help=help, description=description)
        parser.add_argument("--json", action="store_true", help="as one JSON value; sizes in bytes")
        parser.set_defaults(run=run)
        return parser

    add("list", "list the engines", "Lists the engines, and whether this computer can run them.", _list)

    install = add(
        "install",
        "install, update or repair an engine",
        "Installs an engine into the data folder, brings it up to date, or repairs it. What was fetched is "
        "kept when it stops, and not fetched again.",
        _install,
    )
    install.add_argument("engine", metavar="ENGINE", help="name of an engine, as “list” shows it")
    install.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FOLDER",
        help="install from a folder of wheels, without any network; “list --json” says what it has to hold",
    )

    verify = add(
        "verify",
        "check an engine",
        "Checks every file of an engine by its SHA-256, and that the engine starts.",
        _verify,
    )
    verify.add_argument("engine", metavar="ENGINE", help="name of an engine")

    remove = add("remove", "delete an engine", "Deletes an engine. Models and chats stay.", _remove)
    remove.add_argument("engine", metavar="ENGINE", help="name of an engine")
    remove.add_argument("--yes", action="store_true", help="do not ask")

    attach = add(
        "attach",
        "use a server that runs already",
        "Attaches a server that speaks OpenAI’s API: llama.cpp, vLLM, SGLang, TensorRT-LLM, LM Studio,"
        " Ollama, another Edgewise, on this computer or on another one.",
        _attach,
    )
    attach.add_argument("address", metavar="ADDRESS", help="such as https://gpu.example.org/v1")
    attach.add_argument("--name", default="", help="what to call it")
    attach.add_argument(
        "--key-stdin", action="store_true", help="ask for its key, or read it from standard input"
    )
    attach.add_argument("--ca", type=Path, metavar="FILE", help="trust these certificates, not the system’s")

    add("servers", "list the attached servers", "Lists the attached servers. Asks none of them.", _servers)

    detach = add("detach", "forget a server", "Forgets an attached server and its key.", _detach)
    detach.add_argument("server", metavar="SERVER", help="its name, or its id as “servers” shows it")
    detach.add_argument("--yes", action="store_true", help="do not ask")


def run(options: argparse.Namespace) -> int:
    """Run the command that `add_parser`'s parser read; returns the exit status."""
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def _list(options: argparse.Namespace) -> int:
    from app.cli.installed_engines import list_engines

    return list_engines(options.json)


def _install(options: argparse.Namespace) -> int:
    from app.cli.installed_engines import install_engine

    return install_engine(options.engine, options.source, options.json)


def _verify(options: argparse.Namespace) -> int:
    from app.cli.installed_engines import verify_engine

    return verify_engine(options.engine, options.json)


def _remove(options: argparse.Namespace) -> int:
    from app.cli.installed_engines import remove_engine

    return remove_engine(options.engine, options.json, options.yes)


def _attach(options: argparse.Namespace) -> int:
    from app.cli.attach import attach_server

    return attach_server(
        options.address,
        name=options.name,
        ask_key=options.key_stdin,
        ca_file=options.ca,
        as_json=options.json,
    )


def _servers(options: argparse.Namespace) -> int:
    from app.cli.attach import list_servers

    return list_servers(options.json)


def _detach(options: argparse.Namespace) -> int:
    from app.cli.attach import detach_server

    return detach_server(options.server, as_json=options.json, without_asking=options.yes)
