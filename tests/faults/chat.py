"""A chat without a window: session, store and an engine that misbehaves on demand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.domain.conversation import Conversation, Message, MessageState
from app.domain.generation import SamplingParams
from app.services.background import Background
from app.services.chat_session import ChatSession
from app.storage.conversations import Conversations
from app.storage.database import Database
from tests.faults.waiting import until
from tests.mock_engine import COUNT_PATH, MockEngine


class MockSupervisor:
    """Always has the mock loaded."""

    def __init__(self, mock: MockEngine, context_length: int = 4096) -> None:
        client = mock.client(count_path=COUNT_PATH)
        self.loaded = SimpleNamespace(client=client, context_length=context_length)

    def engine_for(self, name: str | None, engine: str | None) -> str:
        return "mock"

    def acquire(self, name: str | None, engine: str | None, cancellation: object) -> Any:
        return self.loaded

    def release(self, loaded: object) -> None:
        """It stays."""

    def replied(self, loaded: object, metrics: object) -> None:
        """Nothing is measured."""

    def default_model(self) -> str | None:
        return "mock"

    def load(self, name: str | None, engine: str | None = None, **how: bool) -> None:
        """It is."""


class Chat:
    """Drives a `ChatSession` as the window does, and keeps what it said."""

    def __init__(self, database_path: Path, supervisor: Any) -> None:
        self.database = Database.open(database_path)
        self.store = Conversations(self.database)
        self.session = ChatSession(self.store, supervisor, Background())
        self.failures: list[Any] = []
        self.ended: list[Message] = []
        self.session.failed.connect(self.failures.append)
        self.session.progress.connect(self._progressed)
        self.shown: list[str] = []
        """The text of the newest reply, as it was told of."""

    def _progressed(self, _: int, progress: Any) -> None:
        self.shown.append(progress.text)
        if progress.ended:
            self.ended.append(progress.message)

    def new(self, *, system_prompt: str = "", params: SamplingParams = SamplingParams()) -> Conversation:
        return self.store.create(system_prompt, params, "mock").result()

    def until(self, condition: Any, deadline_s: float = 30.0) -> None:
        """Run the event loop until `condition` holds."""

        def processed() -> object:
            QCoreApplication.processEvents()
            return condition()

        until(processed, deadline_s)

    def ask(self, conversation: Conversation, text: str) -> Message:
        """Send and wait for the reply."""
        count = len(self.ended)
        self.session.send(conversation, text)
        self.until(lambda: len(self.ended) > count)
        return self.ended[-1]

    def close(self) -> None:
        self.session.shut_down()
        self.database.close()


def rows(database_path: Path) -> list[tuple[str, str, str, str | None]]:
    """Role, text, state and error of all messages, read as another program would."""
    with closing(sqlite3.connect(f"file:{database_path}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT role, text, state, error FROM messages ORDER BY id").fetchall()


STREAMING = MessageState.STREAMING.value
