"""What the log of our Transformers server says to a person."""

from __future__ import annotations

import re

from app.domain.model import LocalModel
from app.engines.base import LoadReport

_KILLED = (137, 128 + 6)  # SIGKILL by the kernel's out-of-memory killer; SIGABRT from a failed allocation

_NO_MEMORY = "there is not enough memory. Use less context, a smaller model, or close other programs."
_NO_MEMORY_FOR_CONTEXT = "there is not enough memory for a context of {0} tokens. Load it with less context."
_PORT_TAKEN = r"^port \d+ is taken|address already in use"

_FAILURES: tuple[tuple[str, str], ...] = (
    (_PORT_TAKEN, "its port was taken by another program. Try again."),
    (r"^not enough memory for a context of (\d+)", _NO_MEMORY_FOR_CONTEXT),
    (
        r"^no safetensors in",
        "the folder {name} holds no weights in the safetensors format. Others, such as pickled ones, can hold"
        " programs and are never loaded.",
    ),
    (
        r"^a GGUF model in several files",
        "Transformers reads GGUF models in one file alone. llama.cpp reads it.",
    ),
    (
        r"ggml type \S+ is not supported|of ggml type",
        "Transformers does not read its quantization. llama.cpp does.",
    ),
    (r"^no such model", "{name} is not there. It may have been moved or deleted."),
    (r"^cannot quantize a GGUF", "a GGUF file has its quantization already. Load it as it is."),
    (
        r"^cannot quantize on Metal",
        "quantizing on loading does not run on a Mac's GPU. Load it without, or take a quantized model.",
    ),
    (
        r"^cannot quantize: bitsandbytes is not installed",
        "the package that quantizes on loading, bitsandbytes, is not installed. Install the engine anew on"
        " the Engines page, or load the model as it is.",
    ),
    (
        r"(?:torchvision|torchaudio|torchcodec)\S* does not exist",
        "its environment holds packages for another kind of machine. Remove the engine and install it anew on"
        " the Engines page.",
    ),
    (
        r"No module named '([^']+)'|ImportError: .*?[Pp]lease.*?pip install[ -]*`?(\w+)",
        "the package {0}{1} is missing from its environment. Install the engine anew on the Engines page.",
    ),
    (
        r"trust_remote_code|contains custom code",
        "it needs a program that came with the model, and Edgewise never runs those. Choose another model.",
    ),
    (
        r"model type `([^`]*)` but Transformers does not recognize"
        r"|GGUF (?:model with )?architecture '?(\w+)'? is not supported"
        r"|Unrecognized configuration class \S*?(\w+)'>",
        "this Transformers does not know models of the kind “{0}{1}{2}” yet. A newer Edgewise may.",
    ),
    (
        r"Invalid layer type: (\w+)|Mamba\w* .*continuous batching",
        "Transformers cannot yet serve models with layers of the kind “{0}” to several at once.",
    ),
    (
        r"can't allocate memory|not enough memory|out of memory|MemoryError|Cannot allocate memory|bad_alloc"
        r"|Memory footprint \d+ is more than available",
        _NO_MEMORY,
    ),
    (
        r"Unrecognized model in|does not appear to have a file named config\.json",
        "{name} is not a whole model.",
    ),
    (
        r"SafetensorError|incomplete metadata|[Hh]eader too (?:small|large)|MetadataIncompleteBuffer"
        r"|unpack requires a buffer|GGUF magic invalid|reshape array of size",
        "the weights of {name} end early or are damaged. Download it again.",
    ),
    (r"Permission ?[Dd]enied", "{name} may not be read by you."),
)
"""What the server, Transformers and PyTorch write, with the pinned versions, and what a person reads."""

_WEIGHTS = re.compile(r"(?:Loading weights|GGUF tensors\.\.\.):\s+\d+%\|[^|\r\n]*\|\s*(\d+)/(\d+)")
_STEPS = {
    "importing": "starting PyTorch",
    "loading weights": "loading weights",
    "warming up": "trying the model out",
}
_SAID = re.compile(r"^edgewise: ([a-z ]+)", re.MULTILINE)
_MEMORY = re.compile(r"^edgewise: memory: weights (\d+) mapped (\d+) cache (\d+) on (\w+)$", re.MULTILINE)


def explain_failure(model: LocalModel, log: str, exit_status: int | None) -> str:
    """See `EngineAdapter.explain_failure`."""
    said = _last_words(log)
    for pattern, sentence in _FAILURES:
        if match := re.search(pattern, said):
            return sentence.format(*(group or "" for group in match.groups()), name=model.path.name)
    if exit_status is None:
        return "it did not become ready in time. The machine may be too busy, or the model too large for it."
    if exit_status in _KILLED:
        return "its process was killed, most likely for want of memory. Use less context or a smaller model."
    return "Transformers could not load it. The log says more."


def lacked_memory(log: str, exit_status: int | None) -> bool:
    """See `EngineAdapter.lacked_memory`."""
    said = _last_words(log)
    for pattern, sentence in _FAILURES:
        if re.search(pattern, said):
            return sentence in (_NO_MEMORY, _NO_MEMORY_FOR_CONTEXT)
    return exit_status in _KILLED


def port_was_taken(log: str) -> bool:
    """See `EngineAdapter.port_was_taken`."""
    return re.search(_PORT_TAKEN, _last_words(log)) is not None


def read_load(log: str) -> LoadReport:
    """See `EngineAdapter.read_load`. What lies in main memory is measured, not told."""
    said = _MEMORY.findall(log)
    if not said:
        return LoadReport()
    weights, mapped, cache, device = said[-1]
    if device == "cuda":
        return LoadReport(gpu_bytes=int(weights) + int(cache))
    return LoadReport(mapped_bytes=int(mapped))


def start_progress(log: str) -> str:
    """See `EngineAdapter.start_progress`."""
    said = [step for step in _SAID.findall(log) if step in _STEPS]
    if not said:
        return ""
    weights = _WEIGHTS.findall(log)
    if said[-1] == "loading weights" and weights:
        done, total = weights[-1]
        return f"loading weights: {done} of {total}"
    return _STEPS[said[-1]]


def _last_words(log: str) -> str:
    """Why the server ended, as it said itself; the whole log if it came to no such words.

    A traceback before them shows lines of programs, which speak of many things that did not happen.
    """
    _, found, said = log.rpartition("Cannot serve: ")
    return said if found else log
