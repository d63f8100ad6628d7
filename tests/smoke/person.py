"""An ordinary user of a bare system, who opens Edgewise, writes to it and closes it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from app.domain.conversation import MessageState
from tests.faults.waiting import until
from tests.smoke.bare_system import SYSTEM_PATH, BareSystem
from tests.smoke.screen import Screen

DATA = ".local/share/Edgewise"
OPEN_S = 60
DRAFT_S = 10
ANSWER_S = 180
END_S = 15
"""Until all processes have gone after the window was closed: what is under way is stored meanwhile."""


@dataclass(frozen=True)
class Answer:
    """A finished reply as the database has it."""

    text: str
    model: str
    engine: str
    state: str
    ttft_s: float
    tokens: int
    duration_s: float


class Person:
    """`name` with a number and a home of their own. No desktop's session: no runtime folder, no D-Bus."""

    def __init__(self, system: BareSystem, name: str, uid: int, home: str) -> None:
        self.system = system
        self.name = name
        self.uid = uid
        self.home = home
        system.run("groupadd", "--gid", str(uid), name)
        system.run(
            *("useradd", "--uid", str(uid), "--gid", str(uid), "--shell", "/bin/sh"),
            *("--create-home", "--home-dir", home, name),
        )
        self._window: subprocess.Popen[bytes] | None = None

    @property
    def home_outside(self) -> Path:
        """The home folder as this machine sees it."""
        return self.system.root / self.home.lstrip("/")

    @property
    def said(self) -> Path:
        """What the window's process wrote to its standard output and error."""
        return self.system.root / "srv" / f"{self.name}.log"

    def variables(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of this person's programs."""
        own = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name, "LANG": "C.UTF-8"}
        return own | {"PATH": f"{self.home}/.local/bin:{SYSTEM_PATH}"} | dict(more or {})

    def run(self, *words: str, variables: Mapping[str, str] | None = None, **more: Any) -> str:
        """Run a program to its end, in the home folder, without a network; what it printed."""
        return self.system.run(
            *words, uid=self.uid, environment=self.variables(variables), folder=self.home, **more
        )

    def open_window(self, screen: Screen, program: str = "edgewise") -> float:
        """Start the window; seconds until it is to be seen."""
        command = self.system.command(
            [program],
            uid=self.uid,
            environment=self.variables({"DISPLAY": screen.display}),
            folder=self.home,
        )
        with self.said.open("wb") as said:
            begin = time.monotonic()
            window = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        until(lambda: screen.window() is not None or window.poll() is not None, OPEN_S)
        took = time.monotonic() - begin
        assert window.poll() is None, f"no window; it said:\n{self.said.read_text(errors='replace')}"
        self._window = window
        return took

    def close_window(self, screen: Screen) -> float:
        """Close the window by its key; seconds until no process of this person is left."""
        begin = time.monotonic()
        screen.close_window(screen.wait_for_window())
        assert self._window is not None
        status = self._window.wait(timeout=END_S)
        assert status == 0, f"the window ended with {status}:\n{self.said.read_text(errors='replace')}"
        until(lambda: not self.processes(), END_S)
        return time.monotonic() - begin

    def ask(self, screen: Screen, question: str) -> Answer:
        """Type a question into the window and wait for the whole reply."""
        before = len(self.answers())
        # The field has the keyboard once a conversation is open; the model is loaded right after that.
        until(lambda: any(process.name() == "llama-server" for process in self.processes()), OPEN_S)
        screen.focus(screen.wait_for_window())
        screen.write(question)
        # So it stands in the field, and would outlast a crash.
        until(lambda: (question,) in self._read("SELECT draft FROM conversations"), DRAFT_S)
        screen.press("Return")
        until(lambda: len(self.answers()) > before, ANSWER_S)
        return self.answers()[-1]

    def answers(self) -> list[Answer]:
        """The finished replies in this person's database, which may be in use."""
        rows = self._read(
            "SELECT text, model, engine, state, ttft_s, completion_tokens, duration_s FROM messages "
            "WHERE role = 'assistant' AND state <> ? ORDER BY id",
            MessageState.STREAMING,
        )
        return [Answer(*row) for row in rows]

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        database = self.home_outside / DATA / "edgewise.db"
        with TemporaryDirectory() as folder:
            # A copy: whoever reads the file itself as root may leave files that are not the person's.
            copy = Path(folder) / database.name
            for suffix in ("", "-wal"):
                part = database.with_name(database.name + suffix)
                if part.exists():
                    shutil.copyfile(part, copy.with_name(copy.name + suffix))
            if not copy.exists():
                return []
            with closing(sqlite3.connect(copy)) as connection:
                try:
                    return connection.execute(query, values).fetchall()
                except sqlite3.OperationalError as error:
                    if "no such table" in str(error):  # it has only just been made
                        return []
                    raise

    def processes(self) -> list[psutil.Process]:
        """What runs of this person's."""
        return self.system.processes(self.uid)
