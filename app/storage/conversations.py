"""Conversations and their messages in the database."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future

from app.domain.conversation import (
    UNTITLED,
    Conversation,
    ConversationSummary,
    Message,
    MessageState,
    title_from,
)
from app.domain.generation import Role, SamplingParams
from app.domain.metrics import GenerationMetrics
from app.storage.database import Database
from app.storage.rows import METRICS_COLUMNS, metrics_values, path_to
from app.storage.well_formed import well_formed

INTERRUPTED_BY_CLOSING = "Edgewise was closed before this reply was finished."


class Conversations:
    """All conversations of a database.

    What writes returns a future at once (see `Database.write`); what reads returns its value and sees
    every write whose future is done. A conversation or message that is not there is a `KeyError`.
    `clock` tells the time in seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        system_prompt: str = "",
        params: SamplingParams = SamplingParams(),
        model: str | None = None,
        engine: str | None = None,
    ) -> Future[Conversation]:
        """Begin a conversation without messages."""
        now = self._clock()
        prompt = well_formed(system_prompt)

        def operation(connection: sqlite3.Connection) -> Conversation:
            row_id = connection.execute(
                "INSERT INTO conversations"
                " (title, created_at, last_used_at, system_prompt, params, model, engine)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (UNTITLED, now, now, prompt, json.dumps(params.to_dict()), model, engine),
            ).lastrowid
            assert row_id is not None
            return Conversation(row_id, UNTITLED, now, now, prompt, params, model, engine=engine)

        return self._database.write(operation)

    def summaries(self) -> list[ConversationSummary]:
        """All conversations that are not deleted, the most recently used first."""
        return self._database.read(
            lambda connection: [
                ConversationSummary(*row)
                for row in connection.execute(
                    "SELECT id, title, last_used_at FROM conversations WHERE deleted_at IS NULL"
                    " ORDER BY last_used_at DESC, id DESC"
                )
            ]
        )

    def get(self, conversation_id: int) -> Conversation:
        """A conversation, deleted or not."""
        row = self._database.read(
            lambda connection: connection.execute(
                "SELECT title, created_at, last_used_at, system_prompt, params, model, draft, engine"
                " FROM conversations WHERE id = ?",
                (conversation_id,),
            ).fetchone()
        )
        if row is None:
            raise KeyError(conversation_id)
        title, created_at, last_used_at, system_prompt, params, model, draft, engine = row
        return Conversation(
            id=conversation_id,
            title=title,
            created_at=created_at,
            last_used_at=last_used_at,
            system_prompt=system_prompt,
            params=SamplingParams.from_dict(json.loads(params)),
            model=model,
            draft=draft,
            engine=engine,
        )

    def path_to(self, conversation_id: int, message_id: int) -> list[Message]:
        """The messages from the first one to `message_id`, whichever is the leaf."""
        return self._database.read(lambda connection: path_to(connection, conversation_id, message_id, None))

    def path(self, conversation_id: int, *, last: int | None = None) -> list[Message]:
        """The messages from the first one to the leaf, or only the `last` so many of them.

        Reading 10,000 messages takes long enough to be seen; a screenful takes about a millisecond.
        """

        def operation(connection: sqlite3.Connection) -> list[Message]:
            found = connection.execute(
                "SELECT leaf_id FROM conversations WHERE id = ?", (conversation_id,)
            ).fetchone()
            if found is None:
                raise KeyError(conversation_id)
            return path_to(connection, conversation_id, found[0], last)

        return self._database.read(operation)

    def append(
        self,
        conversation_id: int,
        role: Role,
        text: str,
        *,
        parent_id: int | None,
        state: MessageState = MessageState.COMPLETE,
        model: str | None = None,
        engine: str | None = None,
    ) -> Future[Message]:
        """Store a message after `parent_id` (None: at the beginning); it becomes the leaf.

        A second reply to the same question is appended with the question as its parent. The first message
        of a person names the conversation unless they named it themselves. A person's message takes the
        draft with it: one transaction, so that a sent message never stands in the composer again.
        """
        now = self._clock()
        text = well_formed(text)

        def operation(connection: sqlite3.Connection) -> Message:
            if parent_id is not None:
                _require_message(connection, conversation_id, parent_id)
            if role is Role.USER:
                connection.execute(
                    "UPDATE conversations SET title = ? WHERE id = ? AND NOT title_is_own AND NOT EXISTS"
                    " (SELECT 1 FROM messages WHERE conversation_id = conversations.id AND role = 'user')",
                    (title_from(text), conversation_id),
                )
            _require_conversation(connection, conversation_id)
            row_id = connection.execute(
                "INSERT INTO messages"
                " (conversation_id, parent_id, role, text, state, created_at, model, engine)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation_id, parent_id, role.value, text, state.value, now, model, engine),
            ).lastrowid
            assert row_id is not None
            draft = ", draft = ''" if role is Role.USER else ""
            connection.execute(
                f"UPDATE conversations SET leaf_id = ?, last_used_at = ?{draft} WHERE id = ?",
                (row_id, now, conversation_id),
            )
            return Message(row_id, parent_id, role, text, now, state, model=model, engine=engine)

        return self._database.write(operation)

    def update_reply(
        self,
        message_id: int,
        *,
        text: str,
        reasoning: str,
        state: MessageState,
        error: str | None = None,
        left_out: int = 0,
        metrics: GenerationMetrics | None = None,
    ) -> Future[None]:
        """Save how far a reply has come, or how it ended. Touches nothing but this message."""
        values = (
            well_formed(text),
            well_formed(reasoning),
            state.value,
            None if error is None else well_formed(error),
            left_out,
            *metrics_values(metrics),
            message_id,
        )

        def operation(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                "UPDATE messages SET (text, reasoning, state, error, left_out, "
                f"{METRICS_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
                values,
            ).rowcount
            if changed == 0:
                raise KeyError(message_id)

        return self._database.write(operation)

    def set_leaf(self, conversation_id: int, message_id: int) -> Future[None]:
        """Let the path end at `message_id`."""

        def operation(connection: sqlite3.Connection) -> None:
            _require_message(connection, conversation_id, message_id)
            connection.execute(
                "UPDATE conversations SET leaf_id = ? WHERE id = ?", (message_id, conversation_id)
            )

        return self._database.write(operation)

    def rename(self, conversation_id: int, title: str) -> Future[None]:
        """Give the conversation a title of the person's own; line breaks become spaces.

        Raises `ValueError` at once for a blank title.
        """
        title = " ".join(well_formed(title).split())
        if not title:
            raise ValueError("a title needs at least one visible character")
        return self._change(conversation_id, "title = ?, title_is_own = 1", title)

    def delete(self, conversation_id: int) -> Future[None]:
        """Take the conversation off the list. `restore` brings it back until it is purged."""
        return self._change(conversation_id, "deleted_at = ?", self._clock())

    def restore(self, conversation_id: int) -> Future[None]:
        """Undo `delete`."""
        return self._change(conversation_id, "deleted_at = NULL")

    def purge_deleted(self, older_than_s: float) -> Future[int]:
        """Remove for good what was deleted at least `older_than_s` seconds ago; returns how many."""
        before = self._clock() - older_than_s

        def operation(connection: sqlite3.Connection) -> int:
            return connection.execute("DELETE FROM conversations WHERE deleted_at <= ?", (before,)).rowcount

        return self._database.write(operation)

    def set_draft(self, conversation_id: int, draft: str) -> Future[None]:
        """Keep what stands in the composer. Does not count as using the conversation."""
        return self._change(conversation_id, "draft = ?", well_formed(draft))

    def set_system_prompt(self, conversation_id: int, system_prompt: str) -> Future[None]:
        """Replace the system prompt, from the next request on."""
        return self._change(conversation_id, "system_prompt = ?", well_formed(system_prompt))

    def set_params(self, conversation_id: int, params: SamplingParams) -> Future[None]:
        """Replace the sampling parameters, from the next request on."""
        return self._change(conversation_id, "params = ?", json.dumps(params.to_dict()))

    def set_model(self, conversation_id: int, model: str | None, engine: str | None = None) -> Future[None]:
        """Remember the model that the conversation uses, and the engine (None: the best for it)."""
        return self._change(conversation_id, "model = ?, engine = ?", model, engine)

    def mark_interrupted(self) -> Future[int]:
        """At start-up: end the replies that a run which died left unfinished; returns how many."""

        def operation(connection: sqlite3.Connection) -> int:
            # The states stand in the statement, or SQLite would not use the index of unfinished replies.
            return connection.execute(
                "UPDATE messages SET state = 'interrupted', error = ? WHERE state = 'streaming'",
                (INTERRUPTED_BY_CLOSING,),
            ).rowcount

        return self._database.write(operation)

    def _change(self, conversation_id: int, assignments: str, *values: object) -> Future[None]:
        def operation(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                f"UPDATE conversations SET {assignments} WHERE id = ?", (*values, conversation_id)
            ).rowcount
            if changed == 0:
                raise KeyError(conversation_id)

        return self._database.write(operation)


def _require_conversation(connection: sqlite3.Connection, conversation_id: int) -> None:
    if connection.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation_id,)).fetchone() is None:
        raise KeyError(conversation_id)


def _require_message(connection: sqlite3.Connection, conversation_id: int, message_id: int) -> None:
    found = connection.execute(
        "SELECT 1 FROM messages WHERE id = ? AND conversation_id = ?", (message_id, conversation_id)
    ).fetchone()
    if found is None:
        raise KeyError(message_id)
