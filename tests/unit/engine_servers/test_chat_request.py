from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import PARAMETERS, ChatMessage, ChatRequest, Role, SamplingParams
from app.engine_servers.chat_request import (
    BadRequest,
    read_json,
    read_messages,
    read_prompt,
    read_request,
)
from app.engine_servers.sampling import Sampling
from app.engines.openai_client import Address, OpenAIClient
from app.engines.transformers import Transformers


def test_nothing_said_is_the_apis_own_defaults():
    request = read_request({})
    assert request.sampling == Sampling(temperature=1.0, top_p=1.0)
    assert (request.stop, request.stream, request.include_usage) == ((), False, False)
    assert request.cached


def test_what_our_client_sends_is_understood():
    client = OpenAIClient(Address("127.0.0.1", 1, "key"), Transformers.dialect)
    params = SamplingParams(0.0, 0.9, 30, 0.02, 1.1, 77, 5)
    chat = ChatRequest([ChatMessage(Role.USER, "Hi")], params, ignore_eos=True, uncached=True)
    body = read_json(json.dumps(client._body(chat)).encode())
    assert read_request(body).sampling == Sampling(0.0, 0.9, 30, 0.02, 1.1, 77, True, 5)
    assert read_request(body).stream
    assert read_request(body).include_usage
    assert not read_request(body).cached
    assert read_messages(body) == [{"role": "user", "content": "Hi"}]


def test_every_value_a_person_can_choose_is_taken():
    names = Transformers.dialect.parameters
    for parameter in PARAMETERS:
        for value in (parameter.minimum, parameter.maximum):
            read_request({names[parameter.name]: int(value) if parameter.whole else value})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_k": 2.5}, "top_k"),
        ({"min_p": -0.1}, "min_p"),
        ({"repeat_penalty": 0}, "repeat_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"seed": "x"}, "seed"),
        ({"seed": 1 << 64}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"ignore_eos": 1}, "ignore_eos"),
        ({"stop": 5}, "stop"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"stop": ["a" * 1001]}, "stop"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "include_usage"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": "text"}, "response_format"),
    ],
)
def test_what_cannot_be_done_is_named(body, name):
    with pytest.raises(BadRequest, match=f"^{name}: "):
        read_request(body)


def test_longest_reply_by_either_name():
    assert read_request({"max_tokens": 5}).sampling.max_tokens == 5
    assert read_request({"max_completion_tokens": 6}).sampling.max_tokens == 6


def test_values_that_mean_nothing_of_the_kind():
    assert read_request({"top_k": -1, "seed": -1}).sampling == Sampling()


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "Hi",
        [None],
        [{"role": "pirate", "content": "Arr"}],
        [{"role": "user"}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
    ],
)
def test_messages_that_are_none(messages):
    with pytest.raises(BadRequest, match=r"^messages: "):
        read_messages({"messages": messages})


def test_text_in_parts():
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]
    message = {"role": "user", "content": parts, "name": "Zoë"}
    assert read_messages({"messages": [message]}) == [{"role": "user", "content": "One\ntwo"}]


def test_prompts():
    assert read_prompt({"prompt": "Once"}) == "Once"
    assert read_prompt({"prompt": [1, 2]}) == [1, 2]
    for prompt in (None, [], [1, "x"], [-1], [True], 5):
        with pytest.raises(BadRequest, match=r"^prompt: "):
            read_prompt({"prompt": prompt})


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_request(data):
    with pytest.raises(BadRequest, match=r"^The request is not"):
        read_json(data)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "messages",
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_anything_is_understood_or_refused(body):
    for read in (read_request, read_messages, read_prompt):
        with suppress(BadRequest):
            read(body)
