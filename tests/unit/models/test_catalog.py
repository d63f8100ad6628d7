"""The catalog is well formed, agrees with itself, and is searched as a person would expect."""

from __future__ import annotations

import json
import math
import statistics
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from app.domain.catalog import CatalogModel, Dimensions, Purpose
from app.domain.quantization import QUANTIZATIONS, known
from app.models.catalog import CATALOG, catalog, find, licences, matching, read
from app.models.footprint import RunOptions, forecast
from app.models.gguf_header import read_header
from app.models.model_shape import model_shape
from app.models.sketch import sketch

SCHEMA = json.loads(CATALOG.with_name("catalog.schema.json").read_text(encoding="utf-8"))
_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee"
    " el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik"
    " io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk"
    " ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa"
    " sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur"
    " uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES = frozenset(_LANGUAGES.split())
"""ISO 639-1."""
PUBLISHED = {
    ("eurollm-9b", "Q6_K"): 7_511_956_192,
    ("gemma-4-26b-a4b", "Q4_K_M"): 17_035_039_872,
    ("gpt-oss-20b", "MXFP4"): 12_109_566_624,
    ("granite-4.1-3b", "Q4_K_M"): 2_099_501_664,
    ("granite-4.1-8b", "Q4_K_M"): 5_347_914_400,
    ("ministral-3-3b", "Q4_K_M"): 2_147_023_008,
    ("ministral-3-8b", "Q4_K_M"): 5_198_911_904,
    ("qwen2.5-coder-7b", "Q4_K_M"): 4_683_073_536,
    ("qwen3-4b", "IQ4_XS"): 2_270_751_840,
    ("qwen3-coder-30b", "Q8_0"): 32_483_933_856,
    ("qwen3.5-0.8b", "Q4_K_M"): 532_517_120,
    ("qwen3.5-2b", "Q4_K_M"): 1_280_835_840,
    ("qwen3.5-4b", "Q4_K_M"): 2_740_937_888,
    ("qwen3.5-9b", "Q4_K_M"): 5_680_522_464,
    ("qwen3.6-27b", "Q4_K_M"): 16_817_244_384,
    ("smollm3-3b", "Q4_K_M"): 1_915_305_312,
    ("tiny-aya", "Q4_K_M"): 2_143_977_056,
}
"""Bytes of files on the hub, as it tells them. Some makers of files give a few tensors more bits."""
MODELS = catalog()
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)


def sees_everything(dimensions: Dimensions, layer: int) -> bool:
    return not dimensions.window or (layer + 1) % dimensions.window_pattern == 0


def attention_parameters(dimensions: Dimensions, layer: int) -> int:
    it = dimensions
    if it.attention_interval and (layer + 1) % it.attention_interval != 0:
        keys, values = it.state_groups * it.state_size, it.state_heads * it.state_size
        mixed = 2 * keys + values
        return it.width * (mixed + 2 * values + 2 * it.state_heads) + it.convolution * mixed
    full = sees_everything(it, layer)
    head_size = it.full_head_size if full and it.full_head_size else it.head_size
    kv_heads = it.kv_heads[layer] if len(it.kv_heads) > 1 else it.kv_heads[0]
    query_outputs = 2 if it.attention_interval else 1  # the other half is a gate
    # Gemma 4 makes the values from the keys in layers that see everything.
    projections = 1 if full and it.full_head_size else 2
    return it.width * head_size * (it.heads * (query_outputs + 1) + kv_heads * projections)


def parameters(dimensions: Dimensions, *, active: bool = False) -> int:
    """By the usual formula: tables, attention, gated feed-forwards. Norms and biases are left out."""
    it = dimensions
    total = it.vocabulary * it.width * (1 if it.tied else 2)
    for layer in range(it.layers):
        total += attention_parameters(it, layer)
        if it.experts and layer >= it.dense_layers:
            experts = it.experts_used if active else it.experts
            total += 3 * it.width * (experts * it.expert_feed_forward + it.shared_feed_forward)
            total += it.experts * it.width
        else:
            total += 3 * it.width * it.feed_forward
    return total


def test_it_is_what_the_schema_asks_for() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(CATALOG.read_text(encoding="utf-8"))
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(document)
    ]
    assert errors == []
    assert 20 <= len(MODELS) == len(document["models"]) <= 40


def test_the_schema_refuses_what_is_not_a_catalog() -> None:
    document = json.loads(CATALOG.read_text(encoding="utf-8"))
    schema = Draft202012Validator(SCHEMA)
    changes: tuple[dict[str, object], ...] = (
        {"repository": "../../etc/passwd"},
        {"parameters": "many"},
        {"good_for": "the best model ever"},
        {"quantizations": []},
        {"unknown": 1},
    )
    for change in changes:
        broken = {"models": [document["models"][0] | change]}
        assert not schema.is_valid(broken), change


def test_a_text_that_is_not_a_catalog_is_refused() -> None:
    for text, error in (
        ("{", ValueError),
        ("{}", KeyError),
        ('{"models": [{"id": "x"}]}', KeyError),
        (json.dumps({"models": [without_name()]}), TypeError),
        (json.dumps({"models": [without_name() | {"name": "X", "colour": "red"}]}), TypeError),
    ):
        with pytest.raises(error):
            read(text)


def without_name() -> dict:
    entry = json.loads(CATALOG.read_text(encoding="utf-8"))["models"][0]
    del entry["name"]
    return entry


def test_it_is_read_within_five_milliseconds() -> None:
    seconds = []
    for _ in range(9):
        started = time.perf_counter()
        read(CATALOG.read_text(encoding="utf-8"))
        seconds.append(time.perf_counter() - started)
    assert statistics.median(seconds) < 0.005


def test_the_starter_model_is_first(starter_model: Path) -> None:
    first = MODELS[0]
    assert first.original.endswith("/" + json.loads(starter_pin())["name"])
    shape = model_shape(read_header(starter_model))
    assert first.dimensions.architecture == shape.architecture
    assert first.dimensions.layers == len(shape.layers)
    assert first.dimensions.width == shape.width
    assert first.dimensions.feed_forward == shape.inner
    assert first.dimensions.heads * first.dimensions.head_size == shape.query
    assert first.dimensions.kv_heads[0] * first.dimensions.head_size == shape.layers[0].keys
    assert first.dimensions.vocabulary == shape.vocabulary
    assert first.context_length == shape.context_trained
    counted = sum(math.prod(tensor.shape) for tensor in read_header(starter_model).tensors)
    assert first.parameters == counted


def starter_pin() -> str:
    return CATALOG.with_name("starter_model.json").read_text(encoding="utf-8")


def test_models_are_told_apart_and_grow() -> None:
    for values in (
        [model.id for model in MODELS],
        [model.name.casefold() for model in MODELS],
        [model.repository.casefold() for model in MODELS],
        [model.original.casefold() for model in MODELS],
        [model.good_for for model in MODELS],
    ):
        assert len(set(values)) == len(values)
    sizes = [model.parameters for model in MODELS]
    assert sizes == sorted(sizes)
    assert sizes[0] < 200_000_000
    assert sizes[-1] > 70_000_000_000


def test_every_purpose_and_the_common_sizes_are_there() -> None:
    for purpose in Purpose:
        assert len(matching(MODELS, purpose=purpose)) >= 3, purpose
    billions = [model.parameters / 1e9 for model in MODELS]
    for low, high in ((0, 1), (1, 3), (3, 5), (5, 10), (10, 20), (20, 40), (40, 80)):
        assert any(low <= size < high for size in billions), (low, high)


@each_model
def test_what_it_says_of_a_model_can_be_true(model: CatalogModel) -> None:
    assert model.repository != model.original
    assert model.active_parameters <= model.parameters
    assert set(model.languages) <= LANGUAGES
    assert (Purpose.MULTILINGUAL in model.purposes) <= (len(model.languages) >= 8)
    if "-NC-" in model.licence:
        assert "not for commercial use" in model.good_for


@each_model
def test_quantizations_are_known_and_the_best_come_first(model: CatalogModel) -> None:
    order = list(QUANTIZATIONS)
    places = [order.index(name) for name in model.quantizations]
    assert places == sorted(places)


@each_model
def test_parameters_follow_from_the_dimensions(model: CatalogModel) -> None:
    assert parameters(model.dimensions) == pytest.approx(model.parameters, rel=0.02)
    assert parameters(model.dimensions, active=True) == pytest.approx(model.active_parameters, rel=0.02)


@each_model
def test_dimensions_fit_together(model: CatalogModel) -> None:
    it = model.dimensions
    assert len(it.kv_heads) in (1, it.layers)
    assert all(it.heads % count == 0 for count in it.kv_heads)
    assert it.experts_used <= it.experts
    assert it.window <= model.context_length
    assert it.layers % (it.attention_interval or 1) == 0
    for layer in range(it.layers if len(it.kv_heads) > 1 else 0):
        assert it.kv_heads[layer] == it.kv_heads[-1 if sees_everything(it, layer) else 0]


@each_model
def test_a_header_made_of_the_dimensions_has_all_parameters(model: CatalogModel) -> None:
    made = sketch(model.dimensions, model.context_length, "F16")
    counted = sum(math.prod(tensor.shape) for tensor in made.tensors)
    assert counted == pytest.approx(model.parameters, rel=0.001)


@pytest.mark.parametrize(("name", "quantization"), PUBLISHED)
def test_forecasts_of_files_are_what_the_hub_has(name: str, quantization: str) -> None:
    model = find(name)
    assert model is not None
    made = sketch(model.dimensions, model.context_length, quantization)
    assert made.file_size == pytest.approx(PUBLISHED[name, quantization], rel=0.02)


@each_model
def test_every_quantization_can_be_forecast(model: CatalogModel) -> None:
    sizes = []
    for name in model.quantizations:
        made = sketch(model.dimensions, model.context_length, name)
        told = known(name)
        assert told is not None
        sizes.append(made.tensor_bytes)
        if 5e9 < model.parameters < 20e9:
            # The table's bits are of an 8B model. Others keep more or less of theirs in the finer types.
            assert made.tensor_bytes == pytest.approx(model.parameters * told.bits / 8, rel=0.08)
        small, large = (forecast(made, RunOptions(context)).total for context in (2048, 4096))
        assert made.tensor_bytes < small < large
    assert max(sizes) == sizes[0]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("smollm2-135m", "smollm2-135m"),
        ("  SmolLM2 135M  Instruct ", "smollm2-135m"),
        ("bartowski/SmolLM2-135M-Instruct-GGUF", "smollm2-135m"),
        ("huggingfacetb/smollm2-135m-instruct", "smollm2-135m"),
        ("Phi-4", "phi-4"),  # and phi-4-mini begins like it
        ("phi-4-m", "phi-4-mini"),
        ("Phi 4 14", "phi-4"),
        ("gpt", "gpt-oss-20b"),
        ("llama", None),
        ("135m", None),
        ("no such model", None),
        ("", None),
        (" - ", None),
    ],
)
def test_a_model_is_found_by_what_a_person_types(words: str, found: str | None) -> None:
    model = find(words)
    assert (model and model.id) == found


@each_model
def test_each_model_is_found_by_each_of_its_names(model: CatalogModel) -> None:
    for words in (model.id, model.name, model.repository, model.original, model.id.upper()):
        assert find(words) is model


def test_models_are_found_among_those_given() -> None:
    llamas = matching(MODELS, words="llama 70b")
    assert [model.id for model in llamas] == ["llama-3.3-70b"]
    assert find("llama", llamas) is llamas[0]


def test_filters_keep_the_order_and_wish_nothing_by_default() -> None:
    assert matching(MODELS) == MODELS
    assert matching(iter(MODELS), words="  ") == MODELS
    code = matching(MODELS, purpose=Purpose.CODE)
    assert code == tuple(model for model in MODELS if Purpose.CODE in model.purposes)
    small = matching(MODELS, largest=MODELS[3].parameters)
    assert small == MODELS[:4]
    assert matching(MODELS, licence="MIT")
    assert {model.licence for model in matching(MODELS, licence="MIT")} == {"MIT"}
    assert matching(MODELS, licence="mit") == ()
    both = matching(MODELS, purpose=Purpose.CODE, licence="MIT", largest=5_000_000_000)
    assert [model.id for model in both] == ["phi-4-mini"]


def test_every_word_has_to_occur() -> None:
    assert [model.id for model in matching(MODELS, words="Mistral CODE")] == ["devstral-small-2"]
    assert matching(MODELS, words="mistral nonsense") == ()
    assert {model.id for model in matching(MODELS, words="mt")} == {"tiny-aya", "eurollm-9b"}  # Maltese
    for name in ("Maltese", "malti", "malt"):
        assert matching(MODELS, words=name) == matching(MODELS, words="mt")
    both = matching(MODELS, words="Deutsch 日本語")
    assert both
    assert all({"de", "ja"} <= set(model.languages) for model in both)


def test_licences_are_told_once_the_frequent_first() -> None:
    told = licences(MODELS)
    assert told[0] == "Apache-2.0"
    assert sorted(told) == sorted({model.licence for model in MODELS})
    assert licences(()) == ()
