"""Why engines that compute with PyTorch on NVIDIA GPUs do not start: what their logs say, and what it means.

Each is a pattern and the sentence for it, in which `{engine}` is the engine and `{name}` the model's folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.domain.model import LocalModel

Failure = tuple[str, str]

PORT_TAKEN = r"[Aa]ddress already in use|Failed to bind socket"
NO_MEMORY = "there is not enough memory. Use less context, a smaller model, or close other programs."
OUT_OF_MEMORY: Failure = (
    r"OutOfMemoryError|CUDA out of memory|can't allocate memory|Cannot allocate memory|MemoryError",
    NO_MEMORY,
)
_KILLED = (137, 128 + 6)
"""SIGKILL, as the kernel does for want of memory; SIGABRT."""

FAILURES: tuple[Failure, ...] = (
    (PORT_TAKEN, "its port was taken by another program. Try again."),
    (
        r"NVIDIA driver on your system is too old|CUDA driver version is insufficient",
        "the NVIDIA driver is too old for this {engine}. Update the driver.",
    ),
    (
        r"no kernel image is available for execution|CUDA capability sm_\d+ is not compatible",
        "this GPU is older than those that this {engine} was built for.",
    ),
    (
        r"No CUDA GPUs are available|Failed to infer device type|No GPU devices found",
        "{engine} found no GPU that it can use. Look whether the NVIDIA driver works (nvidia-smi).",
    ),
    (
        r"model type `([^`]*)` but Transformers does not recognize",
        "this {engine} does not know models of the kind “{0}”. A newer one may.",
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
        "the folder {name} is not a model that {engine} can read: its config.json is missing.",
    ),
    (
        r"operator torchvision::\w+ does not exist",
        "its environment holds a torchvision of another build. Repair {engine} on the Engines page.",
    ),
    (
        r"ModuleNotFoundError|No module named|cannot open shared object file",
        "its environment is not whole. Repair {engine} on the Engines page.",
    ),
)
"""Those that are no want of memory."""


def explain(
    engine: str, model: LocalModel, log: str, exit_status: int | None, failures: Iterable[Failure]
) -> str:
    """The sentence of the first of `failures` that the log shows, or what the exit status says."""
    for pattern, sentence in failures:
        if match := re.search(pattern, log):
            groups = (group or "" for group in match.groups())
            return sentence.format(*groups, engine=engine, name=model.path.name)
    if exit_status is None:
        return "it did not become ready in time. The machine may be too busy, or the model too large for it."
    if exit_status in _KILLED:
        return "its process was killed, most likely for want of memory. Use less context or a smaller model."
    return f"{engine} could not load it. The log says more."


def lacked_memory(
    log: str, exit_status: int | None, wants: Iterable[Failure], others: Iterable[Failure]
) -> bool:
    """True if the log shows one of `wants` of memory, or none of the `others` and it was killed."""
    if any(re.search(pattern, log) for pattern, _ in wants):
        return True
    return exit_status in _KILLED and not any(re.search(pattern, log) for pattern, _ in others)


def port_was_taken(log: str) -> bool:
    """True if another program had taken the port."""
    return re.search(PORT_TAKEN, log) is not None


def latest_stage(log: str, stages: Iterable[tuple[re.Pattern[str], str]], first: str) -> str:
    """The words of the stage that the log told of last; `first` before any."""
    latest, words = -1, first
    for pattern, said in stages:
        for match in pattern.finditer(log):
            if match.start() > latest:
                latest, words = match.start(), said.format(*match.groups())
    return words
