"""Between messages and the rows that hold them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.domain.metrics import GenerationMetrics

METRICS_COLUMNS = "ttft_s, duration_s, prompt_tokens, completion_tokens, server_tokens_per_second"

_MESSAGE_COLUMNS = (
    "id, parent_id, role, text, created_at, state, reasoning, model, engine, error, left_out, "
    + METRICS_COLUMNS
)

_ROLES = {role.value: role for role in Role}
_STATES = {state.value: state for state in MessageState}


def path_to(
    connection: sqlite3.Connection, conversation_id: int, leaf_id: int | None, longest: int | None
) -> list[Message]:
    """The messages from the first one to `leaf_id`, or the last `longest` of them."""
    wanted = leaf_id
    path: list[Message] = []
    # A message is always stored after the one it follows, so that going back through the numbers meets
    # each parent after its child: one pass, without a step into the database per message.
    rows: Iterable[tuple[object, ...]] = connection.execute(
        f"SELECT {_MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ? AND id <= ? ORDER BY id DESC",
        (conversation_id, leaf_id),
    )
    for row in rows:
        if wanted is None or len(path) == longest:
            break
        if row[0] == wanted:
            path.append(_OpenMessage(*row).closed())  # type: ignore[arg-type]  # STRICT columns
            wanted = path[-1].parent_id
    path.reverse()
    return path


def metrics_values(metrics: GenerationMetrics | None) -> tuple[float | int | None, ...]:
    """The values of `METRICS_COLUMNS`; without metrics all of them are None."""
    if metrics is None:
        return (None,) * 5
    return (
        metrics.ttft_s,
        metrics.duration_s,
        metrics.prompt_tokens,
        metrics.completion_tokens,
        metrics.server_tokens_per_second,
    )


class _OpenMessage:
    """A `Message` in the making.

    A frozen dataclass sets each field through a function call, which for 10,000 messages takes as long
    as reading them. This class has the same slots, sets them directly, and then becomes a `Message`:
    a quarter of the time.
    """

    __slots__ = Message.__slots__

    def __init__(
        self,
        id: int,
        parent_id: int | None,
        role: str,
        text: str,
        created_at: float,
        state: str,
        reasoning: str,
        model: str | None,
        engine: str | None,
        error: str | None,
        left_out: int,
        ttft_s: float | None,
        duration_s: float | None,
        prompt_tokens: int | None,
        completion_tokens: int | None,
        server_tokens_per_second: float | None,
    ) -> None:
        self.id = id
        self.parent_id = parent_id
        self.role = _ROLES[role]
        self.text = text
        self.created_at = created_at
        self.state = _STATES[state]
        self.reasoning = reasoning
        self.model = model
        self.engine = engine
        self.error = error
        self.left_out = left_out
        self.metrics = (
            None
            if duration_s is None
            else GenerationMetrics(
                ttft_s, duration_s, prompt_tokens, completion_tokens, server_tokens_per_second
            )
        )

    def closed(self) -> Message:
        self.__class__ = Message  # type: ignore[assignment]
        return self  # type: ignore[return-value]
