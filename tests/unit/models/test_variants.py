import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.hub import Access, Format, HubFile, HubRepository
from app.models.variants import variants_of

COMMIT = "0" * 40


def repository(*paths, name="maker/Model-GGUF", precision=""):
    """With files that are as large as their names are long."""
    files = tuple(HubFile(path, len(path)) for path in paths)
    return HubRepository(name, COMMIT, Access.OPEN, files, precision=precision)


def found(*paths, **options):
    """Each variant's label with its files and its projector."""
    return [
        (v.label, [file.path for file in v.files], v.projector.path if v.projector else None)
        for v in variants_of(repository(*paths, **options))
    ]


def test_one_variant_a_quantization_the_largest_first():
    variants = variants_of(repository("README.md", "Model-Q2_K.gguf", "Model-Q4_K_M.gguf", ".gitattributes"))
    assert [v.label for v in variants] == ["Q4_K_M", "Q2_K"]
    assert all(v.format is Format.GGUF and v.projector is None for v in variants)
    assert variants[0].repository == "maker/Model-GGUF"
    assert variants[0].revision == COMMIT
    assert variants[0].size == len("Model-Q4_K_M.gguf")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-fp16.gguf", "F16"),
        ("Qwen3-8B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("Q6_K/model.gguf", "Q6_K"),
        ("UD-IQ1_M/sub/model.gguf", "UD-IQ1_M"),
        ("Q6_K.gguf", "Q6_K"),
        ("Modell 家 Q8.GGUF", ""),
        ("ggml-model.gguf", ""),
    ],
)
def test_labels(path, label):
    assert found(path) == [(label, [path], None)]


def part(number, count, stem="Model-Q4_K_M"):
    return f"{stem}-{number:05}-of-{count:05}.gguf"


def test_parts_come_in_order():
    assert found(part(3, 3), part(1, 3), part(2, 3)) == [("Q4_K_M", [part(n, 3) for n in (1, 2, 3)], None)]


@pytest.mark.parametrize(
    "paths",
    [
        [part(1, 3), part(3, 3)],
        [part(2, 2)],
        [part(0, 1), part(1, 2)],
        [part(1, 2), part(2, 3)],
        [part(0, 0)],
        [part(1, 99999)],
        [part(1, 2), f"other/{part(2, 2)}"],
    ],
)
def test_incomplete_sets_are_left_out(paths):
    assert found(*paths) == []


def test_two_sets_of_parts_of_one_model():
    small, large = [part(n, 2) for n in (1, 2)], [part(n, 3) for n in (1, 2, 3)]
    assert found(*large, *small) == [("Q4_K_M", small, None)]
    assert found(*large, *small, "Model-Q4_K_M.gguf") == [("Q4_K_M", ["Model-Q4_K_M.gguf"], None)]


def test_folders_named_by_quantization():
    paths = [f"Q8_0/{part(n, 2, 'M-Q8_0')}" for n in (1, 2)] + [f"BF16/{part(n, 2, 'M')}" for n in (1, 2)]
    assert found(*paths) == [("Q8_0", paths[:2], None), ("BF16", paths[2:], None)]


@pytest.mark.parametrize(
    "path",
    ["imatrix.gguf", "Model-imatrix.gguf", "ggml-vocab-llama.gguf", "Model-LoRA-F16.gguf", "adapter.gguf",
     "mmproj-F16.gguf", "model.gguf.part", "model.bin"],
)  # fmt: skip
def test_what_is_no_model(path):
    assert found(path) == []


@pytest.mark.parametrize(
    ("projectors", "best"),
    [
        (["mmproj-F32.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"], "mmproj-F16.gguf"),
        (["mmproj-F32.gguf", "mmproj-BF16.gguf"], "mmproj-BF16.gguf"),
        (["mmproj-Q8_0.gguf", "mmproj-F32.gguf"], "mmproj-F32.gguf"),
        (["mmproj-model-f16.gguf"], "mmproj-model-f16.gguf"),
        (["Model-mmproj-bf16.gguf", "Model-mmproj-f16.gguf"], "Model-mmproj-f16.gguf"),
        (["mmproj-Model-fp16.gguf", "mmproj-Model-Q8_0.gguf"], "mmproj-Model-fp16.gguf"),
        (["mmproj/mmproj_odd.gguf"], "mmproj/mmproj_odd.gguf"),
        (["mmproj-SomeTower-f16.gguf"], "mmproj-SomeTower-f16.gguf"),
        (["mmproj-TowerA-f16.gguf", "mmproj-TowerB-f16.gguf"], None),
    ],
)
def test_projectors(projectors, best):
    assert found("Model-Q8_0.gguf", "Model-Q4_0.gguf", *projectors) == [
        ("Q4_0", ["Model-Q4_0.gguf"], best),
        ("Q8_0", ["Model-Q8_0.gguf"], best),
    ]


def test_a_projector_of_another_model_is_not_taken():
    assert found("A-4B-Q8_0.gguf", "A-12B-Q8_0.gguf", "mmproj-A-4B-F16.gguf") == [
        ("Q8_0", ["A-12B-Q8_0.gguf"], None),
        ("Q8_0", ["A-4B-Q8_0.gguf"], "mmproj-A-4B-F16.gguf"),
    ]


def test_a_projector_is_part_of_what_is_downloaded():
    variant = variants_of(repository("Model-Q8_0.gguf", "mmproj-F16.gguf"))[0]
    assert variant.size == len("Model-Q8_0.gguf") + len("mmproj-F16.gguf")


BESIDE = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
          "merges.txt", "tokenizer.model", "special_tokens_map.json", "chat_template.jinja",
          "preprocessor_config.json"]  # fmt: skip
NEVER = ["model.py", "modeling_x.py", "pytorch_model.bin", "model.pt", "model.pkl", "optimizer.pt",
         "tf_model.h5", "onnx/model.onnx", "original/consolidated.safetensors", "README.md",
         "training_args.bin", "flax_model.msgpack", "consolidated.safetensors",
         "evil.config.json"]  # fmt: skip


def test_safetensors_are_one_variant_without_code_and_pickles():
    name = "maker/Model"
    (variant,) = variants_of(repository(*NEVER, *BESIDE, "model.safetensors", name=name, precision="BF16"))
    assert variant.format is Format.SAFETENSORS
    assert variant.label == "BF16"
    assert [file.path for file in variant.files] == [*sorted(BESIDE), "model.safetensors"]


def weights(number, count):
    return f"model-{number:05}-of-{count:05}.safetensors"


def test_safetensors_in_parts():
    parts = [weights(n, 2) for n in (1, 2)]
    index = "model.safetensors.index.json"
    assert found("config.json", index, *reversed(parts)) == [("", ["config.json", index, *parts], None)]
    assert found("config.json", index, parts[0]) == []
    assert found(index, *parts) == []


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["config.json", "adapter_model.safetensors"], []),
        (["config.json", "sub/model.safetensors"], []),
        (["config.json", "weights.safetensors"], [("", ["config.json", "weights.safetensors"], None)]),
        (["model_index.json", "unet/model.safetensors"], []),
    ],
)
def test_which_safetensors_are_a_model(paths, expected):
    assert found(*paths) == expected


@pytest.mark.parametrize(
    ("name", "label"), [("m/Qwen3-8B-AWQ", "AWQ"), ("m/Qwen3-8B-FP8", "FP8"), ("m/Awqward-8B", "I32")]
)
def test_a_compressed_original_says_so_in_its_name(name, label):
    assert found("config.json", "model.safetensors", name=name, precision="I32")[0][0] == label


def test_gguf_and_safetensors_in_one_repository():
    assert [v.format for v in variants_of(repository("config.json", "model.safetensors", "m-Q8_0.gguf"))] == [
        Format.GGUF,
        Format.SAFETENSORS,
    ]


PIECES = st.sampled_from(
    ["Model", "-Q4_K_M", "-00001", "-of-", "00002", "-00002-of-00002", "mmproj", "-F16", ".gguf", "/", "fp16",
     ".", "model.safetensors", "config.json", "-99999-of-99999"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=12, unique=True))
def test_every_file_is_in_one_variant_at_most_and_every_set_is_complete(paths):
    given = repository(*paths)
    variants = variants_of(given)
    files = [file for variant in variants for file in variant.files]
    assert len(files) == len(set(files))
    assert set(files) <= set(given.files)
    for variant in variants:
        assert variant.files
        assert variant.projector not in variant.files


def test_ten_thousand_files_take_no_time():
    half = [f"M{n}-Q8_0.gguf" for n in range(5000)] + [f"mmproj-M{n}-F16.gguf" for n in range(5000)]
    start = time.monotonic()
    assert len(variants_of(repository(*half))) == 5000
    assert time.monotonic() - start < 5
