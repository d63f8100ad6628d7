import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engines.sse import MAX_EVENT_BYTES, EventTooLong, SseDecoder

LINES = st.lists(
    st.sampled_from(
        [
            b"",
            b"",
            b": keep-alive",
            b"data",
            b"data:",
            b"data: ",
            b"event: x",
            b"id: 7",
            b"retry: 1",
            b"\xff\xfe",
        ]
    )
    | st.text(max_size=20).map(lambda t: b"data: " + t.encode().replace(b"\r", b"").replace(b"\n", b"")),
    max_size=30,
)
ENDS = st.sampled_from([b"\n", b"\r\n"])


def decode(*chunks):
    decoder = SseDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data:a\n\n", ["a"]),
        (b"data:  a \n\n", [" a "]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data: a\r\n\r\n", ["a"]),
        (b": comment\n\n\n\ndata: a\nid: 5\nevent: x\n\n", ["a"]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"data:\n\n", [""]),
        (b"data\n\nunknown: 1\n\n", []),
        ("data: Zoë 家 🦊\n\n".encode(), ["Zoë 家 🦊"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"", []),
    ],
)
def test_events(stream, events):
    assert decode(stream) == events


@given(LINES, ENDS, st.data())
def test_any_cutting_gives_the_same_events(lines, end, data):
    stream = end.join([*lines, b"data: last", b"", b""])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = decode(stream)
    assert decode(*pieces) == whole
    assert decode(*(bytes([byte]) for byte in stream)) == whole
    assert whole[-1].endswith("last")


@given(
    st.lists(
        st.text("ab\r\n: é", max_size=6).map(lambda text: f"data: {text}\n\n".encode())
        | st.sampled_from([b"data: a\n", b"\n", b"data: b", b"data: c\r\n\n", b"data: d\n\r\n"]),
        max_size=6,
    )
)
def test_a_chunk_that_is_just_one_event_is_nothing_else(chunks):
    assert decode(*chunks) == decode(*(bytes([byte]) for byte in b"".join(chunks)))


@given(st.binary())
def test_garbage_is_no_error(stream):
    assert all(isinstance(event, str) for event in decode(stream))


def feed_all(decoder, chunks):
    """Feed until it refuses; the sum of what it took."""
    fed = 0
    try:
        for chunk in chunks:
            list(decoder.feed(chunk))
            fed += len(chunk)
    except EventTooLong:
        return fed
    raise AssertionError(f"{fed} bytes were taken")


@pytest.mark.parametrize("prefix", [b"", b"data: ", b": "])
def test_a_line_without_end_is_refused_before_it_fills_the_memory(prefix):
    decoder = SseDecoder()
    list(decoder.feed(prefix))
    assert feed_all(decoder, [b"x" * 2**20] * 20) <= MAX_EVENT_BYTES


@pytest.mark.parametrize("line", [b"data: " + b"x" * 1000 + b"\n", b"data:" + b"\n"])
def test_an_event_of_endless_lines_is_refused(line):
    chunk = line * (60_000 // len(line))
    assert feed_all(SseDecoder(), [chunk] * (7 * MAX_EVENT_BYTES // len(chunk))) < 7 * MAX_EVENT_BYTES


def test_the_largest_event_passes_in_small_pieces():
    stream = b"data: " + b"x" * (MAX_EVENT_BYTES - 100) + b"\n\n"
    (event,) = decode(*(stream[i : i + 65536] for i in range(0, len(stream), 65536)))
    assert len(event) == MAX_EVENT_BYTES - 100
