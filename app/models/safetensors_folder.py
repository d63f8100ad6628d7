"""What a folder of safetensors says of its model, and whether its files are whole.

The format is described in the README of huggingface/safetensors: eight bytes with the length of a JSON header
(little endian), the header with each tensor's type, shape and place, then the data. config.json is
transformers' own. Both come from strangers.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.model import ModelDetails
from app.models.details import MAX_PARAMETERS, MAX_TITLE, MAX_WORD
from app.models.model_files import MAX_CONFIG_BYTES, read_json
from app.models.model_shape import MAX_LAYERS, MAX_SIZE
from app.models.one_line import one_line

MAX_HEADER = 8 * 1024 * 1024
"""Bytes. The format allows 100 MB; real ones have a few hundred kB, and hostile JSON takes twenty times as
much memory."""
MAX_TOKENIZER_CONFIG = 8 * 1024 * 1024
"""Some list every added token."""


def details_of_folder(folder: Path) -> ModelDetails:
    """What config.json and the headers in `folder` say. Raises ModelFileError for a damaged header."""
    config = read_json(folder / "config.json", MAX_CONFIG_BYTES)
    text = config.get("text_config")
    inner = text if isinstance(text, dict) else {}  # models that see keep the language model's sizes there
    parameters = 0
    types: Counter[str] = Counter()
    for path in weight_files(folder):
        for kind, count in read_tensors(path):
            parameters += count
            types[kind] += count
    kind = max(types, key=lambda name: types[name], default="")
    return ModelDetails(
        title=one_line(folder.name, MAX_TITLE),
        architecture=_text(config.get("model_type")),
        parameters=parameters if 0 < parameters <= MAX_PARAMETERS else None,
        quantization=_quantization(config.get("quantization_config")) or one_line(kind, MAX_WORD),
        context_length=_count(config, inner, "max_position_embeddings", MAX_SIZE),
        licence="",
        has_template=_has_template(folder),
        layers=_count(config, inner, "num_hidden_layers", MAX_LAYERS),
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files directly in `folder`, by name."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(".safetensors"))
    except OSError:
        return []


def read_tensors(path: Path) -> list[tuple[str, int]]:
    """Type and element count of each tensor in the file, once it is known to be whole.

    Raises ModelFileError for a file that is damaged or ends early.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _damaged(path, f"its header claims {length} bytes")
            values = json.loads(file.read(length))
    except OSError as error:
        raise ModelFileError(f"the file {path.name} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "its header is no JSON") from error
    if not isinstance(values, dict):
        raise _damaged(path, "its header is no JSON object")
    tensors, end = [], 0
    for name, value in values.items():
        if name == "__metadata__":
            continue
        kind, count, last = _tensor(path, value)
        tensors.append((kind, count))
        end = max(end, last)
    if size < 8 + length + end:
        raise ModelFileError(
            f"the file {path.name} ends early ({size / 1e6:.0f} of {(8 + length + end) / 1e6:.0f} MB). "
            "Download it again.",
            detail=f"{path}: {size} of {8 + length + end} bytes",
        )
    return tensors


def _tensor(path: Path, value: object) -> tuple[str, int, int]:
    """Type, elements, and where its data ends after the header."""
    if isinstance(value, dict):
        kind, shape, place = value.get("dtype"), value.get("shape"), value.get("data_offsets")
        if (
            isinstance(kind, str)
            and isinstance(shape, list)
            and len(shape) <= 8
            and all(_is_count(length, 1 << 48) for length in shape)
            and isinstance(place, list)
            and len(place) == 2
            and all(_is_count(offset, 1 << 56) for offset in place)
            and place[0] <= place[1]
        ):
            return kind[:MAX_WORD], math.prod(shape), place[1]
    raise _damaged(path, "a tensor's entry cannot be read")


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(f"the file {path.name} is damaged: {why}. Download it again.", detail=str(path))


def _count(config: dict[str, object], inner: dict[str, object], key: str, most: int) -> int | None:
    for value in (config.get(key), inner.get(key)):
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most:
            return value
    return None


def _text(value: object) -> str:
    return one_line(value, MAX_WORD) if isinstance(value, str) else ""


def _quantization(value: object) -> str:
    """What transformers calls the method ("gptq"), in capitals; empty for weights as they were trained."""
    return _text(value.get("quant_method")).upper() if isinstance(value, dict) else ""


def _has_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    return bool(read_json(folder / "tokenizer_config.json", MAX_TOKENIZER_CONFIG).get("chat_template"))
