from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.context_window import TEMPLATE_BYTES, fit, token_bound
from app.domain.generation import ChatMessage, Role

REST = st.lists(
    st.builds(ChatMessage, st.sampled_from([Role.USER, Role.ASSISTANT]), st.text(max_size=200)),
    min_size=1,
    max_size=30,
)
SYSTEM = st.none() | st.builds(ChatMessage, st.just(Role.SYSTEM), st.text(max_size=200))


def count(messages):
    """A tokenizer that takes a quarter of the bytes."""
    return sum(5 + len(m.content.encode()) // 4 for m in messages)


def turns(rest):
    """`rest` cut where a person's message begins; what stands before the first goes with it."""
    starts = [i for i, m in enumerate(rest) if m.role is Role.USER]
    starts = [0, *starts[1:], len(rest)] if starts else [0, len(rest)]
    return [rest[a:b] for a, b in pairwise(starts)]


@given(SYSTEM, REST, st.integers(-10, 3000))
def test_the_most_whole_turns_that_fit(system, rest, budget):
    head = [system] if system else []
    fitted = fit([*head, *rest], budget, count)
    pieces = turns(rest)
    kept = next(
        pieces[i:]
        for i in range(len(pieces))
        if i == len(pieces) - 1 or count([*head, *chain(*pieces[i:])]) <= budget
    )
    assert list(fitted.messages) == [*head, *chain(*kept)]
    assert fitted.left_out == len(rest) - sum(map(len, kept))


@given(SYSTEM, REST, st.integers(0, 20_000))
def test_counts_are_asked_for_seldom(system, rest, budget):
    asked = []

    def counting(messages):
        asked.append(len(messages))
        return count(messages)

    messages = [*([system] if system else []), *rest]
    fit(messages, budget, counting)
    assert len(asked) <= len(turns(rest)).bit_length()
    if token_bound(messages) <= budget:
        assert asked == []


@given(SYSTEM, REST)
def test_the_bound_is_one(system, rest):
    messages = [*([system] if system else []), *rest]
    assert token_bound(messages) >= count(messages)
    assert token_bound(messages) >= len(messages) * TEMPLATE_BYTES


def test_only_a_system_prompt():
    system = [ChatMessage(Role.SYSTEM, "x" * 1000)]
    assert fit(system, 10, count).messages == tuple(system)
    assert fit([], 10, count).messages == ()
