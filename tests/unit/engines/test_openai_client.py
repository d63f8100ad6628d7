import json
import re
import threading
import time
from collections.abc import Generator

import pytest

from app.domain.errors import ContextOverflow, EngineGone, EngineTimeout, KeyRefused, RequestRefused
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    ReasoningDelta,
    Role,
    SamplingParams,
    ServerTimings,
    TextDelta,
    Usage,
)
from app.engines.openai_client import SALT, Address, Dialect, OpenAIClient
from app.engines.process import free_port
from tests.mock_engine import COUNT_PATH, DONE, USAGE, MockEngine, engine, event, finish, say, text

HELLO = [ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Hello, Zoë 🦊")]
CANCEL_LIMIT_S = 0.2


def ask(mock, cancellation=None, **timeouts):
    client = mock.client(**timeouts)
    return list(client.stream(ChatRequest(HELLO), cancellation or Cancellation()))


def said(events):
    return "".join(e.text for e in events if isinstance(e, TextDelta))


def test_a_plain_reply():
    timings = {"prompt_n": 7, "prompt_ms": 10.0, "predicted_n": 2, "predicted_ms": 20.5}
    with engine(say(text("Hel"), text("lo"), finish(usage=USAGE, timings=timings), DONE)) as mock:
        events = ask(mock)
    assert events == [
        TextDelta("Hel"),
        TextDelta("lo"),
        Finished(FinishReason.STOP, Usage(7, 2), ServerTimings(7, 10.0, 2, 20.5)),
    ]


def test_what_is_sent():
    params = SamplingParams(temperature=0.1, top_k=3, max_tokens=5, seed=None)
    with MockEngine() as mock:
        client = mock.client()
        list(client.stream(ChatRequest(HELLO, params, ignore_eos=True), Cancellation()))
    (request,) = mock.requests
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-type"] == "application/json"
    assert request.json == {
        "model": "mock",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello, Zoë 🦊"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.1,
        "top_p": 0.95,
        "top_k": 3,
        "min_p": 0.05,
        "repeat_penalty": 1.0,
        "max_tokens": 5,
        "ignore_eos": True,
    }


def test_a_dialect_sends_only_what_its_engine_knows():
    with MockEngine() as mock:
        dialect = Dialect(parameters={"repeat_penalty": "repetition_penalty"})
        client = OpenAIClient(Address("127.0.0.1", mock.port, "secret"), dialect)
        list(client.stream(ChatRequest(HELLO), Cancellation()))
    assert set(mock.requests[0].json) == {
        "model", "messages", "stream", "stream_options", "repetition_penalty",
    }  # fmt: skip


def test_a_request_that_is_not_to_be_cached_says_so_as_its_engine_wants():
    with MockEngine() as mock:
        dialect = Dialect(uncached={"cache_prompt": False, "cache_salt": SALT})
        client = OpenAIClient(Address("127.0.0.1", mock.port, "secret"), dialect)
        for uncached in (True, True, False):
            list(client.stream(ChatRequest(HELLO, uncached=uncached), Cancellation()))
    first, second, cached = (request.json for request in mock.requests)
    assert first["cache_prompt"] is second["cache_prompt"] is False
    assert len(first["cache_salt"]) == 32
    assert first["cache_salt"] != second["cache_salt"]
    assert not {"cache_prompt", "cache_salt"} & set(cached)


def test_the_key_is_in_no_repr():
    assert "secret" not in repr(Address("127.0.0.1", 1, "secret"))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_characters_and_lines_cut_anywhere(size):
    stream = (
        event(text("Zoë 家 🦊👩‍👩‍👧")) + b": comment\r\n\r\n" + event(finish()).replace(b"\n", b"\r\n") + DONE
    )

    def behave(exchange):
        exchange.start()
        for i in range(0, len(stream), size):
            exchange.send(stream[i : i + size])

    with engine(behave) as mock:
        events = ask(mock)
    assert said(events) == "Zoë 家 🦊👩‍👩‍👧"
    assert events[-1] == Finished(FinishReason.STOP)


def test_a_chunked_body():
    stream = event(text("one")) + event(text("two")) + event(finish()) + DONE

    def behave(exchange):
        exchange.start(200, "text/event-stream", "Transfer-Encoding: chunked")
        for byte in stream:
            exchange.send(b"1\r\n" + bytes([byte]) + b"\r\n")
        exchange.send(b"0\r\n\r\n")

    with engine(behave) as mock:
        assert said(ask(mock)) == "onetwo"


COUNTED = Finished(FinishReason.STOP, Usage(7, 2))


@pytest.mark.parametrize(
    ("stream", "finished"),
    [
        ([text("a"), finish(usage=USAGE), DONE], COUNTED),
        (
            [{"choices": [], "usage": USAGE}, text("a"), finish(), DONE],
            Finished(FinishReason.STOP, Usage(7, 2)),
        ),
        (
            [text("a"), finish(), {"choices": [], "usage": USAGE}, DONE],
            Finished(FinishReason.STOP, Usage(7, 2)),
        ),
        ([text("a"), finish(), {"choices": [], "usage": USAGE}], COUNTED),
        ([{**text("a"), "usage": None}, finish(usage=None), DONE], Finished(FinishReason.STOP)),
        ([text("a", finish="length"), DONE], Finished(FinishReason.LENGTH)),
        ([text("a"), finish("tool_calls"), DONE], Finished(FinishReason.STOP)),
        ([text("a"), DONE], Finished(FinishReason.STOP)),
        ([{**text("a"), "error": None}, finish(error=None), DONE], Finished(FinishReason.STOP)),
    ],
)
def test_how_replies_end(stream, finished):
    with engine(say(*stream)) as mock:
        assert ask(mock) == [TextDelta("a"), finished]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning(name):
    delta = {"choices": [{"delta": {name: "Hm.", "content": None}}]}
    with engine(say(delta, text("Yes."), finish(), DONE)) as mock:
        assert ask(mock)[:2] == [ReasoningDelta("Hm."), TextDelta("Yes.")]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": "text"},
        {"choices": [None, 5, [], "x"]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": []}]},
        {"choices": {"delta": {"content": "x"}}},
        text(None),
        text(5),
        text(["x"]),
        text({"text": "x"}),
        {"choices": [{"delta": {"content": "", "reasoning_content": 7}}]},
        {"usage": 5},
        {"usage": {"prompt_tokens": None, "completion_tokens": "2"}},
        {"usage": {"prompt_tokens": True, "completion_tokens": False}},
        {"usage": {"prompt_tokens": -1, "completion_tokens": 2}},
        {"usage": {"prompt_tokens": 10**40, "completion_tokens": 2}},
        {"usage": {"prompt_tokens": 1.5, "completion_tokens": 2}},
        {"timings": []},
        {"timings": {"prompt_n": 1, "prompt_ms": "x", "predicted_n": 2, "predicted_ms": 1}},
        {"timings": {"prompt_n": 1, "prompt_ms": 10**400, "predicted_n": 2, "predicted_ms": 1}},
        {"timings": {"prompt_n": float("inf"), "prompt_ms": 1, "predicted_n": 2, "predicted_ms": 1}},
        {"timings": {"prompt_n": 1, "prompt_ms": 1, "predicted_n": float("nan"), "predicted_ms": 1}},
        {"timings": {"prompt_n": -1, "prompt_ms": 1, "predicted_n": 1, "predicted_ms": -1}},
        {"timings": {"prompt_n": True, "prompt_ms": 1, "predicted_n": 1, "predicted_ms": 1}},
    ],
    ids=lambda odd: json.dumps(odd)[:70],
)
def test_fields_of_the_wrong_type_are_passed_over(odd):
    with engine(say(odd, text("still here"), finish(), DONE)) as mock:
        assert ask(mock) == [TextDelta("still here"), Finished(FinishReason.STOP)]


@pytest.mark.parametrize("reason", [5, {"why": "?"}, True, ["length"]])
def test_a_finish_reason_of_the_wrong_type_still_ends_a_reply(reason):
    with engine(say(text("a"), finish(reason), DONE)) as mock:
        assert ask(mock) == [TextDelta("a"), Finished(FinishReason.STOP)]


BROKE_OFF = "The engine broke off in the middle of its reply."


def hang_up(exchange):
    exchange.reset()


def hang_up_in_headers(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


def hang_up_in_reply(exchange):
    exchange.start()
    exchange.events(text("half"))


def reset_in_reply(exchange):
    exchange.start()
    exchange.events(text("half"))
    exchange.reset()


def hang_up_in_chunk(exchange):
    exchange.start(200, "text/event-stream", "Transfer-Encoding: chunked")
    exchange.send(b"ff\r\n" + event(text("half")))


def garbage_status(exchange):
    exchange.send(b"\x00\x01\x02 what\r\n\r\n")


def garbage_chunk_sizes(exchange):
    exchange.start(200, "text/event-stream", "Transfer-Encoding: chunked")
    exchange.send(b"zz\r\n" + event(text("half")))


def endless_header(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n")


@pytest.mark.parametrize(
    "behave",
    [
        hang_up, hang_up_in_headers, hang_up_in_reply, reset_in_reply, hang_up_in_chunk, garbage_status,
        garbage_chunk_sizes, endless_header, say(), say(b"<html>no stream</html>"), say(b'{"choices": []}'),
    ],
)  # fmt: skip
def test_a_broken_connection(behave):
    with engine(behave) as mock, pytest.raises(EngineGone, match=re.escape(BROKE_OFF)) as caught:
        ask(mock)
    assert not isinstance(caught.value, EngineTimeout)


def test_what_came_before_a_break_is_delivered():
    with engine(hang_up_in_reply) as mock:
        events = mock.client().stream(ChatRequest(HELLO), Cancellation())
        assert next(events) == TextDelta("half")
        with pytest.raises(EngineGone):
            next(events)


def test_a_break_after_the_reply_was_finished_is_none():
    def behave(exchange):
        exchange.start(200, "text/event-stream", "Transfer-Encoding: chunked")
        body = event(text("a")) + event(finish(usage=USAGE))
        exchange.send(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    with engine(behave) as mock:
        assert ask(mock) == [TextDelta("a"), Finished(FinishReason.STOP, Usage(7, 2))]


@pytest.mark.parametrize("data", ["not JSON", "{", "9" * 5000, "[" * 100_000, '{"a": 1}}'])
def test_events_that_are_not_json(data):
    with engine(say(data)) as mock, pytest.raises(EngineGone, match="is not JSON") as caught:
        ask(mock)
    assert caught.value.detail == data[:2000]


@pytest.mark.parametrize("data", ["5", "null", "[]", '"text"', "NaN"])
def test_json_that_is_no_object(data):
    with engine(say(data)) as mock, pytest.raises(EngineGone, match="is not a reply"):
        ask(mock)


def test_an_event_of_20_mb_without_end():
    def behave(exchange):
        exchange.start()
        exchange.send(b"data: ")
        for _ in range(20):
            exchange.send(b"x" * 2**20)
        exchange.hold()

    with engine(behave) as mock, pytest.raises(EngineGone, match="too long to be a reply"):
        ask(mock)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"code": 500, "message": "slot is on fire"}, "The engine refused the request: slot is on fire"),
        ("only words", "The engine refused the request: only words"),
        ({"message": None}, "The engine refused the request: "),
    ],
)
def test_an_error_inside_the_stream(error, sentence):
    with engine(say(text("half"), {"error": error})) as mock, pytest.raises(RequestRefused) as caught:
        ask(mock)
    assert caught.value.message.startswith(sentence)
    assert caught.value.status == 500
    assert caught.value.detail


OVERFLOW = {
    "error": {
        "code": 400,
        "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 5000,
        "n_ctx": 2048,
    }
}


def test_an_overflow_has_its_numbers():
    body = json.dumps(OVERFLOW).encode()
    with engine(lambda e: e.answer(400, body)) as mock, pytest.raises(ContextOverflow) as caught:
        ask(mock)
    assert "longer than the model's context" in caught.value.message
    assert (caught.value.prompt_tokens, caught.value.context_length) == (5000, 2048)


def test_an_overflow_as_others_say_it():
    body = b'{"error": {"message": "This model\'s maximum context length is 10 tokens", "code": 400}}'
    with engine(lambda e: e.answer(400, body)) as mock, pytest.raises(ContextOverflow) as caught:
        ask(mock)
    assert (caught.value.prompt_tokens, caught.value.context_length) == (None, None)


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (400, b'{"error": {"message": "no such parameter"}}', "refused the request: no such parameter"),
        (400, b'{"error": "plain"}', "refused the request: plain"),
        (400, b'{"detail": [{"msg": "field required"}]}', "field required"),
        (404, b"Not Found", "refused the request: Not Found"),
        (500, b"", "refused the request: 500"),
        (500, b"\x00\xff garbage", "refused the request: "),
        (500, b"[" * 100_000, "refused the request: ["),
        (503, b'{"error": {"message": {"nested": 1}}}', "nested"),
        (500, b'{"error": null}', "refused the request: "),
        (302, b"elsewhere", "refers to another address"),
        (400, b"x" * 3_000_000, "refused the request: xxx"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refusals(status, body, sentence):
    with engine(lambda e: e.answer(status, body)) as mock, pytest.raises(RequestRefused) as caught:
        ask(mock)
    assert type(caught.value) is RequestRefused
    assert caught.value.status == status
    assert sentence in caught.value.message
    assert len(caught.value.message) < 2100
    assert len(caught.value.detail) <= 20_000


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(status):
    with engine(lambda e: e.answer(status, b"\xff")) as mock, pytest.raises(KeyRefused) as caught:
        ask(mock)
    assert caught.value.message == "The engine refused the API key."


def test_nobody_listens():
    client = OpenAIClient(Address("127.0.0.1", free_port(), "secret"), Dialect(count_path=COUNT_PATH))
    with pytest.raises(EngineGone, match=r"The engine does not answer\. It may have stopped\."):
        list(client.stream(ChatRequest(HELLO), Cancellation()))
    with pytest.raises(EngineGone, match="does not answer"):
        client.count_prompt_tokens(HELLO)


def test_a_slow_first_byte_is_waited_for():
    def behave(exchange):
        exchange.pause(0.3)
        say(text("late"), finish(), DONE)(exchange)

    with engine(behave) as mock:
        assert said(ask(mock, first_byte_timeout_s=5, idle_timeout_s=0.1)) == "late"


def test_no_first_byte_in_time():
    with engine(lambda e: e.hold()) as mock, pytest.raises(EngineTimeout, match="sent nothing for too long"):
        ask(mock, first_byte_timeout_s=0.1)


def test_silence_in_the_middle():
    def behave(exchange):
        exchange.start()
        exchange.events(text("half"))
        exchange.hold()

    with engine(behave) as mock, pytest.raises(EngineTimeout, match="sent nothing for too long"):
        ask(mock, idle_timeout_s=0.1)


def test_pauses_shorter_than_the_limit_are_none():
    def behave(exchange):
        exchange.start()
        for _ in range(5):
            exchange.events(text("x"))
            exchange.pause(0.1)
        exchange.send(event(finish()) + DONE)

    with engine(behave) as mock:
        assert said(ask(mock, idle_timeout_s=0.3)) == "xxxxx"


def test_cancelled_before_it_began():
    cancellation = Cancellation()
    cancellation.cancel()
    with MockEngine() as mock:
        began = time.monotonic()
        assert ask(mock, cancellation) == [Finished(FinishReason.CANCELLED)]
        assert time.monotonic() - began < CANCEL_LIMIT_S


def test_cancelled_while_nobody_listens():
    cancellation = Cancellation()
    cancellation.cancel()
    client = OpenAIClient(Address("127.0.0.1", free_port(), "secret"), Dialect())
    assert list(client.stream(ChatRequest(HELLO), cancellation)) == [Finished(FinishReason.CANCELLED)]


def silent(exchange, reached):
    reached.set()


def silent_after_headers(exchange, reached):
    exchange.start()
    reached.set()


def silent_in_the_middle(exchange, reached):
    exchange.start()
    exchange.events(text("half"))
    exchange.send(b"data: {")
    reached.set()


@pytest.mark.parametrize("until", [silent, silent_after_headers, silent_in_the_middle])
def test_cancelled_while_waiting(until):
    """Both ends feel it within the limit: the caller has its answer, the engine an end to work for."""
    reached, hung_up_at = threading.Event(), []

    def behave(exchange):
        until(exchange, reached)
        hung_up_at.append(exchange.hold())

    cancellation, cancelled_at = Cancellation(), []

    def cancel():
        assert reached.wait(10)
        cancelled_at.append(time.monotonic())
        cancellation.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with engine(behave) as mock:
        events = ask(mock, cancellation)
        returned_at = time.monotonic()
        for exchange in mock._threads:
            exchange.join(5)
    thread.join()
    assert events[-1] == Finished(FinishReason.CANCELLED)
    assert returned_at - cancelled_at[0] < CANCEL_LIMIT_S
    assert hung_up_at[0] - cancelled_at[0] < CANCEL_LIMIT_S


def test_cancelled_while_a_fast_engine_writes():
    def behave(exchange):
        exchange.start()
        while True:
            exchange.send(event(text("x")) * 200)

    cancellation = Cancellation()
    with engine(behave) as mock:
        for count, _ in enumerate(mock.client().stream(ChatRequest(HELLO), cancellation)):
            if count == 1000:
                cancelled_at = time.monotonic()
                cancellation.cancel()
        assert time.monotonic() - cancelled_at < CANCEL_LIMIT_S


def test_an_abandoned_stream_hangs_up():
    hung_up = threading.Event()

    def behave(exchange):
        exchange.start()
        exchange.events(text("x"))
        exchange.hold()
        hung_up.set()

    with engine(behave) as mock:
        events = mock.client().stream(ChatRequest(HELLO), Cancellation())
        assert isinstance(events, Generator)
        next(events)
        events.close()
        assert hung_up.wait(5)


def test_counting():
    with MockEngine() as mock:
        mock.count = lambda exchange: exchange.answer(200, b'{"input_tokens": 12}')
        assert mock.client(count_path=COUNT_PATH).count_prompt_tokens(HELLO) == 12
        assert mock.client().count_prompt_tokens(HELLO) is None
        mock.count = lambda exchange: exchange.answer(200, b'{"count": 7, "tokens": [1, 2]}')
        assert mock.client(count_path=COUNT_PATH).count_prompt_tokens(HELLO) == 7, "as vLLM spells it"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"input_tokens": "12"}', b"[]", b"no JSON", b'{"input_tokens": null}']
)
def test_a_count_that_is_none(body):
    with MockEngine() as mock:
        mock.count = lambda exchange: exchange.answer(200, body)
        assert mock.client(count_path=COUNT_PATH).count_prompt_tokens(HELLO) is None


def test_a_count_refused_or_broken_off():
    with MockEngine() as mock:
        client = mock.client(count_path=COUNT_PATH)
        mock.count = lambda exchange: exchange.answer(500, b"no")
        with pytest.raises(RequestRefused, match="refused the request: no"):
            client.count_prompt_tokens(HELLO)
        mock.count = hang_up
        with pytest.raises(EngineGone, match="broke off"):
            client.count_prompt_tokens(HELLO)


def test_many_at_once_keep_their_replies_apart():
    def behave(exchange):
        say(text(exchange.json["messages"][0]["content"]), finish(), DONE)(exchange)

    with engine(behave) as mock:
        client, replies = mock.client(), {}

        def one(number):
            request = ChatRequest([ChatMessage(Role.USER, f"number {number}")])
            replies[number] = said(client.stream(request, Cancellation()))

        threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert replies == {n: f"number {n}" for n in range(8)}
