"""`python -m tests.fuzz.gguf_header [libFuzzer's options]`: coverage-guided fuzzing of the header parser.

Whatever the bytes are: only ModelFileError comes out, within a second and with memory in proportion to the
input. A header that is read is then described, weighed, forecast and recorded, which must never fail.

Without a folder named, what was found to be interesting is kept in .cache/fuzz/gguf_header and is where the
next run goes on; an input that breaks something is written beside it. libFuzzer's options are one-dashed:
`-max_total_time=60` (seconds), `-runs=100000`; or the name of a file to try again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["app"]):
    from app.domain.errors import ModelFileError
    from app.models.details import details_of, why_no_chat
    from app.models.footprint import (
        RunOptions,
        context_that_fits,
        forecast,
        kv_bytes_per_token,
        largest_context,
        tokens_per_second,
    )
    from app.models.gguf_header import (
        KEPT_ARRAY,
        MAX_ARRAY_DEPTH,
        GgufHeader,
        SkippedArray,
        read_header_from,
    )
    from app.models.header_record import header_from_record, header_to_record
    from app.models.weights import weigh

from tests import made_models
from tests.unit.models.gguf_writer import (
    ARRAY,
    BOOL,
    F32,
    F64,
    I32,
    STRING,
    U8,
    U32,
    U64,
    Array,
    GgufWriter,
    llama,
)

FOLDER = Path(".cache/fuzz/gguf_header")
LONGEST = 64 * 1024
"""Bytes of an input. Instrumented code is ten times slower, and what is longer only repeats itself."""
SECONDS = 1.0
"""Of the processor, for one input: others may be at work on the machine."""
KEPT_PER_BYTE = 64
"""Bytes of memory that may be kept for each of the input. A bool in a tuple takes 8; a tensor of some 600 is
written in 40."""
KEPT_AT_LEAST = 64 * 1024
GIB = 1 << 30
MADE = (
    made_models.qwen2_0_5b,
    made_models.gemma3_4b,
    made_models.deepseek_v2_lite,
    made_models.mamba2_1_3b,
    made_models.falcon_h1_1_5b,
    made_models.lfm2_1_2b,
    made_models.qwen3_next,
    made_models.gemma4_26b_a4b,
    made_models.gpt_oss_20b,
)
"""One of each way in which layers remember."""


class Bytes:
    """A `ByteSource` of what libFuzzer made."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def try_one(data: bytes) -> None:
    """What libFuzzer calls; anything raised is a finding."""
    begin = time.process_time()
    try:
        header = read_header_from(Bytes(data), "fuzzed.gguf", chunk=4096)
    except ModelFileError as error:
        header, message = None, error.message
        assert message.isprintable(), message
    if header is not None:
        kept = kept_bytes(header)
        assert kept <= KEPT_PER_BYTE * len(data) + KEPT_AT_LEAST, f"{kept} bytes kept of {len(data)}"
        use(header)
    seconds = time.process_time() - begin
    assert seconds <= SECONDS, f"it took {seconds:.1f} s"


def use(header: GgufHeader) -> None:
    """Everything that the app makes of a header."""
    details = details_of(header, "fuzzed-Q4_K_M", [header])
    for text in (details.title, details.architecture, details.quantization, details.licence):
        assert text.isprintable(), text
    why_no_chat(header)
    weighed = weigh(header)
    options = RunOptions(8192)
    for gpu_layers in (0, 3, 10_000):
        forecasted = forecast(weighed, options, gpu_layers=gpu_layers, projector=header)
        assert min(forecasted.host.total, forecasted.gpu.total) >= 0
    assert tokens_per_second(weighed, options, 1e10, filled=512) >= 0
    assert kv_bytes_per_token(weighed) >= 0
    largest_context(weighed, options, lambda it: it.total < 8 * GIB)
    assert context_that_fits(header, 8 * GIB, None) > 0
    again = header_from_record(json.loads(json.dumps(header_to_record(header))))
    assert again is not None, "what was recorded cannot be read"
    assert again.tensors == header.tensors


def kept_bytes(header: GgufHeader) -> int:
    """Bytes of memory that the header's values take, about."""
    total = 0
    for key, value in header.metadata.items():
        total += sys.getsizeof(key) + sys.getsizeof(value)
        if isinstance(value, tuple):
            total += sum(map(sys.getsizeof, value))
        elif isinstance(value, SkippedArray):
            total += sys.getsizeof(value.length)
    for tensor in header.tensors:
        parts = (tensor, tensor.name, tensor.shape, *tensor.shape, tensor.offset, tensor.size)
        total += sum(map(sys.getsizeof, parts))
    return total


def seeds(folder: Path) -> None:
    """Healthy files to begin with, and ones that are damaged in the ways that the tests know."""
    for version in (1, 2, 3):
        for order in "<>":
            _write(folder, f"llama-{version}-{'little' if order == '<' else 'big'}",
                   llama(GgufWriter(version, order)).header())  # fmt: skip
    scalars = GgufWriter()
    for kind, value in (
        (U8, 1),
        (I32, -1),
        (U64, 2**63),
        (F32, 0.5),
        (F64, 0.1),
        (BOOL, True),
        (STRING, "家"),
    ):
        scalars.add(f"x.{kind}", kind, value)
    _write(folder, "scalars", scalars.header())
    inner = Array(ARRAY, (Array(STRING, ("a", "")), Array(I32, (1, 2))))
    arrays = GgufWriter().add("general.languages", ARRAY, Array(STRING, ("de", "en"))).add("x", ARRAY, inner)
    _write(folder, "arrays", arrays.add("y", ARRAY, Array(U8, tuple(range(200)))).header())
    _write(folder, "long", GgufWriter().add("x", ARRAY, Array(U8, (7,) * (KEPT_ARRAY + 1))).header())
    deep = Array(U8, (1,))
    for _ in range(MAX_ARRAY_DEPTH):
        deep = Array(ARRAY, (deep,))
    _write(folder, "deep", GgufWriter().add("x", ARRAY, deep).header())
    _write(folder, "alignment", llama().add("general.alignment", U32, 4096).header())
    _write(folder, "counts", llama().header(tensors=2**60, metadata=2**60))
    _write(folder, "half", llama().header()[:100])
    for make in MADE:
        path = folder / f"made-{make.__name__}"
        _cut(make().with_small_vocabulary().write(path))


def _cut(path: Path) -> None:
    """Leave a made model its header only: its weights are a hole of gigabytes."""
    with path.open("r+b") as file:
        size = path.stat().st_size
        header = read_header_from(_File(path), path.name, chunk=LONGEST)
        file.truncate(min(size, header.data_offset, LONGEST))


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def _write(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)


def words(path: Path) -> None:
    """A dictionary for libFuzzer: the texts that the code compares with."""
    keys = ("architecture", "name", "type", "file_type", "license", "license.name", "languages", "alignment")
    per_architecture = (
        "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
        "attention.head_count_kv", "attention.key_length", "attention.value_length",
        "attention.sliding_window", "attention.sliding_window_pattern", "expert_count", "expert_used_count",
        "ssm.conv_kernel",
        "ssm.inner_size", "ssm.state_size", "ssm.group_count", "nextn_predict_layers", "wkv.head_size",
    )  # fmt: skip
    texts = [f"general.{key}" for key in keys]
    texts += [f"llama.{key}" for key in per_architecture]
    texts += [
        "GGUF",
        "tokenizer.chat_template",
        "token_embd.weight",
        "output.weight",
        "blk.0.",
        "mmproj",
        "clip",
    ]
    texts += ["gemma3", "mamba2", "jamba", "qwen3next", "falcon-h1", "deepseek32", "minimax-01", "rwkv6"]
    path.write_text("".join(f'"{text}"\n' for text in texts), encoding="ascii")


def fuzz(target: Callable[[bytes], None], folder: Path, options: Sequence[str]) -> None:
    """Give `target` inputs until an option says to stop, or something broke."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    named = [] if any(not option.startswith("-") for option in options) else [str(corpus)]
    defaults = (f"-artifact_prefix={folder}/", "-timeout=60", "-rss_limit_mb=1024", "-use_value_profile=1")
    atheris.Setup([sys.argv[0], *defaults, *options, *named], target)
    atheris.Fuzz()


def main(options: Sequence[str]) -> None:
    """Fuzz the parser."""
    corpus, dictionary = FOLDER / "corpus", FOLDER / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds(corpus)
    words(dictionary)
    fuzz(try_one, FOLDER, [f"-max_len={LONGEST}", f"-dict={dictionary}", *options])


if __name__ == "__main__":
    main(sys.argv[1:])
