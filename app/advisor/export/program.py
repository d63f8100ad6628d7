"""Programs in Python for engines that compute in the program itself: what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.advisor.export.heading import file_name, heading
from app.advisor.export.literals import WIDTH, python_value
from app.advisor.export.notes import notes_on
from app.advisor.export.prompt_template import Variable, check, parts_of
from app.advisor.export.sources import Source, source_for
from app.advisor.export.values import (
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
    replies_of,
)
from app.domain.generation import SamplingParams

INDENT = "    "
SCHEMA, REGEX = "SCHEMA", "REGEX"
_STANDARD = ("import json", "import os")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model of the program: where it comes from, the constant that says so, the variable that holds it."""

    model: Model
    source: Source
    constant: str
    variable: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the program shall do. `form` names the constant that replies are held to: SCHEMA, REGEX or ""."""

    thing: Exportable
    loaded: tuple[Loaded, ...]
    form: str = ""

    @property
    def params(self) -> list[SamplingParams]:
        """Of each reply."""
        return [params for _, params in replies_of(self.thing)]

    @property
    def form_value(self) -> object:
        """The schema or the regular expression, as it was given."""
        thing = self.thing
        if not isinstance(thing, StructuredOutput):
            return None
        return thing.regex if thing.schema is None else thing.schema


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine has of its own in a program. Texts of code end without a line break.

    `requirements` are for pip. `imports` are lines, those of the standard library that `functions` use among
    them. `functions` are `load`, which makes a model ready, and `reply`, which has it answer messages.
    `loads` has an expression for each of `Plan.loaded`: the model, ready. `sampling` has statements for each
    of `Plan.params`, which end with `sampling = …`. `form` is what the constant `form_name` is to be.
    """

    requirements: tuple[str, ...]
    imports: Sequence[str]
    functions: Sequence[str]
    loads: Sequence[str]
    sampling: Sequence[Sequence[str]]
    form: object
    form_name: str


def write(thing: Exportable, target: Target, engine: Callable[[Plan], Parts]) -> Code:
    """`thing` as a program; `engine` says what that engine has of its own. Raises CannotExport."""
    plan = _plan(thing, target)
    parts = engine(plan)
    notes = notes_on(thing, target, [one.source for one in plan.loaded])
    sections = [
        "\n".join(heading(thing, target, parts.requirements, notes)),
        "\n".join(imports(plan.form, parts.imports)),
        "\n\n".join(_constants(plan, parts)),
        *("\n" + function for function in parts.functions),
        "\ndef main():\n" + indented("\n".join(_main(plan, parts))),
        '\nif __name__ == "__main__":\n    main()',
    ]
    text = "\n\n".join(sections) + "\n"
    return Code("python", file_name(thing, target, "py"), text, parts.requirements, notes)


def imports(form: str, own: Sequence[str]) -> list[str]:
    """All imports of a program with its `own`: the standard library's first."""
    standard = {line for line in own if line in _STANDARD} | ({"import json"} if form == SCHEMA else set())
    others = [line for line in own if line not in _STANDARD]
    return [*sorted(standard), *([""] if standard and others else []), *others]


def assigned(name: str, value: object) -> str:
    """A statement: `name` is this value of what JSON has."""
    return f"{name} = {python_value(value, used=len(name) + 3)}"


def filled_in(template: str, value_of: Callable[[str], str], used: int) -> str:
    """An expression: `template` with its variables, as a sum of texts. `used` as in `python_value`."""
    terms = [
        value_of(part.name) if isinstance(part, Variable) else python_value(part, INDENT)
        for part in parts_of(template)
    ] or ['""']
    line = " + ".join(terms)
    if "\n" not in line and used + len(line) <= WIDTH:
        return line
    return "(\n" + INDENT + f"\n{INDENT}+ ".join(terms) + "\n)"


def indented(code: str) -> str:
    """`code` one level further in: no literal of ours has a line break, so that every line may move."""
    return "\n".join(INDENT + line if line else "" for line in code.split("\n"))


def _plan(thing: Exportable, target: Target) -> Plan:
    if isinstance(thing, Pipeline):
        check(thing)
    models = models_of(thing)
    loaded = []
    for number, model in enumerate(models, start=1):
        ending = f"_{number}" if len(models) > 1 else ""
        loaded.append(Loaded(model, source_for(model, target.value), f"MODEL{ending}", f"model{ending}"))
    form = ""
    if isinstance(thing, StructuredOutput):
        form = SCHEMA if thing.schema is not None else REGEX
    return Plan(thing, tuple(loaded), form)


def _constants(plan: Plan, parts: Parts) -> list[str]:
    found = ["\n".join(assigned(one.constant, one.source.where) for one in plan.loaded)]
    thing = plan.thing
    if not isinstance(thing, Pipeline):
        found.append(assigned("MESSAGES", as_dicts(chat_of(thing).asked())))
    if isinstance(thing, StructuredOutput):
        found.append(assigned(parts.form_name, parts.form))
    return found


def _main(plan: Plan, parts: Parts) -> list[str]:
    thing = plan.thing
    loads = [f"{one.variable} = {load}" for one, load in zip(plan.loaded, parts.loads, strict=True)]
    if isinstance(thing, Pipeline):
        return [*loads, *_steps(thing, plan, parts)]
    return [
        *loads,
        *parts.sampling[0],
        f"text = reply({plan.loaded[0].variable}, MESSAGES, sampling)",
        "print(json.dumps(json.loads(text), indent=2))" if plan.form == SCHEMA else "print(text)",
    ]


def _steps(pipeline: Pipeline, plan: Plan, parts: Parts) -> list[str]:
    variables = {one.model: one.variable for one in plan.loaded}
    lines = [assigned("values", dict(pipeline.inputs))]
    for step, sampling in zip(pipeline.steps, parts.sampling, strict=True):
        lines += [
            "",
            *_messages(step),
            *sampling,
            f'values["{step.name}"] = reply({variables[step.model]}, messages, sampling)',
        ]
    return [*lines, "", f'print(values["{pipeline.steps[-1].name}"])']


def _messages(step: Step) -> list[str]:
    lines = ["prompt = " + filled_in(step.template, lambda name: f'values["{name}"]', len("prompt = "))]
    if step.system_prompt.strip():
        system = python_value({"role": "system", "content": step.system_prompt}, INDENT)
        lines.append(f'messages = [\n{INDENT}{system},\n{INDENT}{{"role": "user", "content": prompt}},\n]')
    else:
        lines.append('messages = [{"role": "user", "content": prompt}]')
    return lines
