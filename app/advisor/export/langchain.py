"""Programs for LangChain, which asks a local OpenAI server (langchain-openai 1.7)."""

from __future__ import annotations

from app.advisor.export import versions
from app.advisor.export.curl import servers_of
from app.advisor.export.heading import file_name, heading, wrapped
from app.advisor.export.literals import python_call, python_text, python_value
from app.advisor.export.notes import notes_on_servers
from app.advisor.export.parameters import for_server
from app.advisor.export.program import INDENT, assigned, imports, indented
from app.advisor.export.prompt_template import Variable, check, parts_of
from app.advisor.export.server import Server, form_of
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
)
from app.domain.generation import SamplingParams
from app.engines.tensorrt_llm import TensorRtLlm

_OWN = ("temperature", "top_p", "seed")
"""Parameters that ChatOpenAI has; others go into the body as they are. It has `max_tokens`, too, but sends
that as `max_completion_tokens`, which not every server knows."""


def write(thing: Exportable) -> Code:
    """`thing` as a program. Raises CannotExport."""
    servers = servers_of(thing)
    notes = notes_on_servers(
        thing,
        {model: server.engine_id for model, server in servers.items()},
        [server.source for server in servers.values()],
    )
    if isinstance(thing, Pipeline):
        check(thing)
        own, constants, main = _pipeline(thing, servers)
    else:
        own, constants, main = _one(thing, servers[chat_of(thing).model])
    lines = heading(thing, Target.LANGCHAIN, versions.LANGCHAIN, notes)
    commands = [server.command for server in servers.values() if server.command]
    if commands:
        lines += ["#", *wrapped("Start what it asks before, in another terminal:")]
        lines += [f"#   {command}" for command in commands]
    sections = [
        "\n".join(lines),
        "\n".join(imports("", ["import os", *own])),
        *constants,
        "\ndef main():\n" + indented("\n".join(main)),
        '\nif __name__ == "__main__":\n    main()',
    ]
    text = "\n\n".join(sections) + "\n"
    return Code("python", file_name(thing, Target.LANGCHAIN, "py"), text, versions.LANGCHAIN, notes)


def _one(thing: Chat | StructuredOutput, server: Server) -> tuple[list[str], list[str], list[str]]:
    """Imports, constants and the statements of `main`."""
    chat = chat_of(thing)
    own = ["from langchain_openai import ChatOpenAI"]
    constants = [assigned("MESSAGES", as_dicts(chat.asked()))]
    extra: dict[str, object] = {}
    answer = ["print(model.invoke(MESSAGES).content)"]
    if isinstance(thing, StructuredOutput):
        if thing.schema is None or server.engine_id == TensorRtLlm.id:
            extra = form_of(thing, server.engine_id)  # in the server's own words, which LangChain has not
        else:
            own = ["import json", *own]
            constants.append(assigned("SCHEMA", thing.schema))
            answer = [
                'form = {"name": "reply", "strict": True, "schema": SCHEMA}',
                'writer = model.with_structured_output(form, method="json_schema")',
                "print(json.dumps(writer.invoke(MESSAGES), indent=2))",
            ]
    return own, constants, ["model = " + _model(server, chat.params, extra), *answer]


def _pipeline(pipeline: Pipeline, servers: dict[Model, Server]) -> tuple[list[str], list[str], list[str]]:
    constants = [assigned("INPUTS", dict(pipeline.inputs))]
    main: list[str] = []
    steps: list[str] = []
    for number, step in enumerate(pipeline.steps, start=1):
        main += [
            f"model_{number} = " + _model(servers[step.model], step.params, {}),
            f"prompt_{number} = " + _prompt(step),
        ]
        chain = f"prompt_{number} | model_{number} | StrOutputParser()"
        steps.append(f"RunnablePassthrough.assign({step.name}={chain})")
    main += [
        "chain = (\n" + INDENT + f"\n{INDENT}| ".join(steps) + "\n)",
        f'print(chain.invoke(INPUTS)["{pipeline.steps[-1].name}"])',
    ]
    own = [
        "from langchain_core.output_parsers import StrOutputParser",
        "from langchain_core.prompts import ChatPromptTemplate",
        "from langchain_core.runnables import RunnablePassthrough",
        "from langchain_openai import ChatOpenAI",
    ]
    return own, constants, main


def _prompt(step: Step) -> str:
    template = "".join(
        f"{{{part.name}}}" if isinstance(part, Variable) else _braced(part)
        for part in parts_of(step.template)
    )
    turns = [("human", template)]
    if step.system_prompt.strip():
        turns.insert(0, ("system", _braced(step.system_prompt)))
    items = [f"({python_text(role)}, {python_value(text, INDENT)})" for role, text in turns]
    return "ChatPromptTemplate.from_messages([\n" + "".join(f"{INDENT}{item},\n" for item in items) + "])"


def _braced(text: str) -> str:
    """`text` as LangChain's templates have it, where braces are doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def _model(server: Server, params: SamplingParams, extra: dict[str, object]) -> str:
    values = for_server(params, server.engine_id)
    body: dict[str, object] = {name: value for name, value in values.items() if name not in _OWN} | extra
    arguments = {
        "model": python_text(server.model),
        "base_url": python_text(server.base_url),
        "api_key": 'os.environ.get("OPENAI_API_KEY", "none")',
    }
    arguments |= {name: repr(values[name]) for name in _OWN if name in values}
    if body:
        arguments["extra_body"] = python_value(body, INDENT, len("extra_body="))
    return python_call("ChatOpenAI", arguments, used=len("model = "))
