"""Everything the chat page can ask for: conversations, messages, replies. Nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.domain.conversation import Conversation, Message
from app.domain.generation import Role, SamplingParams
from app.services.background import Background
from app.services.engine_supervisor import EngineSupervisor
from app.services.reply import Reply, ReplyRequest
from app.storage.conversations import Conversations

DRAIN_INTERVAL_MS = 33
"""30 times a second: faster than anyone reads, slow enough to leave the window's thread alone."""

FIRST_MESSAGES = 50
"""A conversation is opened with its last so many messages, more than a window shows; the rest follows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """A conversation with its path of messages, or the end of it: `earlier_read` brings the rest."""

    conversation: Conversation
    messages: list[Message]


class ChatSession(QObject):
    """The chat's business. Lives on the window's thread; its signals arrive there.

    Asking for something returns at once; the answer comes as a signal.
    """

    list_changed = Signal(list)
    """The conversations, most recently used first (`ConversationSummary`)."""
    opened = Signal(object)
    """An `OpenConversation`, after `open` or `new`."""
    message_added = Signal(int, object)
    """Conversation id, `Message`: one more at the end of its path."""
    earlier_read = Signal(int, list)
    """The messages before those of `opened`, of the conversation with this id."""
    path_changed = Signal(object)
    """An `OpenConversation` whose path is another one now (a reply is made again)."""
    progress = Signal(int, object)
    """Conversation id, `Progress` of its reply."""
    failed = Signal(object)
    """An `EdgewiseError` that belongs to no message."""

    def __init__(
        self,
        store: Conversations,
        supervisor: EngineSupervisor,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._supervisor = supervisor
        self._background = background
        self._replies: dict[int, Reply] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_INTERVAL_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._drain)
        self._woken.connect(self._drain, Qt.ConnectionType.QueuedConnection)

    _woken = Signal()

    # Conversations

    def refresh_list(self) -> None:
        """Have `list_changed` say how the list looks now."""
        self._background.run(self._store.summaries, self.list_changed.emit, self.failed.emit)

    def open(self, conversation_id: int) -> None:
        """Open a conversation; `opened` follows."""
        self._background.run(lambda: self._read(conversation_id), self._opened, self.failed.emit)

    def open_latest(self, system_prompt: str, params: SamplingParams) -> None:
        """Open the conversation used last, a new one if there is none."""

        def operation() -> OpenConversation:
            summaries = self._store.summaries()
            if summaries:
                return self._read(summaries[0].id)
            return self._create(system_prompt, params, None)

        self._background.run(operation, self._opened_and_listed, self.failed.emit)

    def new(
        self, system_prompt: str, params: SamplingParams, model: str | None, engine: str | None = None
    ) -> None:
        """Open a conversation without messages: the newest one if it is still empty, else a new one."""

        def operation() -> OpenConversation:
            for summary in self._store.summaries()[:1]:
                latest = self._read(summary.id)
                if not latest.messages:
                    return latest
            return self._create(system_prompt, params, model, engine)

        self._background.run(operation, self._opened_and_listed, self.failed.emit)

    def rename(self, conversation_id: int, title: str) -> None:
        """Give a conversation a title of the person's own."""
        self._write_and_list(lambda: self._store.rename(conversation_id, title).result())

    def delete(self, conversation_id: int) -> None:
        """Delete a conversation; `restore` undoes it."""
        self.stop(conversation_id)
        self._write_and_list(lambda: self._store.delete(conversation_id).result())

    def restore(self, conversation_id: int) -> None:
        """Undo `delete` and open the conversation again."""

        def operation() -> OpenConversation:
            self._store.restore(conversation_id).result()
            return self._read(conversation_id)

        self._background.run(operation, self._opened_and_listed, self.failed.emit)

    def save_draft(self, conversation_id: int, draft: str) -> None:
        """Keep what is typed but not sent."""
        self._write(lambda: self._store.set_draft(conversation_id, draft).result())

    def save_system_prompt(self, conversation_id: int, system_prompt: str) -> None:
        """Change what the model is told first, from the next reply on."""
        self._write(lambda: self._store.set_system_prompt(conversation_id, system_prompt).result())

    def save_params(self, conversation_id: int, params: SamplingParams) -> None:
        """Change the sampling parameters, from the next reply on."""
        self._write(lambda: self._store.set_params(conversation_id, params).result())

    def save_model(self, conversation_id: int, model: str, engine: str | None) -> None:
        """Change the model and the engine (None: the best for it), from the next reply on."""
        self._write(lambda: self._store.set_model(conversation_id, model, engine).result())

    def load_model(
        self, name: str | None, engine: str | None, *, again: bool = False, force: bool = False
    ) -> None:
        """Have a model loaded, so that it is ready when it is asked; its engine's status tells.

        See `EngineSupervisor.load` for `again` and `force`.
        """
        self._background.run(
            lambda: self._supervisor.load(name, engine, again=again, force=force, in_view=True),
            None,
            self.failed.emit,
        )

    # Replies

    def reply_so_far(self, conversation_id: int) -> Message | None:
        """The reply being made there, with the text that `progress` has told of."""
        reply = self._replies.get(conversation_id)
        return reply.so_far() if reply else None

    def is_replying(self, conversation_id: int) -> bool:
        """True while a reply is being made there."""
        return conversation_id in self._replies

    def send(self, conversation: Conversation, text: str) -> None:
        """Store a person's message, then have it replied to."""
        conversation_id = conversation.id

        def operation() -> list[Message]:
            path = self._store.path(conversation_id)
            parent = path[-1].id if path else None
            message = self._store.append(conversation_id, Role.USER, text, parent_id=parent).result()
            return [*path, message]

        def stored(history: list[Message]) -> None:
            self._reply(conversation, history)  # first: the engine need not wait until it is painted
            self.message_added.emit(conversation_id, history[-1])
            self.refresh_list()

        self._background.run(operation, stored, self.failed.emit)

    def regenerate(self, conversation: Conversation, message_id: int) -> None:
        """Make the reply `message_id` again; the old one stays beside it in the tree."""

        def operation() -> list[Message]:
            history = []
            for message in self._store.path(conversation.id):
                if message.id == message_id:
                    break
                history.append(message)
            return history

        def read(history: list[Message]) -> None:
            if history and not self.is_replying(conversation.id):
                self.path_changed.emit(OpenConversation(conversation, history))
                self._reply(conversation, history)

        self._background.run(operation, read, self.failed.emit)

    def stop(self, conversation_id: int) -> None:
        """End the reply being made there, if any; what has come is kept."""
        if reply := self._replies.get(conversation_id):
            reply.stop()

    def shut_down(self) -> None:
        """End all replies and wait until they are stored."""
        self._background.finish()  # may bring one more message that wants a reply
        for reply in self._replies.values():
            reply.stop()
        for reply in self._replies.values():
            reply.join()
        self._timer.stop()

    def _reply(self, conversation: Conversation, history: list[Message]) -> None:
        if conversation.id in self._replies:
            return
        request = ReplyRequest(
            conversation.id,
            history,
            conversation.system_prompt,
            conversation.params,
            conversation.model,
            conversation.engine,
        )
        reply = Reply(request, self._store, self._supervisor, self._woken.emit)
        self._replies[conversation.id] = reply
        reply.start()
        self._timer.start()

    def _drain(self) -> None:
        for conversation_id, reply in list(self._replies.items()):
            progress = reply.drain()
            if progress is None:
                continue
            if progress.ended:
                del self._replies[conversation_id]
                if progress.failure is not None:
                    self.failed.emit(progress.failure)
            if progress.message is not None:
                self.progress.emit(conversation_id, progress)
        if not self._replies:
            self._timer.stop()

    # Helpers

    def _read(self, conversation_id: int) -> OpenConversation:
        return OpenConversation(
            self._with_model(self._store.get(conversation_id)),
            self._store.path(conversation_id, last=FIRST_MESSAGES),
        )

    def _create(
        self, system_prompt: str, params: SamplingParams, model: str | None, engine: str | None = None
    ) -> OpenConversation:
        created = self._store.create(system_prompt, params, model, engine).result()
        return OpenConversation(self._with_model(created), [])

    def _with_model(self, conversation: Conversation) -> Conversation:
        if conversation.model is not None or (model := self._supervisor.default_model()) is None:
            return conversation
        self._store.set_model(conversation.id, model, conversation.engine).result()
        return replace(conversation, model=model)

    def _opened(self, opened: OpenConversation) -> None:
        self.opened.emit(opened)
        first = opened.messages[0].parent_id if opened.messages else None
        if first is None:
            return
        conversation_id = opened.conversation.id

        def read(earlier: list[Message]) -> None:
            self.earlier_read.emit(conversation_id, earlier)

        self._background.run(lambda: self._store.path_to(conversation_id, first), read, self.failed.emit)

    def _opened_and_listed(self, opened: OpenConversation) -> None:
        self._opened(opened)
        self.refresh_list()

    def _write(self, operation: Callable[[], T]) -> None:
        self._background.run(operation, None, self.failed.emit)

    def _write_and_list(self, operation: Callable[[], T]) -> None:
        self._background.run(operation, lambda _: self.refresh_list(), self.failed.emit)
