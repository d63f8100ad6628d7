import re
import zlib
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.benchmark.prompts import TEXT, Prompts, words_of
from app.benchmark.workload import CHAT, SHAPES, SUMMARISE, WRITE
from app.domain.errors import EngineGone, RequestRefused
from app.domain.generation import Role
from app.domain.speed_test import Shape


class Tokenizer:
    """Counts as vocabularies do: frequent words are a token, the others a few, a template stands around."""

    def __init__(self, *, template=9, default_system=0, system=True, frequent=1, rare=3):
        self.template, self.default_system, self.system = template, default_system, system
        self.frequent, self.rare = frequent, rare
        self.asked = 0

    def __call__(self, messages):
        self.asked += 1
        if messages[0].role is Role.SYSTEM:
            if not self.system:
                raise RequestRefused("System role not supported", status=400)
            return (
                self.template
                + sum(4 + self.words(it.content) for it in messages[:-1])
                + self.words(messages[-1].content)
            )
        return self.template + self.default_system + self.words(messages[-1].content)

    def words(self, text):
        # Of a word the same always, as in a real vocabulary.
        return sum(
            self.frequent if len(word) < 5 else self.frequent + zlib.crc32(word.encode()) % self.rare
            for word in re.findall(r"\w+|[^\w\s]", text)
        )


def cannot_count(messages):
    return None


def lengths(tokenizer, prompts):
    return [tokenizer(messages) for messages in prompts]


def beginnings(prompts):
    return [" ".join(messages[-1].content.split()[:4]) for messages in prompts]


def test_the_text_is_ours_and_varied():
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    assert 1500 <= sum(len(line.split()) for line in lines) <= 2500
    assert len(set(lines)) == len(lines)
    assert all(re.fullmatch(r"[A-Z][\x20-\x7e]{30,}[.]", line) for line in lines)
    assert len({line.split()[0] for line in lines}) > len(lines) / 3


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_prompts_are_as_long_as_was_asked(shape):
    tokenizer = Tokenizer(default_system=20)
    prompts = Prompts(tokenizer, 0).make(shape, 8)
    assert tokenizer.asked <= 4 + 8 * 4
    assert lengths(tokenizer, prompts) == [shape.depth + shape.prompt_tokens] * 8


@given(st.integers(0, 2**63), st.integers(24, 3000), st.integers(0, 8), st.integers(1, 2), st.integers(1, 5))
@example(0, 24, 8, 2, 5)
def test_lengths_hold_with_any_vocabulary(seed, tokens, template, frequent, rare):
    tokenizer = Tokenizer(template=template, frequent=frequent, rare=rare)
    made = Prompts(tokenizer, seed).make(Shape("any", tokens, 16), 3)
    shortest = min(
        lengths(tokenizer, Prompts(tokenizer, seed + number).make(Shape("none", 0, 16), 1))[0]
        for number in range(3)
    )
    if tokens > shortest + 20:
        assert all(abs(length - tokens) <= 2 for length in lengths(tokenizer, made))
    assert tokenizer.asked < 4 * (4 + 3 * 8) + 3


def test_no_prompt_comes_twice_and_none_begins_like_another():
    prompts = Prompts(Tokenizer(), 0)
    made = [it for _ in range(6) for batch in (1, 32, 128) for it in prompts.make(CHAT, batch)]
    made += [it for _ in range(6) for batch in (1, 32, 128) for it in prompts.make(SUMMARISE, batch)]
    assert len(set(made)) == len(made) == 12 * 161
    assert len(set(beginnings(made))) == len(made)
    bodies = [" ".join(messages[-1].content.split()[4:12]) for messages in made[:161]]
    assert len(set(bodies)) > 60, "the text goes on differently, too"


def test_every_engine_is_asked_the_same_whatever_it_left_out():
    one, other, third = (Prompts(Tokenizer(), seed) for seed in (5, 5, 6))
    one.make(SUMMARISE, 4)
    one.make(CHAT, 1)
    assert [one.make(CHAT, 4), one.make(CHAT, 4)] == [other.make(CHAT, 4), other.make(CHAT, 4)]
    assert not set(beginnings(other.make(CHAT, 8))) & set(beginnings(third.make(CHAT, 8)))


def test_a_deep_prompt_is_made_of_shuffled_sentences():
    (messages,) = Prompts(Tokenizer(), 0).make(SHAPES["chat at 16k"], 1)
    text = messages[-1].content
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    assert all(text.count(line) >= 3 for line in lines)
    in_order = [f"{line} {after}" for line, after in pairwise(lines)]
    assert sum(text.count(it) for it in in_order) < 20


def test_a_prompt_asks_for_something_long():
    for shape in (CHAT, WRITE):
        (messages,) = Prompts(Tokenizer(), 0).make(shape, 1)
        assert "Write a long story" in messages[-1].content
        assert messages[-1].role is Role.USER


def test_a_long_system_message_of_the_template_is_replaced_by_a_short_one():
    tokenizer = Tokenizer(default_system=30)
    (messages,) = Prompts(tokenizer, 0).make(WRITE, 1)
    assert [it.role for it in messages] == [Role.SYSTEM, Role.USER]
    assert tokenizer(messages) == 32
    (messages,) = Prompts(Tokenizer(), 0).make(WRITE, 1)
    assert [it.role for it in messages] == [Role.USER]


def test_a_template_without_system_messages_is_asked_for_none():
    tokenizer = Tokenizer(default_system=30, system=False)
    (messages,) = Prompts(tokenizer, 0).make(CHAT, 1)
    assert [it.role for it in messages] == [Role.USER]
    assert tokenizer(messages) == 128


def test_a_template_longer_than_the_prompt_gives_the_shortest_there_is():
    tokenizer = Tokenizer(template=60)
    prompts = Prompts(tokenizer, 0)
    made = prompts.make(WRITE, 4)
    assert len(set(beginnings(made))) == 4
    assert all(length < 75 for length in lengths(tokenizer, made))
    assert tokenizer.asked < 4 + 4 * 8 + 4


def test_prompts_that_cannot_be_so_short_are_refused_and_others_not():
    prompts = Prompts(Tokenizer(template=60), 0)
    refused = prompts.refusal(WRITE)
    assert refused is not None
    assert re.fullmatch(
        "Prompts of 32 tokens cannot be made:"
        " with this model’s chat template the shortest takes [67][0-9][.]",
        refused,
    )
    assert [prompts.refusal(shape) for shape in (CHAT, SUMMARISE, SHAPES["write at 4k"])] == [None] * 3
    assert Prompts(Tokenizer(), 0).refusal(WRITE) is None
    assert Prompts(cannot_count, 0).refusal(Shape("tiny", 1, 1)) is None


def test_without_counting_lengths_are_estimated_and_get_better():
    tokenizer = Tokenizer(template=40, rare=2)
    prompts = Prompts(cannot_count, 0)
    off = []
    for shape in (CHAT, CHAT, SUMMARISE, SUMMARISE, CHAT):
        (messages,) = prompts.make(shape, 1)
        counted = tokenizer(messages)
        off.append(abs(counted - shape.prompt_tokens) / shape.prompt_tokens)
        prompts.learn(words_of(messages), counted)
    assert off[0] > 0.1, "else there is nothing to learn"
    assert off[1] < off[0] / 2
    assert max(off[3:]) < 0.05


@pytest.mark.parametrize(("words", "tokens"), [(0, 10), (100, 0), (100, 3), (-5, 4)])
def test_what_cannot_be_is_not_learnt(words, tokens):
    prompts, untaught = (Prompts(cannot_count, 0) for _ in range(2))
    prompts.learn(words, tokens)
    assert prompts.make(CHAT, 2) == untaught.make(CHAT, 2)


def test_the_shortest_estimated_prompt_still_begins_differently():
    made = Prompts(cannot_count, 0).make(Shape("tiny", 4, 8), 4)
    assert len(set(beginnings(made))) == 4


def test_a_count_that_fails_once_leaves_an_estimate():
    tokenizer = Tokenizer()
    answers = iter([True] * 4 + [False])
    (messages,) = Prompts(lambda it: tokenizer(it) if next(answers) else None, 0).make(CHAT, 1)
    assert abs(tokenizer(messages) - 128) < 20


def test_an_engine_that_is_gone_is_told():
    def count(messages):
        raise EngineGone("It ended.")

    with pytest.raises(EngineGone):
        Prompts(count, 0).make(CHAT, 1)
