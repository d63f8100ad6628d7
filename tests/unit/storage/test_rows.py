from dataclasses import FrozenInstanceError, fields

import pytest

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.domain.metrics import GenerationMetrics
from app.storage.rows import METRICS_COLUMNS, _OpenMessage, metrics_values


def test_the_columns_are_the_fields():
    assert METRICS_COLUMNS.split(", ") == [field.name for field in fields(GenerationMetrics)]
    metrics = GenerationMetrics(0.1, 2.0, 3, 4, 5.0)
    assert metrics_values(metrics) == (0.1, 2.0, 3, 4, 5.0)
    assert metrics_values(None) == (None,) * len(fields(GenerationMetrics))


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("state", list(MessageState))
def test_a_message_made_the_fast_way_is_like_any_other(role, state):
    row = (2, 1, role.value, "text", 3.5, state.value, "thought", "m", "e", "error", 4, 0.1, 2.0, 3, 4, 5.0)
    fast = _OpenMessage(*row).closed()
    plain = Message(
        2,
        1,
        role,
        "text",
        3.5,
        state,
        "thought",
        "m",
        "e",
        "error",
        4,
        GenerationMetrics(0.1, 2.0, 3, 4, 5.0),
    )
    assert type(fast) is Message
    assert fast == plain
    assert hash(fast) == hash(plain)
    assert repr(fast) == repr(plain)
    with pytest.raises(FrozenInstanceError):
        fast.text = "other"  # type: ignore[misc]  # that is the point
