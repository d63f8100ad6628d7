"""Forecasts beside what llama.cpp reckons itself; `python -m tests.benchmarks forecast` has all of them."""

import pytest

from app.models.gguf_header import read_header
from tests.fit_reference import MEBIBYTE, comparable, reference, tool_options
from tests.made_models import MADE_MODELS

MOST = 0.08
OF_SMALL = 24 * MEBIBYTE
"""With few tokens little but the layers' own buffer is left, and that is an estimate."""


def check(path, options, tolerance_bytes=0):
    made = comparable(read_header(path), options)
    told = reference(path, options)
    assert made.host.tensors // MEBIBYTE == told.tensors
    assert abs(made.host.cache // MEBIBYTE - told.cache) <= 1
    off = abs(made.total - told.total * MEBIBYTE)
    assert off <= (tolerance_bytes or MOST * told.total * MEBIBYTE), (made, told)


@pytest.mark.parametrize("name", MADE_MODELS)
def test_made_models(tmp_path, name):
    path = MADE_MODELS[name]().write(tmp_path / "model.gguf")
    for context, cache_type, sequences in ((2048, "f16", 4), (8192, "q8_0", 1), (32_768, "f16", 1)):
        check(path, tool_options(context, cache_type, sequences))


@pytest.mark.parametrize("name", MADE_MODELS)
def test_intermediate_results(tmp_path, name):
    path = MADE_MODELS[name]().with_small_vocabulary().write(tmp_path / "model.gguf")
    check(path, tool_options(32_768, "f16", 4), OF_SMALL)


def test_the_real_model(starter_model):
    for context in (2048, 8192):
        for cache_type in ("f16", "q8_0"):
            check(starter_model, tool_options(context, cache_type, 4))
