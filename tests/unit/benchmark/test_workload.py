from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmark.entrant import Needs
from app.benchmark.workload import (
    CHAT,
    LARGEST_BATCH,
    PRESETS,
    QUICK,
    SHAPES,
    STANDARD,
    SUMMARISE,
    THOROUGH,
    WRITE,
    at_depth,
    needs,
    parse_batches,
    parse_shapes,
    unfit,
)
from app.domain.speed_test import Case, EngineFacts, Shape, Workload

CHAT_4K = SHAPES["chat at 4k"]


def said(workload):
    return [(case.shape.name, case.batch) for case in workload.cases]


def test_the_standard_shapes():
    assert {name: (it.depth, it.prompt_tokens, it.output_tokens) for name, it in SHAPES.items()} == {
        "chat": (0, 128, 128),
        "chat at 4k": (4096, 128, 128),
        "chat at 16k": (16384, 128, 128),
        "summarise": (0, 1024, 128),
        "summarise at 4k": (4096, 1024, 128),
        "summarise at 16k": (16384, 1024, 128),
        "write": (0, 32, 512),
        "write at 4k": (4096, 32, 512),
        "write at 16k": (16384, 32, 512),
    }
    assert all(shape.name == name for name, shape in SHAPES.items())
    assert at_depth(WRITE, 5000) == Shape("write at 5,000", 32, 512, 5000)


def test_what_the_ready_workloads_ask():
    assert said(QUICK) == [("chat", 1), ("chat", 4)]
    assert said(STANDARD) == [("chat", 1), ("summarise", 1), ("write", 1), ("chat", 8), ("chat", 32)]
    assert said(THOROUGH) == [
        ("chat", 1), ("summarise", 1), ("write", 1), ("chat at 4k", 1), ("chat at 16k", 1),
        ("chat", 32), ("summarise", 32), ("write", 32),
        ("chat", 128), ("summarise", 128), ("write", 128),
    ]  # fmt: skip


@pytest.mark.parametrize("workload", PRESETS.values(), ids=PRESETS)
def test_each_ready_workload_has_an_end_and_enough_repetitions_for_a_spread(workload):
    assert workload.budget_s is not None
    assert workload.warmups >= 1
    assert workload.repetitions >= 3


def test_a_shape_that_is_done_alone_and_with_the_others_is_done_once():
    assert said(Workload((CHAT,), (4, 1), alone=(CHAT, WRITE))) == [("chat", 1), ("write", 1), ("chat", 4)]
    assert said(Workload((CHAT,), (8,), alone=(WRITE,))) == [("write", 1), ("chat", 8)]


@pytest.mark.parametrize(
    ("text", "batches"),
    [("1,8", (1, 8)), ("32, 1 ,8,1", (1, 8, 32)), ("256", (256,)), ("4,,", (4,)), ("08", (8,))],
)
def test_batches_are_read_in_order_and_once(text, batches):
    assert parse_batches(text) == batches


@pytest.mark.parametrize("text", ["0", "257", "-1", "1.5", "eight", "1 8", "²", "٣", "1,x", "9" * 5000])
def test_a_batch_that_is_none_is_named(text):
    with pytest.raises(
        ValueError, match=r"is no number of requests at once\. Give numbers from 1 to 256"
    ) as told:
        parse_batches(text)
    assert len(str(told.value)) < 200


@pytest.mark.parametrize("text", ["", " ", ","])
def test_nothing_is_neither_a_batch_nor_a_shape(text):
    with pytest.raises(ValueError, match="Say how many requests at once"):
        parse_batches(text)
    with pytest.raises(ValueError, match=r"No shape was named\. Known are chat, chat at 4k"):
        parse_shapes(text)


def test_shapes_are_read_by_name():
    assert parse_shapes("chat,write at 4k") == (CHAT, at_depth(WRITE, 4096))
    assert parse_shapes(" Write  at 4k ,CHAT, chat") == (at_depth(WRITE, 4096), CHAT)


def test_an_unknown_shape_is_named_beside_those_that_are_known():
    with pytest.raises(ValueError, match=r"There is no shape “chatt”\. Known are chat, chat at 4k, ") as told:
        parse_shapes("chat, chatt")
    assert "write at 16k" in str(told.value)


def test_a_load_needs_what_its_hungriest_case_takes():
    one, all_of_them = 128 + 128 + 64 + 8, 32 * 328
    assert needs(Workload((CHAT,), (1, 32))) == Needs(-(-all_of_them // 256) * 256, one, 32)
    assert needs(Workload((CHAT_4K,), (1,))) == Needs(4608, 4096 + 256 + 64 + 136, 1)
    assert needs(STANDARD).parallel == 32
    assert needs(STANDARD).longest_request > SUMMARISE.context_tokens


workloads = st.builds(
    Workload,
    st.lists(st.sampled_from(list(SHAPES.values())), min_size=1, unique=True).map(tuple),
    st.lists(st.integers(1, LARGEST_BATCH), min_size=1, unique=True).map(tuple),
    alone=st.lists(st.sampled_from(list(SHAPES.values()))).map(tuple),
)


@given(workloads)
def test_what_was_needed_is_enough_for_every_case(workload):
    needed = needs(workload)
    facts = EngineFacts(
        context_length=needed.context_length,
        request_context=needed.longest_request,
        parallel=needed.parallel,
    )
    assert [unfit(case, facts) for case in workload.cases] == [None] * len(workload.cases)
    assert needed.context_length >= max(it.batch * it.shape.context_tokens for it in workload.cases)


@pytest.mark.parametrize(
    ("case", "facts", "reason"),
    [
        (
            Case(CHAT, 32),
            EngineFacts(parallel=8),
            "It was loaded for 8 at once; 32 would have waited for each other.",
        ),
        (
            Case(CHAT_4K, 1),
            EngineFacts(context_length=8192, request_context=2048),
            "A request takes 4,552 tokens of context; this model has 2,048.",
        ),
        (
            Case(CHAT_4K, 1),
            EngineFacts(context_length=4096),
            "A request takes 4,608 tokens of context; it was loaded with 4,096.",
        ),
        (
            Case(CHAT, 32),
            EngineFacts(context_length=4096, parallel=32),
            "32 at once take 10,496 tokens of context; it was loaded with 4,096.",
        ),
    ],
)
def test_what_does_not_fit_is_said(case, facts, reason):
    assert unfit(case, facts) == reason
    assert unfit(case, replace(facts, parallel=None, context_length=None, request_context=None)) is None
