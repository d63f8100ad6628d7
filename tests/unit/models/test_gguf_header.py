import random
import struct
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import ModelFileError
from app.models.gguf_header import (
    KEPT_ARRAY,
    MAX_ARRAY_DEPTH,
    MAX_TEXTS,
    SkippedArray,
    Tensor,
    check_complete,
    read_header,
    read_header_from,
)
from tests.unit.models.gguf_writer import (
    ARRAY,
    BOOL,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    STRING,
    U8,
    U16,
    U32,
    U64,
    Array,
    GgufWriter,
    llama,
)  # fmt: skip

MEBIBYTE = 2**20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "Modell 家 ü.gguf"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """One file that hypothesis writes again and again."""
    return tmp_path_factory.mktemp("mutated") / "model.gguf"


def read(path, content):
    path.write_bytes(content)
    return read_header(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_in_both_byte_orders(path, version, order):
    content = llama(GgufWriter(version, order)).header()
    header = read(path, content)
    assert header.version == version
    assert header.architecture == "llama"
    assert header.metadata["general.name"] == "Zoë 家"
    assert header.integer("block_count") == 4
    assert header.integer("missing") is None
    assert header.integer("rope.freq_base") is None
    assert header.integer("flag") is None
    assert header.metadata["tokenizer.ggml.tokens"] == SkippedArray(3)
    assert header.metadata["tokenizer.ggml.scores"] == (0.0, 0.5, 1.0)
    assert header.tensors == (
        Tensor("token_embd.weight", (512, 3), 0, 0, 6144),
        Tensor("output.weight", (512, 3), 3, 6144, 960),
    )
    assert header.tensor_bytes == 7104
    assert header.data_offset == -(-len(content) // 32) * 32
    assert header.file_size == header.data_offset + 7104


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (U8, 255), (I8, -128), (U16, 65535), (I16, -32768), (U32, 2**32 - 1), (I32, -(2**31)), (F32, 0.5),
        (BOOL, True), (U64, 2**64 - 1), (I64, -(2**63)), (F64, 0.1), (STRING, ""), (STRING, "a\0b"),
    ],
)  # fmt: skip
def test_every_scalar(path, kind, value):
    header = read(path, GgufWriter().add("x.key", kind, value).header())
    assert header.metadata["x.key"] == value


@pytest.mark.parametrize("length", [0, 1, KEPT_ARRAY, KEPT_ARRAY + 1, 300_000])
def test_long_arrays_are_only_counted(path, length):
    array = Array(I32, tuple(range(length)))
    header = read(path, GgufWriter().add("x", ARRAY, array).add("after", U8, 7).header())
    assert header.metadata["x"] == (array.items if length <= KEPT_ARRAY else SkippedArray(length))
    assert header.metadata["after"] == 7


@pytest.mark.parametrize("key", ["general.languages", "general.tags"])
def test_a_few_texts_are_kept_for_people(path, key):
    few = Array(STRING, ("de", "家", ""))
    many = Array(STRING, ("x",) * (MAX_TEXTS + 1))
    assert read(path, GgufWriter().add(key, ARRAY, few).header()).metadata[key] == few.items
    assert read(path, GgufWriter().add(key, ARRAY, many).header()).metadata[key] == SkippedArray(
        MAX_TEXTS + 1
    )
    inner = GgufWriter().add(key, ARRAY, Array(ARRAY, (few,))).header()
    assert read(path, inner).metadata[key] == SkippedArray(1)
    with pytest.raises(ModelFileError, match="damaged"):
        read(path, GgufWriter().add(key, ARRAY, Array(STRING, ("de",), length=200)).header())


def test_arrays_in_arrays_are_walked_and_counted(path):
    inner = Array(ARRAY, (Array(STRING, ("a", "")), Array(I32, (1, 2))))
    header = read(path, GgufWriter().add("x", ARRAY, inner).add("after", U8, 7).header())
    assert header.metadata == {"x": SkippedArray(2), "after": 7}


def nested(depth):
    array = Array(U8, (1,))
    for _ in range(depth - 1):
        array = Array(ARRAY, (array,))
    return GgufWriter().add("x", ARRAY, array).header()


def test_nesting_has_an_end(path):
    read(path, nested(MAX_ARRAY_DEPTH))
    for depth in (MAX_ARRAY_DEPTH + 1, 200):
        with pytest.raises(ModelFileError, match="nested too deep"):
            read(path, nested(depth))


def test_values_for_each_layer(path):
    header = read(
        path,
        GgufWriter()
        .add("general.architecture", STRING, "x")
        .add("x.one", U32, 3)
        .add("x.each", ARRAY, Array(I32, (1, 2, 3)))
        .add("x.floats", ARRAY, Array(F32, (1.0, 2.0, 3.0)))
        .add("x.text", STRING, "3")
        .header(),
    )
    assert header.integers("one", 3) == (3, 3, 3)
    assert header.integers("each", 2) == (1, 2)
    assert header.integers("each", 4) is None
    assert header.integers("floats", 2) is None
    assert header.integers("text", 1) is None
    assert header.integers("missing", 1) is None


def test_alignment(path):
    content = GgufWriter().add("general.alignment", U32, 4096).tensor("t", (4,), 0, 0).header()
    assert read(path, content).data_offset == 4096


@pytest.mark.parametrize("alignment", [0, 3, 2**30])
def test_an_impossible_alignment(path, alignment):
    with pytest.raises(ModelFileError, match="alignment"):
        read(path, GgufWriter().add("general.alignment", U32, alignment).header())


def test_a_tensor_of_an_unknown_type_has_no_size(path):
    header = read(path, GgufWriter().tensor("t", (4,), 999, 0).header())
    assert header.tensors[0].size is None
    assert header.tensor_bytes == 0


def entry(key, kind, rest=b""):
    return struct.pack("<Q", len(key)) + key + struct.pack("<I", kind) + rest


HUGE = 2**63


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a GGUF model file"),
        (b"GGU", "is not a GGUF model file"),
        (b"PK\x03\x04" + b"\0" * 100, "is not a GGUF model file"),
        (b"GGUF", "ends in the middle"),
        (b"GGUF" + struct.pack("<I", 0), "version 0"),
        (b"GGUF" + struct.pack("<I", 4), "version 4"),
        (b"GGUF" + struct.pack("<I", 2**32 - 1), "version 4294967295"),
        (llama().header(tensors=HUGE), f"claims {HUGE} tensors"),
        (llama().header(tensors=10_000), "claims 10000 tensors"),
        (llama().header(metadata=HUGE), f"claims {HUGE} metadata"),
        (llama().header(metadata=70), "damaged"),
        (GgufWriter().add_raw(struct.pack("<Q", HUGE)).header(), "claims a text of"),
        (GgufWriter().add_raw(struct.pack("<Q", 60_000)).header(), "ends in the middle"),
        (GgufWriter().add_raw(entry(b"k", 99)).header(), "value type 99"),
        (GgufWriter().add_raw(entry(b"k", STRING, struct.pack("<Q", HUGE))).header(), "claims a text of"),
        (GgufWriter().add("k", ARRAY, Array(U8, (), HUGE)).header(), "ends in the middle"),
        (GgufWriter().add("k", ARRAY, Array(U64, (), 100)).header(), "ends in the middle"),
        (GgufWriter().add("k", ARRAY, Array(STRING, (), HUGE)).header(), f"array of {HUGE} texts"),
        (GgufWriter().add("k", ARRAY, Array(STRING, ("abc",) * 3, 4)).header(), "damaged"),
        (GgufWriter().add("k", ARRAY, Array(ARRAY, (), HUGE)).header(), f"array of {HUGE} arrays"),
        (GgufWriter().add("k", ARRAY, Array(77, (), 1)).header(), "value type 77"),
        (GgufWriter().tensor("t", (), 0, 0).header(), "0 dimensions"),
        (GgufWriter().tensor("t", (1,) * 9, 0, 0).header(), "9 dimensions"),
        (GgufWriter().tensor("t", (2**40, 2**40), 0, 0).header(), "impossible size"),
        (GgufWriter().tensor("t", (HUGE, 0), 0, 0).header(), "impossible size"),
        (GgufWriter().tensor("t", (1,), 0, HUGE).header(), "impossible size"),
        (GgufWriter().tensor("n" * 2000, (1,), 0, 0).header(), "claims a text of"),
    ],
)  # fmt: skip
def test_damage_is_told(path, content, reason):
    with pytest.raises(ModelFileError, match=reason) as caught:
        read(path, content)
    assert path.name in caught.value.message
    assert caught.value.detail


def test_cut_anywhere(path):
    content = llama().header()
    for size in range(len(content)):
        with pytest.raises(ModelFileError):
            read(path, content[:size])


def test_no_file_a_folder_and_one_that_may_not_be_read(tmp_path, monkeypatch):
    with pytest.raises(ModelFileError, match=r"the file gone\.gguf is not there"):
        read_header(tmp_path / "gone.gguf")
    with pytest.raises(ModelFileError, match="is a folder"):
        read_header(tmp_path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(ModelFileError, match=r"cannot be read \(Permission denied\)"):
        read_header(tmp_path / "secret.gguf")


def test_a_file_that_ends_early(path):
    content = llama().header()
    header = read(path, content)
    path.write_bytes(content.ljust(header.file_size, b"\0"))
    check_complete(path, header)
    path.write_bytes(content.ljust(header.file_size - 1, b"\0"))
    with pytest.raises(ModelFileError, match="ends early"):
        check_complete(path, header)


def test_the_real_model(starter_model):
    header = read_header(starter_model)
    check_complete(starter_model, header)
    assert header.architecture == "llama"
    assert header.integer("context_length") == 8192
    assert header.file_size == starter_model.stat().st_size
    assert len(header.tensors) == 272


SEED = llama().add("x.nested", ARRAY, Array(ARRAY, (Array(U8, (1, 2)), Array(STRING, ("a",))))).header()
MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, len(SEED) - 1),
        st.sampled_from([b"\xff", b"\0", b"\xff" * 8, b"\0" * 8, b"\x08\0\0\0", b"\x09\0\0\0", b"\0\0\0\x80"])
        | st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=6,
)


def survives(path, content):
    """Reading gives a header or a ModelFileError, in little time and memory."""
    path.write_bytes(content)
    tracemalloc.start()
    began = time.process_time()
    try:
        with suppress(ModelFileError):
            read_header(path)
    finally:
        took = time.process_time() - began
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert took < 1.0
    assert peak < 4 * MEBIBYTE


@given(MUTATIONS)
def test_mutated_headers_raise_nothing_else(scratch, mutations):
    content = bytearray(SEED)
    for at, piece in mutations:
        content[at : at + len(piece)] = piece
    survives(scratch, bytes(content))


@given(st.binary(max_size=300), st.sampled_from([b"GGUF\3\0\0\0", b"GGUF\1\0\0\0", b"GGUF\0\0\0\2"]))
def test_random_headers_raise_nothing_else(scratch, rest, start):
    survives(scratch, start + rest)


def test_random_bytes_in_bulk(scratch):
    numbers = random.Random(4)
    for _ in range(50):
        content = bytearray(SEED + numbers.randbytes(20_000))
        for _ in range(20):
            content[numbers.randrange(8, len(SEED))] = numbers.randrange(256)
        survives(scratch, bytes(content))


def sparse(path, start, size):
    """A file that begins with `start` and goes on with zeros up to `size`, without taking the disk."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (Array(STRING, (), 60_000_000), "60000000 texts"),
        (Array(ARRAY, (), 1_000_000), "1000000 arrays"),
    ],
    ids=["texts", "arrays"],
)
def test_claims_that_would_take_minutes(path, array, what):
    """Zeros cost nothing to send, and a gigabyte of them reads as millions of empty things."""
    sparse(path, GgufWriter().add("k", ARRAY, array).header(), 1 << 30)
    began = time.process_time()
    with pytest.raises(ModelFileError, match=what):
        read_header(path)
    assert time.process_time() - began < 15.0


def test_many_arrays_do_not_fill_the_memory(path):
    writer = GgufWriter()
    entry_bytes = writer.value(ARRAY, Array(I64, tuple(range(1 << 40, (1 << 40) + KEPT_ARRAY))))
    for number in range(1200):
        writer.add_raw(writer.text(f"k{number}") + struct.pack("<I", ARRAY) + entry_bytes)
    path.write_bytes(writer.header())
    with pytest.raises(ModelFileError, match="too much"):
        read_header(path)


class Ranges:
    """Bytes as a server that answers to ranges would give them; remembers what it was asked for."""

    def __init__(self, content, *, at_most=1 << 30, surplus=b""):
        self.content = content
        self.size = len(content)
        self.asked: list[tuple[int, int]] = []
        self._at_most = at_most
        self._surplus = surplus

    def read(self, offset, length):
        self.asked.append((offset, length))
        return self.content[offset : offset + min(length, self._at_most)] + self._surplus


@pytest.mark.parametrize("chunk", [16, 100, 1 << 20])
@pytest.mark.parametrize("source", [{}, {"at_most": 7}, {"surplus": b"more than was asked for"}])
def test_a_source_gives_the_same_header(path, chunk, source):
    assert read_header_from(Ranges(SEED, **source), "x", chunk=chunk) == read(path, SEED)


def test_no_more_of_a_source_is_read_than_the_header_needs():
    long = GgufWriter().add("x", ARRAY, Array(F64, (0.0,) * 100_000)).add("after", U8, 7).header()
    source = Ranges(long + bytes(10 * MEBIBYTE))
    assert read_header_from(source, "x", chunk=4096).metadata["after"] == 7
    assert sum(length for _, length in source.asked) <= 3 * 4096, "a long array of numbers is skipped"
    assert all(offset + length <= source.size for offset, length in source.asked)


def test_a_source_that_ends_early_or_fails_is_told_like_a_file():
    for size in range(len(SEED)):
        with pytest.raises(ModelFileError):
            read_header_from(Ranges(SEED[:size]), "x")
    claimed = Ranges(SEED[:100])
    claimed.size = len(SEED)
    with pytest.raises(ModelFileError, match="ends in the middle"):
        read_header_from(claimed, "x")

    class Cut(Ranges):
        def read(self, offset, length):
            raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(ModelFileError, match=r"remote\.gguf cannot be read \(Connection reset by peer\)"):
        read_header_from(Cut(SEED), "remote.gguf")
