"""All files of a model together: whether they are there and whole, and their headers as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.models.gguf_header import GgufHeader, check_complete, read_header
from app.models.model_files import PART, parts_of
from app.models.safetensors_folder import read_tensors, weight_files


def complete_header(path: Path, format_: Format) -> GgufHeader:
    """The header of the GGUF model whose first file is `path`; of a split one with all parts' tensors.

    Raises ModelFileError where a file is missing or ends early, and for safetensors, which have none such.
    """
    if format_ is Format.SAFETENSORS:
        raise ModelFileError(
            "it is stored as safetensors, which llama.cpp does not read. Download the same model as GGUF."
        )
    first, *others = check_headers(path, format_)
    return replace(first, tensors=tuple(t for header in (first, *others) for t in header.tensors))


def check_headers(path: Path, format_: Format) -> list[GgufHeader]:
    """The headers of a GGUF model's files; of safetensors none. All files are there, and none ends early.

    Raises ModelFileError where that is not so, and OSError.
    """
    if format_ is Format.SAFETENSORS:
        for weights in weight_files(path):
            read_tensors(weights)
        return []
    match = PART.fullmatch(path.stem)
    parts = parts_of(path)
    if match is not None and len(parts) < int(match[3]):
        raise ModelFileError(
            f"{int(match[3]) - len(parts)} of its {int(match[3])} files are missing. Download it again."
        )
    headers = []
    for part in parts:
        header = read_header(part)
        check_complete(part, header)
        headers.append(header)
    return headers
