"""What `edgewise export` does: a chat, or one question, as code; a move to another framework."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from app.advisor.export import (
    CannotExport,
    Chat,
    Migration,
    Model,
    Move,
    StructuredOutput,
    Target,
    export,
    migration,
)
from app.advisor.export.migrations import EXAMPLE_MODEL
from app.cli.command_line import OK
from app.cli.console import Console
from app.domain.attached import ID_PREFIX
from app.domain.errors import EdgewiseError, NoModelYet, StorageError
from app.domain.generation import ChatMessage, Role
from app.domain.hub import Format
from app.services.attached_servers import AttachedServers
from app.services.exporting import exported_chat, exported_model, served_model
from app.services.model_library import ModelLibrary
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import load_settings
from app.storage.well_formed import well_formed

LAST = "last"
MAX_SCHEMA_BYTES = 1024 * 1024
_FORMATS = (Format.GGUF, Format.SAFETENSORS)


def run(options: argparse.Namespace) -> int:
    """Run the command that `app.cli.export`'s parser read; returns the exit status. Raises EdgewiseError."""
    console = Console()
    if options.migration is not None:
        moved = _migration(options)
        shown, kept = _both(moved), moved.after.text
        described: object = asdict(moved)
    else:
        code = export(_thing(options), Target(options.target))
        shown = kept = code.text
        described = asdict(code)
    if options.output is not None:
        _write(options.output, kept)
        console.error(f"Written to {options.output}.")
    if options.json:
        # ASCII: whatever stands in a chat stays intact, and no terminal obeys it.
        console.write(json.dumps(described, indent=2) + "\n")
    elif options.output is None:
        console.write(shown)  # what is not printable is escaped in it
    return OK


def _thing(options: argparse.Namespace) -> Chat | StructuredOutput:
    paths = Paths.find()
    if options.prompt is not None:
        settings = load_settings(paths.settings)
        model = _model(options, paths, None, None)
        system = settings.system_prompt if options.system is None else well_formed(options.system)
        asked = [ChatMessage(Role.USER, well_formed(options.prompt))]
        chat = Chat(model, asked, system, settings.params)
    else:
        chat = _conversation(options, paths)
    if options.schema is not None:
        return StructuredOutput(chat, schema=_schema(options.schema))
    return chat if options.regex is None else StructuredOutput(chat, regex=options.regex)


def _conversation(options: argparse.Namespace, paths: Paths) -> Chat:
    if not paths.database.exists():  # a command that only reads shall not begin a database
        raise CannotExport("There is no chat yet. Give a question with --prompt.")
    with Database.open(paths.database) as database:
        conversations = Conversations(database)
        wanted = options.conversation or LAST
        known = [summary.id for summary in conversations.summaries()]
        number = known[0] if wanted == LAST and known else int(wanted) if wanted.isdecimal() else None
        if number not in known:
            there = ", ".join(map(str, known[:5])) or "none"
            raise CannotExport(f"There is no chat “{wanted}”. The newest are: {there}.")
        assert number is not None
        conversation = conversations.get(number)
        path = conversations.path(number)
    model = _model(options, paths, conversation.model, conversation.engine)
    return exported_chat(conversation, path, model)


def _model(options: argparse.Namespace, paths: Paths, name: str | None, engine: str | None) -> Model:
    """The model that was asked for, else that of the chat; one that is gone is named all the same.

    Where there is none at all, the code is for the smallest of the catalog.
    """
    if options.model is None and engine is not None and engine.startswith(ID_PREFIX):
        settings = load_settings(paths.settings)
        servers = AttachedServers(paths, offline=lambda: settings.offline).all()
        server = next((it for it in servers if it.id == engine), None)
        if server is not None and name is not None:
            return served_model(server, name)
        engine = None
    library = ModelLibrary(paths)
    models = library.chat_models(_FORMATS)
    try:
        found = library.choose(options.model or name, None)
    except NoModelYet:
        return EXAMPLE_MODEL
    except EdgewiseError:
        if options.model is not None or name is None:
            raise
        return Model(name, engine_id=engine)
    return exported_model(found, models, engine_id=engine if options.model is None else None)


def _migration(options: argparse.Namespace) -> Migration:
    move = Move(options.migration)
    if options.model is None:
        return migration(move)
    paths = Paths.find()
    return migration(move, _model(options, paths, None, None))


def _both(moved: Migration) -> str:
    """Before and after, one behind the other, with what changes between."""
    lines = [f"# {moved.title}: before ({moved.before.file_name})", "", moved.before.text, ""]
    lines += ["# What changes:", *(f"# - {change}" for change in moved.changes), ""]
    lines += [f"# After ({moved.after.file_name})", "", moved.after.text.rstrip("\n")]
    return "\n".join(lines) + "\n"


def _schema(path: Path) -> dict[str, object]:
    """The JSON schema in that file. Raises CannotExport."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SCHEMA_BYTES + 1)
    except OSError as error:
        raise CannotExport(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_SCHEMA_BYTES:
        raise CannotExport(f"{path} is larger than {MAX_SCHEMA_BYTES // 1024:,} KiB: that is no schema.")
    try:
        schema = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CannotExport(f"{path} is not JSON: {error}.") from error
    if not isinstance(schema, dict):
        raise CannotExport(f"{path} holds no JSON schema: a schema is an object.")
    return schema


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{path} could not be written: {reason}.", detail=str(error)) from error
