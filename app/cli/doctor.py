"""`edgewise doctor`: checks the installation end to end and says what to do about what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app import __version__
from app.cli.command_line import FAILED, OK
from app.cli.console import Console
from app.cli.display import display_problem
from app.cli.model_source import load
from app.domain.errors import EdgewiseError, EngineMissing, ModelFileError, StorageError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.model import LocalModel, Place
from app.domain.own_program import own_program
from app.domain.size_words import size
from app.engines.llama_cpp import find_program
from app.models.bundled import starter_sha256
from app.models.complete import complete_header
from app.services.loading import LoadWishes
from app.services.model_library import ModelLibrary
from app.storage.failures import explain_sqlite_error
from app.storage.migrations import refuse_newer
from app.storage.paths import Paths
from app.storage.settings import load_settings

PROGRAM_TIMEOUT_S = 60.0
"""For a program that only says its version, and for Qt to load, on a slow and busy machine."""
REPLY_TOKENS = 3
REPLY_CONTEXT = 2048
INSTALLED = bool(getattr(sys, "frozen", False))
"""Whether this is a bundle, where nobody has a set-up to run."""
SET_UP_AGAIN = "Install Edgewise again." if INSTALLED else "Run the set-up again (`make setup`)."
FETCH_AGAIN = "Then download a model." if INSTALLED else "Fetch it again: `make run` does."


class Status(StrEnum):
    """What came of one check. A warning does not keep Edgewise from working."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, in a sentence, and what stands behind it."""

    name: str
    status: Status
    message: str
    detail: str = ""


class _Failure(EdgewiseError):
    """A check that only the doctor makes did not pass."""


def doctor(*, as_json: bool, verbose: bool) -> int:
    """Run the command; returns the exit status."""
    console = Console()
    findings: list[Finding] = []
    examination = Examination(Paths.find())
    for name, check in examination.checks():
        if not as_json:
            console.transient(f"{name}…")
        finding = _finding(name, check)
        console.settle()
        findings.append(finding)
        if not as_json:
            console.line(f"{_MARKS[finding.status]} {name}: {finding.message}")
            if verbose and finding.detail:
                console.line("\n".join(f"    {line}" for line in finding.detail.splitlines()))
    healthy = all(finding.status is not Status.FAILED for finding in findings)
    if as_json:
        console.write(json.dumps(_as_json(findings, healthy=healthy), indent=2) + "\n")
    elif not healthy and not verbose:
        console.line("`edgewise doctor --verbose` shows what stands behind a failure.")
    return OK if healthy else FAILED


class Examination:
    """The checks, in their order; later ones use what earlier ones found."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._server: Path | None = None
        self._model: LocalModel | None = None

    def checks(self) -> tuple[tuple[str, Callable[[], Finding | str]], ...]:
        """Each check with its name. It returns a finding, or the sentence of one that is well."""
        return (
            ("Versions", self._versions),
            ("Data folder", self._data_folder),
            ("Database", self._database),
            ("llama.cpp", self._engine),
            ("Model", self._model_file),
            ("Reply", self._reply),
            ("Window", self._window),
        )

    def _versions(self) -> str:
        return (
            f"Edgewise {__version__}, Python {platform.python_version()}, {_package('PySide6-Essentials')}, "
            f"SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}."
        )

    def _data_folder(self) -> str:
        self._paths.create()
        kind = ", portable," if self._paths.portable else ""
        return f"{self._paths.home}{kind} can be written."

    def _database(self) -> str:
        path = self._paths.database
        if not path.exists():
            return "There are no chats yet; the database is made with the first."
        log = path.with_name(path.name + "-wal")
        # Without a log nobody shares the file, and immutable keeps SQLite from making any beside it.
        mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as connection:
                refuse_newer(connection)
                problem: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise explain_sqlite_error(error, path) or error from error
        if problem != "ok":
            raise StorageError(
                "The file with your chats is damaged. Start Edgewise: it keeps the file under another name "
                "and begins a new one.",
                detail=problem,
            )
        return f"{path.name} opens and is whole ({size(path.stat().st_size)})."

    def _engine(self) -> str:
        program = find_program("llama-server")
        try:
            done = subprocess.run(
                [program, "--version"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PROGRAM_TIMEOUT_S,
                text=True,
                errors="replace",
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineMissing(f"llama-server does not start. {SET_UP_AGAIN}", detail=str(error)) from error
        if done.returncode != 0:
            raise EngineMissing(
                f"llama-server does not start (exit status {done.returncode}). {SET_UP_AGAIN}",
                detail=done.stdout.strip(),
            )
        self._server = program
        said = next((line for line in done.stdout.splitlines() if line.startswith("version:")), "")
        return f"llama-server starts, {said or 'and does not tell its version'}."

    def _model_file(self) -> str:
        model = ModelLibrary(self._paths).choose(None, load_settings(self._paths.settings).model)
        try:
            complete_header(model.path, model.format)
        except ModelFileError as error:
            raise ModelFileError(f"{model.name} cannot be used: {error}", detail=error.detail) from error
        expected = starter_sha256(model.path.name)
        if expected is not None:
            with model.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != expected:
                deed = f"Delete {model.path.name} in the model folder. {FETCH_AGAIN}"
                if model.place is Place.BUNDLED:
                    deed = SET_UP_AGAIN
                raise ModelFileError(
                    f"{model.name} is damaged: its SHA-256 is not that of the starter model. {deed}",
                    detail=f"{model.path}: {found}, expected {expected}",
                )
        self._model = model
        proof = "its SHA-256 is right" if expected is not None else "its header is sound"
        return f"{model.name} is whole ({size(model.size)}), {proof}."

    def _reply(self) -> Finding | str:
        if self._server is None or self._model is None:
            return Finding("Reply", Status.SKIPPED, "Not tried: it takes llama.cpp and a model.")
        started = time.monotonic()
        _, loaded = load(self._model, LoadWishes(context_length=REPLY_CONTEXT), self._paths)
        try:
            ready = time.monotonic()
            request = ChatRequest(
                [ChatMessage(Role.USER, "Say hello.")],
                SamplingParams(temperature=0.0, max_tokens=REPLY_TOKENS),
                ignore_eos=True,
            )
            events = list(loaded.client.stream(request, Cancellation()))
            ended = time.monotonic()
            log = loaded.process.read_log()
        finally:
            loaded.stop()
        usage = next((event.usage for event in events if isinstance(event, Finished)), None)
        if usage is None or usage.completion_tokens != REPLY_TOKENS:
            raise _Failure(f"{self._model.name} loads but does not reply. {SET_UP_AGAIN}", detail=log)
        return (
            f"{usage.completion_tokens} tokens in {(ended - ready) * 1000:.0f} ms, "
            f"after {ready - started:.1f} s to load."
        )

    def _window(self) -> Finding | str:
        problem = display_problem()
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"} if problem else dict(os.environ)
        # In a process of its own: where a library is missing Qt ends the whole process.
        try:
            done = subprocess.run(
                window_check_command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PROGRAM_TIMEOUT_S,
                env=environment,
                text=True,
                errors="replace",
                check=False,
            )
            status, said = done.returncode, done.stdout.strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            status, said = -1, str(error)
        if status != 0:
            return Finding(
                "Window",
                Status.WARNING if problem else Status.FAILED,
                f"Qt does not start: {_telling_line(said)}{_QT_HELP}",
                said,
            )
        if problem:
            but = f"{problem[0].lower()}{problem[1:]}"
            words = f"Qt starts, but {but}: Edgewise chats in the terminal instead."
            return Finding("Window", Status.WARNING, words)
        return f"Qt starts ({said.splitlines()[-1] if said else 'unknown platform'})."


def window_check_command() -> list[str]:
    """What starts this program again as `check_window`; a frozen app has no interpreter to call."""
    program = own_program()
    return [*([sys.executable, "-m", "app"] if program is None else [program]), "--check-window"]


def _finding(name: str, check: Callable[[], Finding | str]) -> Finding:
    try:
        result = check()
    except EdgewiseError as error:
        return Finding(name, Status.FAILED, error.message, error.detail)
    except (OSError, sqlite3.Error) as error:  # a doctor does not faint at the sight of a full disk
        return Finding(name, Status.FAILED, f"It cannot be checked: {error}.", repr(error))
    return result if isinstance(result, Finding) else Finding(name, Status.OK, result)


def _package(name: str) -> str:
    try:
        return f"{name.partition('-')[0]} {version(name)}"
    except PackageNotFoundError:  # a frozen app brings no package data
        return f"{name.partition('-')[0]} of unknown version"


def _telling_line(said: str) -> str:
    """The line of Qt's or Python's last words that names what is missing."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for word in ("cannot open shared object", "is needed to load", "could not connect", "Error"):
        for line in lines:
            if word in line:
                return line.removesuffix(".") + "."
    return (lines[0].removesuffix(".") + ".") if lines else "it says nothing."


def _as_json(findings: list[Finding], *, healthy: bool) -> dict[str, object]:
    return {
        "ok": healthy,
        "checks": [
            {"name": f.name, "status": f.status.value, "message": f.message, "detail": f.detail}
            for f in findings
        ],
    }


_QT_HELP = "" if INSTALLED else " `make setup` names what is missing."
_MARKS = {Status.OK: "✓", Status.WARNING: "!", Status.FAILED: "✗", Status.SKIPPED: "–"}
