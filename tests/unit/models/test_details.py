import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models.details import MAX_LANGUAGES, MAX_TITLE, details_of, why_no_chat, why_no_model
from app.models.gguf_header import GGML_TYPES, GgufHeader, Tensor, read_header
from tests.unit.models.gguf_writer import ARRAY, I32, STRING, U32, Array, GgufWriter, llama, write_model

TYPE_IDS = {name: type_id for type_id, (name, _, _) in GGML_TYPES.items()}


def header_of(metadata=None, tensors=(("a", (32, 4), "F32"),)):
    entries = []
    for name, shape, kind in tensors:
        block, size = GGML_TYPES[TYPE_IDS[kind]][1:]
        entries.append(Tensor(name, shape, TYPE_IDS[kind], 0, math.prod(shape) // block * size))
    return GgufHeader(3, {"general.architecture": "llama", **(metadata or {})}, tuple(entries), 0)


def test_the_starter_model(starter_model):
    details = details_of(read_header(starter_model), starter_model.stem)
    assert details.title == "Smollm2 135M 8k Lc100K Mix1 Ep2"  # as its makers named it
    assert details.architecture == "llama"
    assert details.parameters == 134_515_008
    assert details.quantization == "Q4_1"
    assert details.context_length == 8192
    assert details.licence == "apache-2.0"
    assert details.has_template
    assert details.layers == 30
    assert details.languages == ("en",)
    assert not details.is_projector


def test_what_a_written_header_says(tmp_path):
    writer = (
        llama()
        .add("general.license", STRING, "other")
        .add("general.license.name", STRING, "llama3.2")
        .add("general.languages", ARRAY, Array(STRING, ("de", "en", "de", "")))
        .add("general.file_type", U32, 15)
        .add("tokenizer.chat_template", STRING, "{{ messages }}")
    )
    details = details_of(read_header(write_model(tmp_path / "x.gguf", writer)), "x")
    assert details.title == "Zoë 家"
    assert (details.licence, details.languages) == ("llama3.2", ("de", "en"))
    assert (details.quantization, details.layers, details.context_length) == ("Q4_K_M", 4, 8192)
    assert details.has_template
    assert details.parameters == 2 * 512 * 3


def test_a_header_that_says_nothing():
    details = details_of(GgufHeader(3, {}, (), 0), "My-Model-Q5_K_M")
    assert details == details_of(GgufHeader(3, {}, (), 0), "My-Model-Q5_K_M.GGUF")
    assert (details.title, details.quantization) == ("My-Model", "Q5_K_M")
    assert (details.architecture, details.licence, details.languages) == ("", "", ())
    assert (details.parameters, details.context_length, details.layers) == (None, None, None)
    assert not details.has_template


@pytest.mark.parametrize(
    ("file_type", "name", "quantization"),
    [
        (15, "model-Q5_K_M", "Q4_K_M"),  # renamed: the header knows better
        (15, "model-UD-Q4_K_XL", "UD-Q4_K_XL"),  # which the header has no word for
        (1024 + 7, "model", "Q8_0"),  # guessed
        (999, "model-IQ4_XS", "IQ4_XS"),
        (999, "model", "Q4_K"),
        (None, "model", "Q4_K"),
        (True, "model", "Q4_K"),
        ("15", "model", "Q4_K"),
        (-5, "model", "Q4_K"),
    ],
)
def test_the_quantization(file_type, name, quantization):
    metadata = {} if file_type is None else {"general.file_type": file_type}
    header = header_of(
        metadata, [("big", (256, 100), "Q4_K"), ("small", (256, 10), "Q6_K"), ("plain", (4096, 9), "F32")]
    )
    assert details_of(header, name).quantization == quantization


def test_plain_numbers_where_there_is_nothing_else():
    assert (
        details_of(header_of(tensors=[("a", (32, 64), "BF16"), ("b", (4,), "F32")]), "x").quantization
        == "BF16"
    )


def test_the_parts_of_a_split_model_count_together():
    first = header_of({"general.name": "Split"}, [("a", (10,), "F32")])
    details = details_of(first, "x", [header_of({}, [("b", (256, 2), "Q6_K")]), header_of({}, [])])
    assert (details.title, details.parameters, details.quantization) == ("Split", 522, "Q6_K")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"general.architecture": "clip"}, "projector"),
        ({"general.type": "mmproj"}, "projector"),
        ({"general.type": "adapter"}, "adapter"),
        ({"general.type": "imatrix"}, "no model"),
        ({"general.architecture": ""}, "no model"),
        ({"general.architecture": 5}, "no model"),
    ],
)
def test_what_is_no_model(metadata, says):
    assert says in why_no_model(header_of(metadata))
    assert why_no_chat(header_of(metadata)) == why_no_model(header_of(metadata))
    assert details_of(header_of(metadata), "x").is_projector == (says == "projector")


def test_what_is_a_model():
    assert why_no_model(header_of()) == why_no_chat(header_of()) == ""
    assert "no weights" in why_no_model(header_of(tensors=[]))
    embedder = header_of({"general.architecture": "bert"})
    assert why_no_model(embedder) == ""
    assert "cannot chat" in why_no_chat(embedder)


def test_hostile_texts_and_numbers():
    details = details_of(
        header_of(
            {
                "general.architecture": "x\x1b[2J",
                "general.name": "\u202e" + "evil\n" * 10_000,
                "general.license": ["no", "text"],
                "general.languages": ("\x00", 5, *(f"l{n}\u200b" for n in range(1000))),
                "general.file_type": 10**30,
                "x\x1b[2J.context_length": 2**63,
                "x\x1b[2J.block_count": -1,
                "tokenizer.chat_template": "\u200b\n ",
            },
            [("a", (2**48, 2**48), "F32")] * 9,
        ),
        "name\x07-Q4_0\u202e",
    )
    assert details.architecture == "x [2J"
    assert details.title.startswith("evil evil")
    assert len(details.title) == MAX_TITLE
    assert details.licence == ""
    assert details.languages[:2] == ("l0", "l1")
    assert len(details.languages) <= MAX_LANGUAGES
    assert (details.context_length, details.layers, details.parameters) == (None, None, None)
    assert not details.has_template


values = st.one_of(
    st.integers(-(2**63), 2**64), st.floats(), st.booleans(), st.text(max_size=20),
    st.lists(st.one_of(st.text(max_size=5), st.integers())).map(tuple),
)  # fmt: skip
keys = st.sampled_from(
    ["general.architecture", "general.name", "general.type", "general.file_type", "general.license",
     "general.languages", "llama.block_count", "llama.context_length", "tokenizer.chat_template"]
)  # fmt: skip


@given(st.dictionaries(keys, values), st.text(max_size=30))
def test_whatever_the_header_says(metadata, name):
    header = header_of(metadata)
    details = details_of(header, name)
    for text in (details.title, details.architecture, details.quantization, details.licence):
        assert text.isprintable()
    why_no_chat(header)


def test_i32_arrays_are_no_languages(tmp_path):
    writer = GgufWriter().add("general.languages", ARRAY, Array(I32, (1, 2)))
    assert details_of(read_header(write_model(tmp_path / "x.gguf", writer)), "x").languages == ()
