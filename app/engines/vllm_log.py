"""What vLLM's log says: what a start is at, why one failed, what memory was reserved.

Recorded from 0.32.0 on a processor and 0.26.0 on an H100; what could not be brought about there is from the
source of 0.33.0.
"""

from __future__ import annotations

import re

from app.domain.model import LocalModel
from app.engines import torch_failures
from app.engines.base import LoadReport
from app.engines.torch_failures import FAILURES, OUT_OF_MEMORY, Failure, explain, latest_stage

_GIB = 1 << 30

_STAGES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Starting to load model", "loading the weights"),
        (r"checkpoint shards: +(\d+)% Completed", "loading the weights: {0} %"),
        (r"Loading weights took|Model loading took", "weights loaded"),
        (r"Warming up model for the compilation|Dynamo bytecode transform time", "compiling"),
        (r"Warming up done|torch\.compile took", "reserving the KV cache"),
        (r"KV cache size: ([\d,]+) tokens", "KV cache of {0} tokens"),
        (r"Capturing CUDA graphs[^\r\n]*?(\d+)%", "capturing CUDA graphs: {0} %"),
        (r"Graph capturing finished", "warming up"),
        (r"Starting vLLM server|Starting vLLM API server", "opening its API"),
    )
)
"""What a line begins, in the order in which they come."""


def start_progress(log: str) -> str:
    """What a start is at, in a few words; before its first words vLLM is importing for many seconds."""
    return latest_stage(log, _STAGES, "importing")


def explain_failure(model: LocalModel, log: str, exit_status: int | None) -> str:
    """Why a start failed, in one sentence that begins after "did not start: "."""
    return explain("vLLM", model, log, _status(log, exit_status), (*_WANTS_OF_MEMORY, *_FAILURES))


def lacked_memory(log: str, exit_status: int | None) -> bool:
    """True if a start failed for want of memory."""
    return torch_failures.lacked_memory(log, _status(log, exit_status), _WANTS_OF_MEMORY, _FAILURES)


def read_load(log: str) -> LoadReport:
    """What lies on GPUs: weights, KV cache and captured graphs, over all GPUs that wrote of them.

    Nothing on a processor: there the processes' own memory tells all.
    """
    return LoadReport(
        gpu_bytes=sum(
            round(float(found) * _GIB) for pattern in _RESERVED for found in re.findall(pattern, log)
        )
    )


def _status(log: str, exit_status: int | None) -> int | None:
    """That of the process of vLLM that was killed where one was; the one that answers then ends by itself."""
    killed = re.search(r"Failed core proc\(s\): \{[^}]*: -(\d+)", log)
    return 128 + int(killed[1]) if killed and exit_status is not None else exit_status


_RESERVED = (
    r"Model loading took ([\d.]+) GiB",
    r"Available KV cache memory: ([\d.]+) GiB",
    r"Graph capturing finished in [\d.]+ secs, took ([\d.]+) GiB",
)

_TOO_LONG = (
    r"max seq len \((\d+)\), \(?([\d.]+) GiB KV cache is needed, which is larger than the available KV cache "
    r"memory \(([\d.]+) GiB\)"
)
_KV_CACHE = "a context of {0} tokens needs {1} GiB for the KV cache, and {2} GiB are left for it."

_WANTS_OF_MEMORY: tuple[Failure, ...] = (
    (
        _TOO_LONG + r"\. Based on the available memory, the estimated maximum model length is (\d+)",
        _KV_CACHE + " Load it with {3} tokens at most, or give it a larger share of the memory.",
    ),
    (_TOO_LONG, _KV_CACHE + " Use less context, or give it a larger share of the memory."),
    (
        r"No available memory for the cache blocks",
        "its weights leave no memory for the KV cache. Give it a larger share of the memory, or use a smaller"
        " model.",
    ),
    (
        r"Free memory on device \S* ?\(([\d.]+)/([\d.]+) GiB\) on startup is less than desired GPU memory "
        r"utilization \([\d.]+, ([\d.]+) GiB\)",
        "it was to take {2} GiB of the GPU’s memory, and {0} of its {1} GiB are free. Close other programs"
        " that use the GPU, or give it a smaller share.",
    ),
    (
        r"on kv cache allocation is less than requested memory for kv \(([\d.]+)",
        "{0} GiB for the KV cache are not free. Use less context, a smaller model, or close other programs.",
    ),
    OUT_OF_MEMORY,
)

_FAILURES: tuple[Failure, ...] = (
    (
        r"Bfloat16 is only supported on GPUs",
        "this GPU cannot compute in bfloat16. Choose float16 as its data type.",
    ),
    (
        r"quantization method (\S+) is not supported for the current GPU"
        r"|[Uu]nknown quantization method:? '?(\w+)",
        "vLLM cannot compute with its quantization, {0}{1}, on this machine. Choose another build of the"
        " model.",
    ),
    (
        r"Model architectures \['([^']*)'",
        "this vLLM does not know models of the kind “{0}”. Transformers may load it, or a newer vLLM.",
    ),
    (
        r"max_model_len \((\d+)\) is greater than the derived max_model_len \(\w+=(\d+)",
        "the model was made for {1} tokens of context, not for {0}. Use less context.",
    ),
    (
        r"attention heads \((\d+)\) must be divisible by tensor parallel size \((\d+)\)",
        "its {0} attention heads cannot be shared by {1} GPUs. Choose a number of GPUs that divides them.",
    ),
    (
        r"World size \((\d+)\) is larger than the number of available GPUs \((\d+)\)",
        "{0} GPUs were asked for, and there are {1}.",
    ),
    *FAILURES,
)
"""What vLLM writes to what a person should read; the first that matches holds."""
