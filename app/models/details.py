"""What a model's header says of it, in words and counts for a list.

Every text in a header comes from strangers: it is cut to a line of bounded length without characters that
cannot be seen, and every number is taken only where it can be one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from app.domain.model import ModelDetails
from app.domain.quantization import FILE_TYPES, known, split_name
from app.models.gguf_header import GGML_TYPES, GgufHeader
from app.models.model_shape import MAX_LAYERS, MAX_SIZE
from app.models.one_line import one_line

MAX_TITLE = 120
MAX_WORD = 60
MAX_LANGUAGES = 32
MAX_PARAMETERS = 10**15
"""A thousand times the largest model there is."""
_GUESSED = 1024
"""Added to `general.file_type` where llama.cpp guessed it (llama.h, LLAMA_FTYPE_GUESSED)."""
_PLAIN_TYPES = frozenset({"F32", "F16", "BF16"})
_EMBEDDERS = frozenset(
    {
        "bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3",
        "eurobert", "gemma-embedding", "t5encoder",
    }
)  # fmt: skip
"""Architectures of llama.cpp (src/llama-arch.cpp) that turn a text into one vector."""


def details_of(header: GgufHeader, file_name: str, further: Sequence[GgufHeader] = ()) -> ModelDetails:
    """What `header` says; `further` are those of a split model's later parts. Never raises.

    `file_name`, with its ending or without, says what the header leaves open.
    """
    stem = file_name[:-5] if file_name.lower().endswith(".gguf") else file_name
    by_name, quantization_by_name = split_name(stem)
    licence = _text(header, "general.license", MAX_WORD)
    if licence.casefold() in ("", "other"):
        licence = _text(header, "general.license.name", MAX_WORD) or licence
    layers = header.integer("block_count")
    context = header.integer("context_length")
    return ModelDetails(
        title=_text(header, "general.name", MAX_TITLE) or one_line(by_name, MAX_TITLE),
        architecture=one_line(header.architecture, MAX_WORD),
        parameters=_parameters((header, *further)),
        quantization=_quantization((header, *further), one_line(quantization_by_name, MAX_WORD)),
        context_length=context if context is not None and 0 < context < MAX_SIZE else None,
        licence=licence,
        has_template=bool(_text(header, "tokenizer.chat_template", MAX_WORD)),
        layers=layers if layers is not None and 0 < layers <= MAX_LAYERS else None,
        languages=_languages(header),
        is_projector=_is_projector(header),
    )


def why_no_chat(header: GgufHeader) -> str:
    """Why nobody can chat with this model, in a sentence; empty where one can."""
    if header.architecture in _EMBEDDERS:
        return "This model turns texts into vectors; it cannot chat."
    return why_no_model(header)


def why_no_model(header: GgufHeader) -> str:
    """Why a file with this header is no model of its own, in a sentence; empty for one that is."""
    kind = _text(header, "general.type", MAX_WORD)
    if _is_projector(header):
        return "This is a projector: it lets a model see, and is none itself."
    if kind == "adapter":
        return "This is an adapter (LoRA) for another model, not a model of its own."
    if kind == "imatrix" or header.architecture in ("", "imatrix"):
        return "This file holds no model: its header names no architecture."
    return "" if header.tensors else "This file has a header but no weights."


def _text(header: GgufHeader, key: str, most: int) -> str:
    value = header.metadata.get(key)
    return one_line(value, most) if isinstance(value, str) else ""


def _is_projector(header: GgufHeader) -> bool:
    return header.architecture == "clip" or header.metadata.get("general.type") == "mmproj"


def _parameters(headers: Sequence[GgufHeader]) -> int | None:
    count = sum(math.prod(tensor.shape) for header in headers for tensor in header.tensors)
    return count if 0 < count <= MAX_PARAMETERS else None


def _quantization(headers: Sequence[GgufHeader], by_name: str) -> str:
    """The header's own word, the name's where that is a finer one ("UD-Q4_K_XL"), else most weights' type."""
    value = headers[0].metadata.get("general.file_type")
    by_header = ""
    if isinstance(value, int) and not isinstance(value, bool):
        by_header = FILE_TYPES.get(value & ~_GUESSED, "")
    if by_header and (not by_name or known(by_name) is not None):
        return by_header
    return by_name or _dominant(headers)


def _dominant(headers: Sequence[GgufHeader]) -> str:
    """The type of most bytes; plain numbers only where there is nothing else."""
    sizes: Counter[str] = Counter()
    for header in headers:
        for tensor in header.tensors:
            if tensor.size is not None:
                sizes[GGML_TYPES[tensor.type_id][0]] += tensor.size
    packed = {name: size for name, size in sizes.items() if name not in _PLAIN_TYPES}
    of = packed or dict(sizes)
    return max(of, key=lambda name: of[name], default="")


def _languages(header: GgufHeader) -> tuple[str, ...]:
    value = header.metadata.get("general.languages")
    if not isinstance(value, tuple):
        return ()
    texts = (one_line(text, MAX_WORD) for text in value[:MAX_LANGUAGES] if isinstance(text, str))
    return tuple(dict.fromkeys(filter(None, texts)))
