"""What vLLM's log says: what a start is at, why one failed, what memory was reserved.

Recorded from 0.32.0 on a processor and 0.26.0 on an H100; what could not be brought about there is from the
source of 0.33.0.
"""

from __future__ import annotations

import re

from app.domain.model import LocalModel
from app.engines.base import LoadReport

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
    latest, words = -1, "importing"
    for pattern, said in _STAGES:
        for match in pattern.finditer(log):
            if match.start() > latest:
                latest, words = match.start(), said.format(*match.groups())
    return words


def explain_failure(model: LocalModel, log: str, exit_status: int | None) -> str:
    """Why a start failed, in one sentence that begins after "did not start: "."""
    for pattern, sentence in (*_WANTS_OF_MEMORY, *_FAILURES):
        if match := re.search(pattern, log):
            return sentence.format(*(group or "" for group in match.groups()), name=model.path.name)
    if exit_status is None:
        return "it did not become ready in time. The machine may be too busy, or the model too large for it."
    if _was_killed(log, exit_status):
        return "its process was killed, most likely for want of memory. Use less context or a smaller model."
    return "vLLM could not load it. The log says more."


def lacked_memory(log: str, exit_status: int | None) -> bool:
    """True if a start failed for want of memory."""
    if any(re.search(pattern, log) for pattern, _ in _WANTS_OF_MEMORY):
        return True
    if any(re.search(pattern, log) for pattern, _ in _FAILURES):
        return False
    return exit_status is not None and _was_killed(log, exit_status)


def port_was_taken(log: str) -> bool:
    """True if another program had taken the port."""
    return re.search(_PORT_TAKEN, log) is not None


def read_load(log: str) -> LoadReport:
    """What lies on GPUs: weights, KV cache and captured graphs, over all GPUs that wrote of them.

    Nothing on a processor: there the processes' own memory tells all.
    """
    return LoadReport(
        gpu_bytes=sum(
            round(float(found) * _GIB) for pattern in _RESERVED for found in re.findall(pattern, log)
        )
    )


def _was_killed(log: str, exit_status: int) -> bool:
    """By SIGKILL, as the kernel does for want of memory, or SIGABRT: vLLM itself, or a process of its own."""
    return exit_status in (137, 128 + 6) or re.search(_CHILD_KILLED, log) is not None


_RESERVED = (
    r"Model loading took ([\d.]+) GiB",
    r"Available KV cache memory: ([\d.]+) GiB",
    r"Graph capturing finished in [\d.]+ secs, took ([\d.]+) GiB",
)

_CHILD_KILLED = r"Failed core proc\(s\): \{[^}]*: -(?:9|6)\b|died unexpectedly"
_PORT_TAKEN = r"address already in use|Address already in use"

_NO_MEMORY = "there is not enough memory. Use less context, a smaller model, or close other programs."

_TOO_LONG = (
    r"max seq len \((\d+)\), \(?([\d.]+) GiB KV cache is needed, which is larger than the available KV cache "
    r"memory \(([\d.]+) GiB\)"
)
_KV_CACHE = "a context of {0} tokens needs {1} GiB for the KV cache, and {2} GiB are left for it."

_WANTS_OF_MEMORY: tuple[tuple[str, str], ...] = (
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
    (
        r"OutOfMemoryError|CUDA out of memory|can't allocate memory|Cannot allocate memory|MemoryError",
        _NO_MEMORY,
    ),
)

_REPAIR = "its environment is not whole. Repair vLLM on the Engines page."

_FAILURES: tuple[tuple[str, str], ...] = (
    (_PORT_TAKEN, "its port was taken by another program. Try again."),
    (
        r"NVIDIA driver on your system is too old|CUDA driver version is insufficient",
        "the NVIDIA driver is too old for this vLLM. Update the driver.",
    ),
    (
        r"no kernel image is available for execution|CUDA capability sm_\d+ is not compatible",
        "this GPU is older than those that this vLLM was built for.",
    ),
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
        r"model type `([^`]*)` but Transformers does not recognize",
        "this vLLM does not know models of the kind “{0}”. A newer one may.",
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
    (
        r"No CUDA GPUs are available|Failed to infer device type",
        "vLLM found no GPU that it can use. Look whether the NVIDIA driver works (nvidia-smi).",
    ),
    (
        r"[Cc]annot find any model weights|Cannot find any safetensors",
        "the folder {name} holds no safetensors weights.",
    ),
    (
        r"Error while deserializing header|SafetensorError|incomplete metadata",
        "a file of weights in {name} ends early or is damaged. Download it again.",
    ),
    (
        r"Invalid repository ID or local directory specified|no file named config\.json",
        "the folder {name} is not a model that vLLM can read: its config.json is missing.",
    ),
    (
        r"operator torchvision::\w+ does not exist",
        "its environment holds a torchvision of another build. Repair vLLM on the Engines page.",
    ),
    (r"ModuleNotFoundError|No module named|cannot open shared object file", _REPAIR),
)
"""What vLLM writes to what a person should read; the first that matches holds."""
