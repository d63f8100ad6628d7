"""Which model a file or folder is a form of, and at which precision it stores the weights.

Two are forms of one model if their sizes are equal, one of their names is, precision left out, and neither
was tuned (instruct, chat, …) where the other was not. Files are named by strangers and headers are careless:
the starter model's own name in its header is that of a training run. What is not sure is no form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.hub import Format
from app.domain.model import LocalModel, Place
from app.models.complete import complete_header
from app.models.details import MAX_TITLE, MAX_WORD, details_of
from app.models.gguf_header import GgufHeader
from app.models.model_files import MAX_CONFIG_BYTES, read_json
from app.models.model_shape import MAX_LAYERS, MAX_SIZE
from app.models.one_line import one_line
from app.models.safetensors_folder import details_of_folder
from app.models.weights import weigh

PLAIN = {"BF16": "bf16", "F16": "fp16", "F32": "fp32", "F64": "fp64"}
"""Types of floating point as headers name them, in the words of papers."""
PLAIN_BITS = {"bf16": 16.0, "fp16": 16.0, "fp32": 32.0, "fp64": 64.0}

_PRECISION = re.compile(
    r"(?:^|(?<=[-._ :/]))(?:(?:UD[-_])?(?:i1[-_])?I?Q\d+(?:_[A-Z0-9]+)*|B?F16|BFLOAT16|FP16|FLOAT16|HALF"
    r"|F32|FP32|FP8(?:[-_](?:DYNAMIC|BLOCK))?|NVFP4|MXFP4(?:_MOE)?|TQ[12]_0|W\d+A\d+|U?INT[48]|[48][-_]?BITS?|AWQ|GPTQ"
    r"|BNB|NF4|GGUF|SAFETENSORS|HF|IMATRIX|QUANTIZED(?:[-_.]W\d+A\d+)?)(?=$|[-._ :/])",
    re.IGNORECASE,
)
"""Words of a name that say how weights are stored, and for whom."""
_TUNINGS = frozenset(
    {
        "base", "pt", "pretrained", "instruct", "it", "chat", "sft", "dpo", "rlhf", "thinking", "reasoning",
        "coder", "code", "math", "distill", "guard", "vision", "vl", "uncensored", "abliterated", "embedding",
    }
)  # fmt: skip
"""Words that make another model of the same sizes."""
_SAYS_NOTHING = frozenset(
    {"model", "ggml", "pytorch", "consolidated", "main", "latest", "weights", "snapshot"}
)
_HASH = re.compile(r"[0-9a-f]{12,}")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a model's name and headers say of which one it is.

    `title` is its name for reading, without precision. `sizes`: layers, width, heads, vocabulary; None where
    one of them is not known. `precision` as it is stored ("Q4_K_M", "bf16", "AWQ int4"; empty if unknown) and
    `bits` a weight. `context_trained` in tokens.
    """

    title: str
    sizes: tuple[int, int, int, int] | None
    names: frozenset[tuple[str, ...]]
    tuning: frozenset[str]
    precision: str
    bits: float | None
    context_trained: int | None

    def is_same(self, other: Identity) -> bool:
        """Whether both are forms of the same model."""
        return (
            self.sizes is not None
            and self.sizes == other.sizes
            and self.tuning == other.tuning
            and not self.names.isdisjoint(other.names)
        )


def name_words(name: str) -> frozenset[str]:
    """The words of a model's name without whose it is and its precision, to tell names of the same one."""
    return _words(_PRECISION.sub("", name.rsplit("/", 1)[-1].replace(":", "-")))


def identity_of(model: LocalModel) -> Identity:
    """Read the headers of `model`. Raises ModelFileError where they are missing, damaged or end early."""
    return _of_folder(model) if model.format is Format.SAFETENSORS else _of_gguf(model)


def _of_gguf(model: LocalModel) -> Identity:
    header = complete_header(model.path, model.format)
    # Ollama's files are named by their hash.
    details = details_of(header, model.name if model.place is Place.OLLAMA else model.path.stem)
    precision = PLAIN.get(details.quantization, details.quantization)
    weights = sum(math.prod(tensor.shape) for tensor in header.tensors)
    bits = PLAIN_BITS.get(precision) or (header.tensor_bytes * 8 / weights if weights else None)
    tuned = _words(_text(header.metadata.get("general.finetune")))
    by_header = " ".join(
        _text(header.metadata.get(f"general.{key}"))
        for key in ("basename", "size_label", "finetune", "version")
    )
    return _identity(
        model,
        sizes=_complete(*_gguf_sizes(header)),
        also=by_header if header.metadata.get("general.basename") else "",
        tuned=tuned,
        precision=precision,
        bits=bits,
        context=details.context_length,
    )


def _gguf_sizes(header: GgufHeader) -> tuple[int | None, ...]:
    layers = header.integer("block_count")
    if layers is not None:  # heads that predict ahead are counted as layers
        layers -= header.integer("nextn_predict_layers") or 0
    heads = header.integer("attention.head_count")
    return layers, header.integer("embedding_length"), heads, weigh(header).shape.vocabulary


def _of_folder(model: LocalModel) -> Identity:
    config = read_json(model.path / "config.json", MAX_CONFIG_BYTES)
    text = config.get("text_config")
    sizes = {**config, **text} if isinstance(text, dict) else config
    details = details_of_folder(model.path)
    quantized = _quantized(config.get("quantization_config"))
    precision, bits = quantized or (PLAIN.get(details.quantization, details.quantization), None)
    return _identity(
        model,
        sizes=_complete(
            _count(sizes, "num_hidden_layers", MAX_LAYERS),
            _count(sizes, "hidden_size", MAX_SIZE),
            _count(sizes, "num_attention_heads", MAX_SIZE),
            _count(sizes, "vocab_size", MAX_SIZE),
        ),
        also="",  # `_name_or_path` is what it was made from as often as what it is
        tuned=frozenset(),
        precision=precision,
        bits=PLAIN_BITS.get(precision, bits),
        context=details.context_length,
    )


def _identity(
    model: LocalModel,
    *,
    sizes: tuple[int, int, int, int] | None,
    also: str,
    tuned: frozenset[str],
    precision: str,
    bits: float | None,
    context: int | None,
) -> Identity:
    """`also` is another name that the headers give it; `tuned` are their words for how it was trained on."""
    title = _title(model)
    own, other = _key(title), _key(also)
    tuning = (frozenset(own) | tuned) & _TUNINGS
    names = {own, other} if frozenset(other) & _TUNINGS <= tuning else {own}
    return Identity(
        re.sub(r"[-_ ]+", " ", title).strip(),
        sizes,
        frozenset(name for name in names if _says_something(name)),
        tuning,
        precision,
        bits,
        context,
    )


def _title(model: LocalModel) -> str:
    """The name without whose it is and without its precision."""
    parts = [_PRECISION.sub("", part) for part in model.name.split("/")]
    for part in reversed(parts):
        if _says_something(_key(part)):
            return one_line(part.strip("-._ :"), MAX_TITLE)
    return one_line(model.name, MAX_TITLE)


def _key(name: str) -> tuple[str, ...]:
    """The words of a name in an order of their own: people write "9b-it" and "it-9b"."""
    return tuple(sorted(_words(_PRECISION.sub("", name))))


def _words(name: str) -> frozenset[str]:
    return frozenset(filter(None, re.split(r"[\W_]+", name.casefold())))


def _says_something(key: tuple[str, ...]) -> bool:
    return any(word not in _SAYS_NOTHING and not word.isdigit() and not _HASH.fullmatch(word) for word in key)


def _quantized(value: object) -> tuple[str, float | None] | None:
    """Precision and bits of weights that config.json says are quantized; None for such as were trained."""
    if not isinstance(value, dict):
        return None
    method = _text(value.get("quant_method")).casefold()
    bits, kind = _bits_of(value)
    algorithm = _text(value.get("quant_algo")).casefold()  # ModelOpt's
    if "fp8" in method or "fp8" in algorithm or (kind == "float" and bits == 8):
        return "FP8", 8.0
    if "fp4" in method or "fp4" in algorithm or (kind == "float" and bits == 4):
        return ("MXFP4" if "mxfp4" in method else "NVFP4"), 4.25 if "mxfp4" in method else 4.5
    if method in ("awq", "gptq"):
        return f"{method.upper()} int{bits or 4}", float(bits or 4)
    if bits is not None:
        return f"int{bits}", float(bits)
    return method.upper(), None


def _bits_of(value: Mapping[str, object]) -> tuple[int | None, str]:
    """Bits a weight, and whether "int" or "float", as the several methods write it."""
    groups = value.get("config_groups")  # compressed-tensors
    if isinstance(groups, dict):
        for group in list(groups.values())[:1]:
            weights = group.get("weights") if isinstance(group, dict) else None
            if isinstance(weights, dict):
                return _count(weights, "num_bits", 16), _text(weights.get("type")).casefold()
    for flag, bits in (("load_in_8bit", 8), ("load_in_4bit", 4), ("_load_in_8bit", 8), ("_load_in_4bit", 4)):
        if value.get(flag) is True:
            return bits, "int"
    return _count(value, "bits", 16) or _count(value, "w_bit", 16), "int"


def _complete(*sizes: int | None) -> tuple[int, int, int, int] | None:
    layers, width, heads, vocabulary = sizes
    if not (layers and width and heads and vocabulary):
        return None
    return layers, width, heads, vocabulary


def _count(values: Mapping[str, object], key: str, most: int) -> int | None:
    value = values.get(key)
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
    return value if whole else None  # type: ignore[return-value]


def _text(value: object) -> str:
    return one_line(value, MAX_WORD) if isinstance(value, str) else ""
