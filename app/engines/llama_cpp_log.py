"""What llama-server's log says of a load: which memory it reserved, and on which devices."""

from __future__ import annotations

import re

from app.domain.machine import is_software
from app.engines.base import LoadReport

_MEBIBYTE = 1 << 20
_BUFFER = re.compile(r": +(\S+) +(model|KV|RS|compute|output) buffer size = +(\d+(?:\.\d+)?) MiB")
_LAYERS = re.compile(r"offloaded (\d+)/\d+ layers to GPU")
_GPU = re.compile(r"[A-Za-z]+\d+(?:_(?!Mapped)\w+)?")
"""A device with a number ("CUDA0", "Vulkan1"): the host's buffers have none ("CPU", "CUDA_Host"). Where a
GPU shares main memory its mapped weights are the file's own pages."""
_DEVICE = re.compile(r": using device (\S+) \((.{1,200}?)\) \(")
_FILE = "_Mapped"
_LAID_OUT_ANEW = re.compile(r"CPU_(?!Mapped)\w+|AMX")


def read_load(log: str) -> LoadReport:
    """The report of the last load in `log`; nothing but zeros where the log does not say.

    Buffers are told at verbosity 4 (src/llama-model.cpp, src/llama-kv-cache.cpp, src/llama-context.cpp).
    """
    mapped = repeated = on_gpus = 0
    computing: dict[str, int] = {}
    # What lies "on" them lies in main memory, where the process is seen to have it.
    software = {device for device, name in _DEVICE.findall(log) if is_software(name)}
    for device, content, size in _BUFFER.findall(log):
        in_bytes = round(float(size) * _MEBIBYTE)
        gpu = _GPU.fullmatch(device) is not None and device not in software
        if content == "model":
            mapped += in_bytes if device.endswith(_FILE) else 0
            repeated += in_bytes if _LAID_OUT_ANEW.fullmatch(device) else 0
        if gpu and content == "compute":
            computing[device] = in_bytes  # reserved anew as it grows: the last one stands
        elif gpu:
            on_gpus += in_bytes
    layers = _LAYERS.findall(log)
    return LoadReport(
        # A processor's own matrix unit (AMX) counts as offloaded, too, and is no GPU.
        gpu_layers=int(layers[-1]) if layers and on_gpus else 0,
        gpu_bytes=on_gpus + sum(computing.values()),
        mapped_bytes=mapped,
        repeated_bytes=repeated,
    )
