import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.footprint import (
    CONTEXT_STEP,
    DEFAULT_TRAINED_CONTEXT,
    LARGEST_DEFAULT_CONTEXT,
    MARGIN_BYTES,
    MAX_LAYERS,
    SMALLEST_CONTEXT,
    RunOptions,
    active_bytes,
    context_that_fits,
    forecast,
    kv_bytes_per_token,
    largest_context,
    tokens_per_second,
)
from app.models.gguf_header import GgufHeader, Tensor, read_header
from app.models.kv_cache import cells
from app.models.model_shape import Layer, model_shape
from tests.made_models import MADE_MODELS

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
    model = header(weights=10**9, **LLAMA)
    room = forecast(model, RunOptions(4096)).total + MARGIN_BYTES
    assert context_that_fits(model, room, None) == 4096
    assert context_that_fits(model, room - 1, None) == 4096 - CONTEXT_STEP
    assert context_that_fits(model, 0, None) == SMALLEST_CONTEXT
    assert context_that_fits(model, 0, 8192) == 8192, "a wish is a wish; the load says if it fails"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Headers of made models by name, read from their files."""
    folder = tmp_path_factory.mktemp("made")
    return {name: read_header(make().write(folder / name)) for name, make in MADE_MODELS.items()}


def windows(shape):
    return [layer.window for layer in shape.layers]


def test_sliding_windows_by_the_patterns_of_their_architectures(made):
    assert windows(model_shape(made["gemma3_4b"]))[:6] == [1024] * 5 + [None]
    assert windows(model_shape(made["gemma2_2b"]))[:4] == [4096, None] * 2
    assert windows(model_shape(made["gpt_oss_20b"]))[:4] == [128, None] * 2
    assert set(windows(model_shape(made["phi3_mini"]))) == {None}, "llama.cpp does not use the window of phi3"


def sliding(architecture, **values):
    values = {"block_count": 8, "attention.head_count": 1, "embedding_length": 64} | {
        name.replace("__", "."): value for name, value in values.items()
    }
    metadata: dict = {"general.architecture": architecture}
    metadata |= {f"{architecture}.{name}": value for name, value in values.items()}
    return windows(model_shape(GgufHeader(3, metadata, (), 0)))


@pytest.mark.parametrize(
    ("architecture", "values", "expected"),
    [
        (
            "gemma3",
            {"attention__sliding_window": 512, "attention__sliding_window_pattern": 2},
            [512, None] * 4,
        ),
        (
            "gemma4",
            {
                "attention__sliding_window": 512,
                "attention__sliding_window_pattern": (True, True, False, True, True, True, True, False),
            },
            [512, 512, None, 512, 512, 512, 512, None],
        ),
        ("gemma3", {}, [None] * 8),
        ("llama4", {}, [8192, 8192, 8192, None] * 2),
        ("llama4", {"attention__sliding_window": 0}, [None] * 8),
        ("smallthinker", {"attention__sliding_window": 99}, [None, 4096, 4096, 4096] * 2),
        ("exaone4", {"attention__sliding_window": 512}, [None] * 8),
        ("lfm2", {"attention__sliding_window": 512}, [512] * 8),
        ("llama", {"attention__sliding_window": 512}, [None] * 8),
    ],
)
def test_windows_named_by_the_file(architecture, values, expected):
    assert sliding(architecture, **values) == expected


def test_cells_of_a_window():
    layer = Layer(keys=1, values=1, window=1024)
    assert cells(layer, RunOptions(32_768)) == 4 * 1024 + 512
    assert cells(layer, RunOptions(32_768, unified=False)) == 1024 + 512
    assert cells(layer, RunOptions(2048)) == 2048


def test_latent_attention_keeps_one_latent_for_keys_and_values(made):
    assert kv_bytes_per_token(made["deepseek_v2_lite"]) == 27 * (512 + 64) * 2


def test_states_do_not_grow_with_the_context(made):
    for name in ("mamba_1_4b", "mamba2_1_3b"):
        small, large = (forecast(made[name], RunOptions(context)).host for context in (512, 65_536))
        assert small.cache == large.cache > 0
        assert kv_bytes_per_token(made[name]) == 0


def test_hybrids_attend_in_some_layers(made):
    attending = {
        name: [number for number, layer in enumerate(model_shape(made[name]).layers) if layer.keys]
        for name in ("granite_4_h_1b", "lfm2_1_2b", "qwen3_next", "falcon_h1_1_5b")
    }
    assert attending["granite_4_h_1b"] == [5, 15, 25, 35]
    assert attending["lfm2_1_2b"] == [2, 5, 8, 10, 12, 14]
    assert attending["qwen3_next"] == [3, 7]
    assert attending["falcon_h1_1_5b"] == list(range(24))
    assert all(layer.state for layer in model_shape(made["falcon_h1_1_5b"]).layers)


def test_quantized_caches(made):
    model = made["llama_3_2_1b"]
    plain = forecast(model, RunOptions(8192)).host.cache
    small = forecast(model, RunOptions(8192, keys="q8_0", values="q4_0")).host.cache
    assert small == plain * (1.0625 + 0.5625) / 4
    with pytest.raises(ValueError, match="q3_k"):
        RunOptions(8192, keys="q3_k")


def test_layers_on_the_gpu(made):
    for model in made.values():
        layers = len(model_shape(model).layers)
        whole = forecast(model, RunOptions(8192))
        assert whole.gpu.total == 0
        half = forecast(model, RunOptions(8192), gpu_layers=layers // 2)
        assert 0 < half.gpu.tensors < model.tensor_bytes
        assert half.host.cache + half.gpu.cache == whole.host.cache
        everything = forecast(model, RunOptions(8192), gpu_layers=999)
        assert everything.gpu.cache == whole.host.cache
        assert everything.host.tensors < model.tensor_bytes / 2, "the table of tokens stays"
    tied = forecast(made["llama_3_2_1b"], RunOptions(8192), gpu_layers=999)
    table = next(t.size for t in made["llama_3_2_1b"].tensors if t.name == "token_embd.weight")
    assert tied.host.tensors == table
    assert tied.gpu.tensors == made["llama_3_2_1b"].tensor_bytes, "the output is a second copy of the table"


def test_layers_that_predict_ahead_are_not_loaded():
    metadata: dict = {"general.architecture": "x", "x.block_count": 3, "x.nextn_predict_layers": 1}
    tensors = tuple(Tensor(f"blk.{layer}.t", (1,), 0, 0, 10**layer) for layer in range(3))
    model = GgufHeader(3, metadata, tensors, 0)
    assert forecast(model, RunOptions(512)).host.tensors == 1 + 10


def test_a_projector_lies_where_the_layers_do(made):
    metadata: dict = {
        "general.architecture": "clip", "clip.vision.image_size": 336, "clip.vision.patch_size": 14,
        "clip.vision.embedding_length": 1024, "clip.vision.feed_forward_length": 4096,
    }  # fmt: skip
    projector = GgufHeader(3, metadata, (Tensor("v", (1,), 0, 0, 6 * 10**8),), 0)
    model = made["llama_3_2_1b"]
    on_host = forecast(model, RunOptions(512), projector=projector)
    assert on_host.host.projector == 6 * 10**8 + 24 * 24 * (8 * 1024 + 2 * 4096) * 4
    on_gpu = forecast(model, RunOptions(512), projector=projector, gpu_layers=99)
    assert (on_gpu.host.projector, on_gpu.gpu.projector) == (0, on_host.host.projector)


def test_the_largest_context_is_the_last_that_fits(made):
    for model in made.values():
        if not kv_bytes_per_token(model):
            continue
        room = forecast(model, RunOptions(20_000)).total

        def fits(made, room=room):
            return made.total <= room

        found = largest_context(model, RunOptions(1), fits)
        assert forecast(model, RunOptions(found)).total <= room
        assert forecast(model, RunOptions(found + CONTEXT_STEP)).total > room
    assert largest_context(made["llama_3_2_1b"], RunOptions(1), lambda _: False) == 0
    assert largest_context(made["mamba_1_4b"], RunOptions(1), lambda _: True, at_most=8192) == 8192


def test_speed_is_bandwidth_over_what_a_token_reads(made):
    options = RunOptions(8192)
    dense = made["llama_3_2_1b"]
    assert active_bytes(dense, options) == dense.tensor_bytes, "its table is its output, too"
    assert tokens_per_second(dense, options, 50e9) == 50e9 / dense.tensor_bytes
    assert active_bytes(dense, options, 1000) - dense.tensor_bytes == 1000 * kv_bytes_per_token(dense)
    experts = made["qwen3_30b_a3b"]
    of_experts = sum(t.size for t in experts.tensors if "_exps." in t.name)
    table = next(t.size for t in experts.tensors if t.name == "token_embd.weight")
    assert active_bytes(experts, options) == experts.tensor_bytes - table - of_experts + of_experts * 8 // 128
    windowed = made["gpt_oss_20b"]
    near, far = (active_bytes(windowed, options, filled) for filled in (128, 1128))
    assert far - near == 12 * 1000 * 8 * (64 + 64) * 2, "half of its layers see 128 tokens"
    assert tokens_per_second(header(), options, 50e9) == 0.0


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


KEYS = (
    "block_count", "embedding_length", "feed_forward_length", "expert_count", "expert_used_count",
    "expert_feed_forward_length", "nextn_predict_layers", "full_attention_interval", "wkv.head_size",
    "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
    "attention.key_length_mla", "attention.value_length_mla", "attention.key_length_swa",
    "attention.sliding_window", "attention.sliding_window_pattern", "attention.shared_kv_layers",
    "attention.recurrent_layers", "attention.indexer.key_length", "ssm.conv_kernel", "ssm.inner_size",
    "ssm.state_size", "ssm.group_count", "shortconv.l_cache", "kda.head_dim", "vocab_size",
)  # fmt: skip
ARCHITECTURES = (
    "llama", "gemma3", "gemma3n", "gemma4", "llama4", "exaone4", "lfm2", "nemotron_h", "mamba2", "qwen3next",
    "falcon-h1", "kimi-linear", "minimax-01", "rwkv7", "deepseek32", "",
)  # fmt: skip
SIZE = st.integers(-5, 70) | WILD


@given(
    st.sampled_from(ARCHITECTURES),
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, SIZE)),
    st.integers(1, 2**22),
    st.integers(-1, 600),
)
def test_hostile_headers_give_a_forecast(architecture, values, context, gpu_layers):
    metadata = {"general.architecture": architecture}
    metadata |= {f"{architecture}.{name}": value for name, value in values.items()}
    tensors = (
        Tensor("token_embd.weight", (2**40, 2**40), 999, 0, None),
        Tensor("blk.999999.x", (1,), 0, 0, 4),
    )
    model = GgufHeader(3, metadata, tensors, 0)
    made = forecast(model, RunOptions(context), gpu_layers=gpu_layers)
    for memory in (made.host, made.gpu):
        assert min(memory.tensors, memory.cache, memory.compute, memory.runtime) >= 0
    assert tokens_per_second(model, RunOptions(context), 1e9, filled=context) >= 0


def test_a_hostile_count_of_layers_is_not_counted_to():
    model = header(**{**LLAMA, "block_count": 2**32 - 1})
    assert kv_bytes_per_token(model) == MAX_LAYERS * 3 * (64 + 64) * 2
