"""Where the conversations of this machine can move to, and what they are as code.

No Qt here, and everything blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.domain.conversation import Conversation
from app.domain.engine import EngineState
from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.services.this_machine import this_machine

if TYPE_CHECKING:  # what reads headers and writes code is imported once it is wanted
    from app.advisor.export import Chat
    from app.services.attached_servers import AttachedServers
    from app.services.engine_parts import EngineParts
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.load_record import LoadHistory
    from app.services.model_library import ModelLibrary
    from app.services.moving import Move
    from app.storage.conversations import Conversations
    from app.storage.paths import Paths
    from app.storage.settings import Settings


_LOADED = (EngineState.READY, EngineState.BUSY)


class LocalMover:
    """Knows all that a move depends on. Any thread may call."""

    def __init__(
        self,
        paths: Paths,
        store: Conversations,
        parts: EngineParts,
        library: ModelLibrary,
        supervisor: EngineSupervisor,
        servers: AttachedServers,
        history: LoadHistory,
        settings: Callable[[], Settings],
    ) -> None:
        self._paths = paths
        self._store = store
        self._parts = parts
        self._library = library
        self._supervisor = supervisor
        self._servers = servers
        self._history = history
        self._settings = settings

    def ways(self, conversation: Conversation) -> list[Move]:
        """See `ways_to_move`. Raises ModelFileError where nobody knows the conversation's model any more."""
        from app.services.engine_room import plan_for
        from app.services.moving import Engines, MovingChat, ways_to_move

        engine = self._supervisor.engine_for(conversation.model, conversation.engine)
        model = conversation.model or self._supervisor.default_model()
        if model is None:
            raise ModelFileError("This conversation has no model yet. Choose one in the menu of models.")
        experience = self._history.experience()
        machine = this_machine(self._paths)
        engines = Engines(
            adapters=self._parts.adapters(),
            is_installed=self._parts.is_there,
            fitness=lambda it: self._parts.fitness(it, machine),
            wishes=lambda it: self._settings().wishes_for(it),
            plan=lambda adapter, model, wishes: plan_for(
                adapter, model, wishes, experience=experience, gpus=self._parts.gpus
            ),
            attached=self._servers.engines(),
        )
        chat = MovingChat(
            model,
            engine,
            conversation.params,
            self._tokens(conversation.id),
            self._context_length(engine, model),
        )
        return ways_to_move(chat, self._library.chat_models(tuple(Format)), engines)

    def as_code(self, conversation: Conversation) -> Chat:
        """The conversation as what `app.advisor.export.export` writes programs of. Raises ModelFileError."""
        from app.services.exporting import exported_chat, exported_model, served_model

        path = self._store.path(conversation.id)
        engine = self._supervisor.engine_for(conversation.model, conversation.engine)
        server = next((it for it in self._servers.all() if it.id == engine), None)
        if server is not None:
            return exported_chat(conversation, path, served_model(server, conversation.model or ""))
        local = self._library.choose(conversation.model, self._settings().model)
        model = exported_model(
            local,
            self._library.chat_models(tuple(Format)),
            engine_id=engine or None,
            context_length=self._context_length(engine, local.name),
        )
        return exported_chat(conversation, path, model)

    def _tokens(self, conversation_id: int) -> int:
        """Those of the last prompt and its reply, as the engine counted them; 0 where none was counted."""
        for message in reversed(self._store.path(conversation_id)):
            metrics = message.metrics
            if metrics is not None and metrics.prompt_tokens is not None:
                return metrics.prompt_tokens + (metrics.completion_tokens or 0)
        return 0

    def _context_length(self, engine: str, model: str) -> int | None:
        for status in self._supervisor.statuses():
            if status.engine_id == engine and status.model == model and status.state in _LOADED:
                return status.context_length
        return None
