import pytest

from app.engines.vllm_memory import (
    BESIDE_SHARE,
    CONTEXTS_AT_ONCE,
    GPU_OVERHEAD,
    SMALLEST_POOL,
    cpu_kv_cache,
    gpu_memory_share,
)

GIB = 1 << 30
LLAMA_7B = {"weights": 13 * GIB, "kv_cache": 2 * GIB}
"""Bytes of its weights in bfloat16, and of 4,096 tokens in its KV cache: 2·32·4096·2 bytes each."""


def test_a_model_gets_what_it_needs_and_the_rest_is_left_to_others():
    share = gpu_memory_share(memory_total=80 * GIB, memory_free=79 * GIB, **LLAMA_7B)
    needed = (13 + 2 * CONTEXTS_AT_ONCE) * GIB + GPU_OVERHEAD
    assert share is not None
    assert 0 <= share * 80 * GIB - needed < 0.01 * 80 * GIB
    assert share == round(share, 2)


def test_it_never_asks_for_more_than_is_free():
    memory_total, memory_free = 24 * GIB, 22 * GIB
    share = gpu_memory_share(memory_total=memory_total, memory_free=memory_free, **LLAMA_7B)
    assert share is not None
    assert share == 0.81, "19.5 of 24"
    assert share * memory_total + BESIDE_SHARE <= memory_free


def test_where_not_even_one_context_fits_it_says_so():
    assert gpu_memory_share(memory_total=80 * GIB, memory_free=17 * GIB, **LLAMA_7B) is None
    assert gpu_memory_share(memory_total=16 * GIB, memory_free=16 * GIB, **LLAMA_7B) is None


def test_gpus_share_weights_and_cache():
    one = gpu_memory_share(memory_total=80 * GIB, memory_free=79 * GIB, **LLAMA_7B)
    two = gpu_memory_share(memory_total=80 * GIB, memory_free=79 * GIB, gpus=2, **LLAMA_7B)
    assert one is not None
    assert two is not None
    assert two < one


@pytest.mark.parametrize(
    ("free", "weights", "kv_cache", "pool"),
    [
        (20 * GIB, 1 * GIB, None, 1 * GIB),
        (20 * GIB, 1 * GIB, GIB // 8, GIB // 8 * CONTEXTS_AT_ONCE),
        (20 * GIB, 1 * GIB, 8 * GIB, 19 * GIB // 2),
        (2 * GIB, 1 * GIB, None, GIB // 2),
        (1 * GIB, 2 * GIB, None, SMALLEST_POOL),
    ],
)
def test_a_pool_in_main_memory(free, weights, kv_cache, pool):
    assert cpu_kv_cache(memory_free=free, weights=weights, kv_cache=kv_cache) == pool
