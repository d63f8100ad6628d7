"""`edgewise engines list`, `install`, `verify` and `remove`: the engines on this machine."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from app.cli.command_line import FAILED, INTERRUPTED, OK, USAGE
from app.cli.console import Console
from app.cli.table import table
from app.domain.engine import Fitness
from app.domain.environment import EnvironmentState, EnvironmentStatus, InstallPlan, InstallProgress
from app.domain.errors import EngineMissing, InstallFailed
from app.domain.size_words import size
from app.engines.environment import Environments
from app.engines.llama_cpp import LlamaCpp
from app.engines.pins import profiles
from app.hardware.probe import probe
from app.services.engine_installer import EngineInstaller, find_environments
from app.services.engine_parts import EngineParts, plain_name
from app.storage.paths import Paths
from app.storage.settings import load_settings

LOOK_S = 0.2
_BAR = 20
_HEADINGS = ("Engine", "State", "Runs here", "Version", "Size")
_WORDS = 3
"""Columns that are aligned to the left; the others are numbers."""
NOTHING = "–"


def list_engines(as_json: bool) -> int:
    """Run the command; returns the exit status."""
    console = Console()
    paths = Paths.find()
    environments = find_environments(paths)
    installer = _installer(environments)
    console.transient("Looking at the engines…")
    try:
        installer.refresh()
        statuses = {each.engine: installer.wait(each.engine) for each in environments.all()}
        machine = probe(paths.models)
        parts = EngineParts(paths, environments)
        fitness = {adapter.id: parts.fitness(adapter, machine) for adapter in parts.adapters()}
    finally:
        console.settle()
        installer.close()
    if as_json:
        console.write(json.dumps(_described(statuses, fitness), indent=2) + "\n")
        return OK
    rows = [_row(name, statuses.get(id_), fitness.get(id_)) for id_, name in _names().items()]
    for line in table([_HEADINGS, *rows], left=_WORDS):
        console.line(line)
    for id_, name in _names().items():
        for line in _explained(id_, name, statuses.get(id_), fitness.get(id_)):
            console.line(line)
    return OK


def install_engine(engine: str, source: Path | None, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises InstallFailed, StorageError or Offline.

    One that is installed and whole is left as it is.
    """
    console = Console()
    environments = find_environments(Paths.find())
    id_ = find_engine(engine)
    environment = environments.of(id_)
    installer = _installer(environments)
    began = time.monotonic()
    try:
        if environment.state is EnvironmentState.READY:
            installer.verify(id_)
            status = _watch(installer, id_, console)
            if not status.error:
                return _report(
                    console, installer.status(id_), as_json, f"{environment.name} is installed already."
                )
            console.error(status.error)
        plan = environment.plan()
        fetched = plan is not None and source is None and not plan.only_from_folder
        if plan is not None and fetched and not as_json:
            console.line(plan_words(plan))
        installer.install(id_, None if source is None else source.expanduser().absolute())
        status = _watch(installer, id_, console)
    except KeyboardInterrupt:
        installer.cancel(id_)
        installer.wait(id_, 5.0)
        console.settle()
        console.error(f"Stopped; what was fetched is kept. To go on: edgewise engines install {engine}")
        return INTERRUPTED
    finally:
        console.settle()
        installer.close()
    if status.error:
        raise InstallFailed(status.error, detail=status.detail)
    took = time.monotonic() - began
    return _report(
        console, status, as_json, f"{status.notice} It took {took:.0f} s and {size(status.size or 0)}."
    )


def verify_engine(engine: str, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises EngineMissing or InstallFailed."""
    console = Console()
    environments = find_environments(Paths.find())
    id_ = find_engine(engine)
    environments.of(id_).python()
    installer = _installer(environments)
    try:
        installer.verify(id_)
        status = _watch(installer, id_, console)
    finally:
        console.settle()
        installer.close()
    if status.error:
        raise InstallFailed(status.error, detail=status.detail)
    return _report(console, status, as_json, status.notice)


def remove_engine(engine: str, as_json: bool, yes: bool) -> int:
    """Run the command; returns the exit status. Asks first unless `yes`.

    Raises EngineMissing, InstallFailed and StorageError.
    """
    console = Console()
    environment = find_environments(Paths.find()).of(find_engine(engine))
    if environment.state is EnvironmentState.ABSENT:
        raise EngineMissing(f"{environment.name} is not installed.")
    if not yes:
        if as_json or not sys.stdin.isatty():
            console.error("Nobody can be asked here. Say --yes to remove without a question.")
            return USAGE
        console.line(f"{environment.name} will be deleted, which frees {size(environment.size())}.")
        console.write("Go on? [y/N] ")
        if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
            console.line("Nothing was removed.")
            return FAILED
    freed = environment.remove()
    if as_json:
        console.write(json.dumps({"engine": environment.engine, "freed": freed}, indent=2) + "\n")
    else:
        console.line(f"{environment.name} is removed; that freed {size(freed)}.")
    return OK


def find_engine(words: str) -> str:
    """The id of the engine that a person means by its id or its name. Raises EngineMissing."""
    for id_, profile in profiles().items():
        if plain_name(words) in (plain_name(id_), plain_name(profile.name)):
            if id_ == LlamaCpp.id:
                raise EngineMissing("llama.cpp comes with Edgewise: there is nothing to install or remove.")
            return id_
    names = ", ".join(id_ for id_ in profiles() if id_ != LlamaCpp.id)
    raise EngineMissing(f"There is no engine “{words}”. There is: {names}.")


def plan_words(plan: InstallPlan) -> str:
    """What an installation takes, in a sentence or two."""
    python = f" {plan.python} is downloaded first." if plan.python_download else ""
    return (
        f"{profiles()[plan.engine].name} {plan.version}, {plan.variant}: about {size(plan.download)} to "
        f"download, about {size(plan.on_disk)} on the disk (from {plan.sizes_from}).{python}"
    )


def progress_line(name: str, progress: InstallProgress) -> str:
    """Where an installation stands, in one line."""
    if not progress.total or not progress.done:
        return f"{name}  {progress.words}…"
    share = min(1.0, progress.done / progress.total)
    filled = round(_BAR * share)
    bar = f"[{'#' * filled}{'-' * (_BAR - filled)}]"
    return f"{name}  {bar}  {size(progress.done)} of about {size(progress.total)}  {progress.words}"


def _installer(environments: Environments) -> EngineInstaller:
    settings = Paths.find().settings
    return EngineInstaller(environments, lambda: load_settings(settings).offline)


def _watch(installer: EngineInstaller, id_: str, console: Console) -> EnvironmentStatus:
    """Show how far it is, until it is over."""
    while True:
        status = installer.wait(id_, LOOK_S)
        if status.task is None:
            console.settle()
            return status
        if status.progress is not None:
            console.settle()
            line = progress_line(profiles()[id_].name, status.progress)
            console.transient(line[: shutil.get_terminal_size().columns - 1])


def _report(console: Console, status: EnvironmentStatus, as_json: bool, words: str) -> int:
    if as_json:
        console.write(json.dumps(_values(status), indent=2) + "\n")
    else:
        console.line(words)
    return OK


def _names() -> dict[str, str]:
    return {id_: profile.name for id_, profile in profiles().items()}


def _row(name: str, status: EnvironmentStatus | None, fitness: Fitness | None) -> tuple[str, ...]:
    if fitness is None:  # nothing here starts it: then it runs where it can be installed
        fitness = Fitness(status is None or not status.why_not)
    runs = "no" if not fitness.can_run else "experimental" if fitness.experimental else "yes"
    if status is None:
        return name, "comes with Edgewise", runs, NOTHING, NOTHING
    size_ = size(status.size) if status.size else NOTHING
    return name, status.state.value, runs, status.version or NOTHING, size_


def _explained(
    id_: str, name: str, status: EnvironmentStatus | None, fitness: Fitness | None
) -> Iterator[str]:
    """Why an engine cannot run or be installed here, or what it takes."""
    if fitness is not None and fitness.why:
        yield f"{name}: {fitness.why}"
    if status is None or status.state is EnvironmentState.READY:
        return
    if status.why_not:
        if fitness is None or fitness.can_run:
            yield f"{name}: {status.why_not}"
    elif status.plan is not None and status.plan.only_from_folder:
        if fitness is None or fitness.can_run:
            command = f"edgewise engines install {id_} --from dist/wheels"
            yield f"{status.plan.only_from_folder} In a terminal: {command}"
    elif status.plan is not None:
        yield f"To install it: edgewise engines install {id_}. {plan_words(status.plan)}"


def _described(
    statuses: dict[str, EnvironmentStatus], fitness: dict[str, Fitness]
) -> list[dict[str, object]]:
    """All engines for a program: their profiles, and what is there of each; null where nothing is known."""
    return [
        {
            **asdict(profile),
            "fitness": asdict(fitness[id_]) if id_ in fitness else None,
            "environment": _values(statuses[id_]) if id_ in statuses else None,
        }
        for id_, profile in profiles().items()
    ]


def _values(status: EnvironmentStatus) -> dict[str, object]:
    return {
        "engine": status.engine,
        "state": status.state.name.lower(),
        "version": status.version or None,
        "size": status.size,
        "installable": not status.why_not,
        "why_not": status.why_not or None,
        "plan": asdict(status.plan) if status.plan else None,
        "log": status.log or None,
    }
