"""A model's own chat template: the frame that its messages were trained to stand in.

GGUF keeps it under `tokenizer.chat_template`; transformers in chat_template.jinja, formerly in
chat_template.json or tokenizer_config.json, there also as a list of named ones. It comes from strangers and
is only ever compared here, never run.
"""

from __future__ import annotations

from pathlib import Path

from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.gguf_header import read_header
from app.models.model_files import read_json
from app.models.safetensors_folder import MAX_TOKENIZER_CONFIG

MAX_TEMPLATE_BYTES = 1 << 20
"""Of the file that holds one; the longest there are have some 20 kB."""
_NAME = "default"
"""Of several, the one for a plain chat."""


def template_of(model: LocalModel) -> str | None:
    """The template, without blanks around it; None where the model has none, or none that can be read.

    Raises ModelFileError for a GGUF file that is damaged.
    """
    if model.format is Format.GGUF:
        return _stripped(read_header(model.path).metadata.get("tokenizer.chat_template"))
    return (
        _stripped(_file(model.path / "chat_template.jinja"))
        or _of_json(model.path / "chat_template.json")
        or _of_json(model.path / "tokenizer_config.json")
    )


def _of_json(path: Path) -> str | None:
    value = read_json(path, MAX_TOKENIZER_CONFIG).get("chat_template")
    if isinstance(value, list):
        named = [it for it in value if isinstance(it, dict) and it.get("name") == _NAME]
        value = named[0].get("template") if named else None
    return _stripped(value)


def _file(path: Path) -> str | None:
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return None
        with path.open("rb") as file:
            raw = file.read(MAX_TEMPLATE_BYTES + 1)
        return raw.decode() if len(raw) <= MAX_TEMPLATE_BYTES else None
    except (OSError, ValueError):
        return None


def _stripped(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None
