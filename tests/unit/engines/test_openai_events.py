import pytest

from app.domain.errors import EngineGone
from app.domain.generation import ReasoningDelta, TextDelta, Usage
from app.engines.openai_events import deltas, is_count, json_object, objects, timings_of, usage_of


def test_pieces_of_a_reply():
    assert list(deltas({"content": "a", "reasoning": "b"})) == [ReasoningDelta("b"), TextDelta("a")]
    assert list(deltas({"content": "", "role": "assistant"})) == []


def test_what_is_counted():
    assert usage_of({"usage": {"prompt_tokens": 1, "completion_tokens": 2}}) == Usage(1, 2)
    assert usage_of({}) is None
    assert timings_of({"timings": {}}) is None


@pytest.mark.parametrize(("value", "good"), [(0, True), (5, True), (-1, False), (True, False), (1.0, False)])
def test_a_count(value, good):
    assert is_count(value) is good


def test_only_objects_are_taken():
    assert objects([{"a": 1}, 2, None]) == [{"a": 1}]
    assert objects({"a": 1}) == []
    with pytest.raises(EngineGone, match="Team GPU sent something that is not a reply"):
        json_object("[]", "Team GPU")
