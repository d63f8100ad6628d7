import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.footprint import (
    CONTEXT_STEP,
    DEFAULT_TRAINED_CONTEXT,
    LARGEST_DEFAULT_CONTEXT,
    MAX_LAYERS,
    RESERVE_BYTES,
    SMALLEST_CONTEXT,
    context_that_fits,
    kv_bytes_per_token,
)
from app.models.gguf_header import GgufHeader, Tensor, read_header

PLENTY = 1 << 40


def header(*, weights=0, **values):
    metadata = {"general.architecture": "x"} | {
        f"x.{name.replace('__', '.')}": value for name, value in values.items()
    }
    return GgufHeader(3, metadata, (Tensor("t", (1,), 0, 0, weights),), 0)


LLAMA = {
    "block_count": 30,
    "context_length": 8192,
    "embedding_length": 576,
    "attention__head_count": 9,
    "attention__head_count_kv": 3,
}
LLAMA_PER_TOKEN = 30 * 3 * (64 + 64) * 2


def test_grouped_queries():
    assert kv_bytes_per_token(header(**LLAMA)) == LLAMA_PER_TOKEN


def test_the_real_model(starter_model):
    assert kv_bytes_per_token(read_header(starter_model)) == LLAMA_PER_TOKEN


def test_without_groups_every_head_has_keys():
    values = {**LLAMA}
    del values["attention__head_count_kv"]
    assert kv_bytes_per_token(header(**values)) == 30 * 9 * (64 + 64) * 2


def test_heads_for_each_layer():
    values = {**LLAMA, "block_count": 3, "attention__head_count_kv": (4, 0, 2)}
    assert kv_bytes_per_token(header(**values)) == (4 + 0 + 2) * (64 + 64) * 2


def test_key_and_value_lengths_of_their_own():
    values = {**LLAMA, "attention__key_length": 128, "attention__value_length": 96}
    assert kv_bytes_per_token(header(**values)) == 30 * 3 * (128 + 96) * 2


def test_a_header_that_says_nothing():
    assert kv_bytes_per_token(header()) == 0
    assert context_that_fits(header(), PLENTY, None) == DEFAULT_TRAINED_CONTEXT


@pytest.mark.parametrize(
    ("trained", "wanted", "context"),
    [
        (8192, None, 8192),
        (1_048_576, None, LARGEST_DEFAULT_CONTEXT),
        (1000, None, 1024),
        (8192, 4096, 4096),
        (8192, 100_000, -(-100_000 // CONTEXT_STEP) * CONTEXT_STEP),
        (8192, 1, CONTEXT_STEP),
        (8192, -5, CONTEXT_STEP),
        (0, None, DEFAULT_TRAINED_CONTEXT),
        (2**63, None, DEFAULT_TRAINED_CONTEXT),
    ],
)
def test_contexts(trained, wanted, context):
    assert context_that_fits(header(**{**LLAMA, "context_length": trained}), PLENTY, wanted) == context


def test_little_memory_means_less_context():
    room = 4096 * LLAMA_PER_TOKEN
    model = header(weights=10**9, **LLAMA)
    assert context_that_fits(model, 10**9 + RESERVE_BYTES + room, None) == 4096
    assert context_that_fits(model, 0, None) == SMALLEST_CONTEXT
    assert context_that_fits(model, 0, 8192) == 8192, "a wish is a wish; the load says if it fails"


WILD: st.SearchStrategy = st.integers(-(2**63), 2**64) | st.floats() | st.booleans() | st.text(max_size=3)
WILD |= st.lists(st.integers(-(2**63), 2**64), max_size=5).map(tuple)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys((*LLAMA, "attention__key_length", "attention__value_length"), WILD),
    ),
    st.integers(0, 2**45),
    st.none() | st.integers(1, 2**20),
)
def test_hostile_headers_give_a_context(values, available, wanted):
    context = context_that_fits(header(**values), available, wanted)
    assert context > 0
    assert context % CONTEXT_STEP == 0
    if wanted is None:
        assert context <= LARGEST_DEFAULT_CONTEXT


def test_a_hostile_count_of_layers_is_not_counted_to():
    model = header(**{**LLAMA, "block_count": 2**32 - 1})
    assert kv_bytes_per_token(model) == MAX_LAYERS * 3 * (64 + 64) * 2
