"""GPUs as `llama-server --list-devices` tells of them: Vulkan, ROCm, SYCL and what else its build has.

The text comes from above, because only engines know where the program is. Each line, after
"Available devices:", is "  NAME: DESCRIPTION (TOTAL MiB, FREE MiB free)" (llama.cpp, common/arg.cpp);
"(none)" stands where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.domain.machine import Gpu, is_software
from app.hardware.reading import whole_number

MIB = 1 << 20
MOST_MIB = 1 << 24
"""16 TiB: nobody has it, so who says more is wrong."""
MOST_DEVICES = 64
LINE = re.compile(
    r"\s+(?P<device>[A-Za-z_]+\d*): (?P<name>.{1,200}?)"
    r"(?: \((?P<total>\d+) MiB, (?P<free>\d+) MiB free\))?\s*"
)
NO_GPUS = ("BLAS", "RPC", "CPU")
"""Devices that compute on the processor, or on another computer."""
SHARED = re.compile(
    r"Intel\(R\) (?:U?HD|Iris|Graphics)|Intel\(R\) Arc\(TM\) (?:Graphics|\d+[VT] )"
    r"|(?:AMD )?Radeon(?:\(TM\))? (?:Vega )?(?:\d+[MS]? )?Graphics|Apple |Adreno|Mali",
    re.IGNORECASE,
)
"""Names of GPUs that are part of the processor. llama.cpp does not print which are."""


def parse_devices(text: str) -> tuple[Gpu, ...]:
    """The GPUs in what `llama-server --list-devices` prints. Lines that are no device are passed over."""
    _, _, listed = text[: 1 << 20].partition("Available devices:")
    found: list[Gpu] = []
    for line in listed.splitlines():
        match = LINE.fullmatch(line)
        if match is None or match["device"].rstrip("0123456789") in NO_GPUS or is_software(match["name"]):
            continue
        name = "".join(c for c in match["name"].strip() if c.isprintable())
        total = whole_number(match["total"], MOST_MIB) or None
        free = whole_number(match["free"], total) if total is not None else None
        found.append(
            Gpu(
                name or match["device"],
                total * MIB if total is not None else None,
                free * MIB if free is not None else None,
                unified_memory=True if SHARED.match(name) else None,
                device=match["device"],
            )
        )
    return tuple(found[:MOST_DEVICES])


def merge(known: Sequence[Gpu], listed: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """GPUs that the system told of and those that llama.cpp lists, each once.

    One GPU may be listed twice, by CUDA and by Vulkan: the first of its name keeps llama.cpp's name for it.
    The system's figures are kept, as they are exact to the byte; Apple's limit is an estimate until
    llama.cpp, which asks Metal, has told it.
    """
    merged = list(known)
    backends: dict[str, str] = {}
    for gpu in listed:
        backend = (gpu.device or "").rstrip("0123456789")
        place = next((i for i, old in enumerate(merged) if old.device is None and _same(old, gpu)), None)
        if place is not None:
            old = merged[place]
            estimated = old.memory_is_estimate and gpu.memory_total is not None
            merged[place] = replace(
                old,
                device=gpu.device,
                memory_total=gpu.memory_total if estimated else old.memory_total,
                memory_is_estimate=old.memory_is_estimate and not estimated,
            )
            backends[_key(gpu)] = backends.get(_key(gpu), backend)
        elif backends.setdefault(_key(gpu), backend) == backend:
            merged.append(gpu)  # two of one name in one backend are two
    return tuple(merged)


def _same(system: Gpu, listed: Gpu) -> bool:
    return _key(system) == _key(listed)


def _key(gpu: Gpu) -> str:
    """A GPU's name without what backends add: the driver in parentheses, trademarks, the maker."""
    name = re.sub(r"\([^)]*\)", " ", gpu.name)
    return " ".join(word for word in name.casefold().split() if word not in ("nvidia", "corporation"))
