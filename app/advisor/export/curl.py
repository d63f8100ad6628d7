"""Scripts for bash that ask a local OpenAI server with curl; where replies go on into questions, with jq."""

from __future__ import annotations

from collections.abc import Sequence

from app.advisor.export.heading import file_name, heading, wrapped
from app.advisor.export.literals import json_text, shell_text
from app.advisor.export.notes import notes_on_servers
from app.advisor.export.parameters import for_server
from app.advisor.export.prompt_template import Variable, check, parts_of
from app.advisor.export.server import Server, form_of, server_for
from app.advisor.export.values import (
    Chat,
    Code,
    Exportable,
    Model,
    Pipeline,
    Step,
    StructuredOutput,
    Target,
    as_dicts,
    chat_of,
    models_of,
)

END = "JSON"
"""Ends the text between `<<` and it. No line of JSON is this word alone."""


def write(thing: Exportable) -> Code:
    """`thing` as a script. Raises CannotExport."""
    servers = servers_of(thing)
    notes = notes_on_servers(
        thing,
        {model: server.engine_id for model, server in servers.items()},
        [server.source for server in servers.values()],
    )
    if isinstance(thing, Pipeline):
        notes = (*notes, "It needs jq, which puts one reply into the next question.")
    body = _pipeline(thing, servers) if isinstance(thing, Pipeline) else _one(thing, servers)
    lines = [
        "#!/usr/bin/env bash",
        *heading(thing, Target.CURL, (), notes),
        *_starts(list(servers.values())),
        "set -euo pipefail",
        *_addresses(list(servers.values())),
        *body,
    ]
    return Code("bash", file_name(thing, Target.CURL, "sh"), "\n".join(lines) + "\n", (), notes)


def servers_of(thing: Exportable) -> dict[Model, Server]:
    """A server for each model of `thing`; those on this machine get ports of their own."""
    form = isinstance(thing, StructuredOutput)
    found: dict[Model, Server] = {}
    taken: set[str] = set()
    for model in models_of(thing):
        server = server_for(model, form=form)
        while server.command and server.base_url in taken:
            port = int(server.base_url.rsplit(":", 1)[1].partition("/")[0]) + 1
            server = server_for(model, form=form, port=port)
        taken.add(server.base_url)
        found[model] = server
    return found


def _starts(servers: Sequence[Server]) -> list[str]:
    commands = [server.command for server in servers if server.command]
    if not commands:
        return [""]
    what = "Start the server before" if len(commands) == 1 else "Start the servers before"
    return ["#", *wrapped(f"{what}, in another terminal:"), *(f"#   {command}" for command in commands), ""]


def _addresses(servers: Sequence[Server]) -> list[str]:
    """Variables for the addresses; the key of a server is not ours to write down."""
    lines = []
    for number, server in enumerate(servers, start=1):
        name = _url(number, len(servers))
        lines.append(f"{name}={shell_text(server.base_url)}")
    return [*lines, "key=${OPENAI_API_KEY:-none}"]


def _one(thing: Chat | StructuredOutput, servers: dict[Model, Server]) -> list[str]:
    chat = chat_of(thing)
    server = servers[chat.model]
    body: dict[str, object] = {"model": server.model, "messages": as_dicts(chat.asked())}
    body |= for_server(chat.params, server.engine_id)
    if isinstance(thing, StructuredOutput):
        body |= form_of(thing, server.engine_id)
    return ["", f"{_curl('url')} --data-binary @- <<'{END}'", json_text(body), END]


def _pipeline(pipeline: Pipeline, servers: dict[Model, Server]) -> list[str]:
    check(pipeline)
    models = list(servers)
    lines = [""]
    lines += [f"{_variable(name)}={shell_text(text)}" for name, text in pipeline.inputs.items()]
    known = list(pipeline.inputs)
    for step in pipeline.steps:
        url = _url(models.index(step.model) + 1, len(models))
        given = "".join(f' --arg {_variable(name)} "${_variable(name)}"' for name in _used(step, known))
        lines += [
            "",
            f"{_variable(step.name)}=$(jq -n{given} {shell_text(_request(step, servers[step.model]))} \\",
            f"  | {_curl(url)} --data-binary @- \\",
            "  | jq -r '.choices[0].message.content')",
        ]
        known.append(step.name)
    return [*lines, "", f"printf '%s\\n' \"${_variable(pipeline.steps[-1].name)}\""]


def _request(step: Step, server: Server) -> str:
    """A program of jq that makes the body of the request. Its literals of text are JSON's."""
    parts = [
        f"${_variable(part.name)}" if isinstance(part, Variable) else json_text(part)
        for part in parts_of(step.template)
    ]
    messages = ['{"role": "user", "content": (' + (" + ".join(parts) or '""') + ")}"]
    if step.system_prompt.strip():
        messages.insert(0, json_text({"role": "system", "content": step.system_prompt}, indent=None))
    items = [f'"model": {json_text(server.model)}', f'"messages": [{", ".join(messages)}]']
    items += [
        f'"{name}": {json_text(value)}' for name, value in for_server(step.params, server.engine_id).items()
    ]
    return "{" + ", ".join(items) + "}"


def _used(step: Step, known: Sequence[str]) -> list[str]:
    named = {part.name for part in parts_of(step.template) if isinstance(part, Variable)}
    return [name for name in known if name in named]


def _curl(url: str) -> str:
    return (
        f'curl --silent --show-error --fail-with-body "${url}/chat/completions" \\\n'
        '    -H "Content-Type: application/json" -H "Authorization: Bearer $key" \\\n   '
    )


def _url(number: int, count: int) -> str:
    return "url" if count == 1 else f"url_{number}"


def _variable(name: str) -> str:
    """Of the shell and of jq: no name of a pipeline shall stand for PATH."""
    return f"text_{name}"
