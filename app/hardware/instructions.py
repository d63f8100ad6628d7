"""Instruction sets that decide how fast llama.cpp computes on this processor.

The names are those of the makers, and the selection that of ggml's CPU variants
(`ggml_add_cpu_backend_variant` in ggml/src/CMakeLists.txt). Each system tells them in its own words; what
the system does not let programs use is not told.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from app.hardware import reading, sysctl

Key = TypeVar("Key")

LINUX: Mapping[str, str] = {
    # x86, "flags" (arch/x86/include/asm/cpufeatures.h)
    "sse4_2": "SSE4.2",
    "avx": "AVX",
    "f16c": "F16C",
    "fma": "FMA",
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512F",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_int8": "AMX-INT8",
    "amx_bf16": "AMX-BF16",
    # ARM, "Features" (Documentation/arch/arm64/elf_hwcaps.rst; "neon" on 32 bits)
    "neon": "NEON",
    "asimd": "NEON",
    "asimdhp": "FP16",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "bf16": "BF16",
    "sve": "SVE",
    "sve2": "SVE2",
    "sme": "SME",
}
MACOS: Mapping[str, str] = {
    # Apple's own chips (developer.apple.com, "Determining instruction set characteristics")
    "hw.optional.arm.AdvSIMD": "NEON",
    "hw.optional.neon": "NEON",
    "hw.optional.arm.FEAT_FP16": "FP16",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "BF16",
    "hw.optional.arm.FEAT_SME": "SME",
    # Intel's
    "hw.optional.sse4_2": "SSE4.2",
    "hw.optional.avx1_0": "AVX",
    "hw.optional.f16c": "F16C",
    "hw.optional.fma": "FMA",
    "hw.optional.avx2_0": "AVX2",
    "hw.optional.avx512f": "AVX-512F",
    "hw.optional.avx512vnni": "AVX-512 VNNI",
}
WINDOWS_X86: Mapping[int, str] = {38: "SSE4.2", 39: "AVX", 40: "AVX2", 41: "AVX-512F"}
"""Arguments of IsProcessorFeaturePresent (winnt.h, PF_…). It does not tell of F16C, FMA, VNNI and AMX."""
WINDOWS_ARM: Mapping[int, str] = {
    19: "NEON",
    67: "FP16",
    43: "dotprod",
    66: "i8mm",
    68: "BF16",
    46: "SVE",
    47: "SVE2",
    70: "SME",
}


def probe_instruction_sets(root: Path = reading.ROOT) -> tuple[str, ...] | None:
    """This computer's, each once, the oldest first; None where the system does not tell."""
    if sys.platform == "linux":
        return from_cpuinfo(reading.text(root / "proc/cpuinfo"))
    if sys.platform == "darwin":
        return from_sysctl(sysctl.read_settings(MACOS))
    if sys.platform == "win32":
        present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent
        return from_windows(platform.machine(), lambda feature: bool(present(feature)))
    return None


def from_cpuinfo(text: str) -> tuple[str, ...] | None:
    """What /proc/cpuinfo's "flags" or "Features" hold. Only what all processors have counts."""
    common: set[str] | None = None
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            flags = set(value.split())
            common = flags if common is None else common & flags
    return None if common is None else _named(LINUX, common)


def from_sysctl(settings: Mapping[str, str]) -> tuple[str, ...] | None:
    """What macOS's settings say, "1" for an instruction set that is there."""
    if not any(name in settings for name in MACOS):
        return None
    return _named(MACOS, {name for name, value in settings.items() if value == "1"})


def from_windows(machine: str, present: Callable[[int], bool]) -> tuple[str, ...] | None:
    """What IsProcessorFeaturePresent answers on a processor of `platform.machine()`'s kind."""
    features = {"AMD64": WINDOWS_X86, "x86": WINDOWS_X86, "ARM64": WINDOWS_ARM}.get(machine)
    if features is None:
        return None
    try:
        return _named(features, {feature for feature in features if present(feature)})
    except (OSError, ctypes.ArgumentError):
        return None


def _named(names: Mapping[Key, str], found: set[Key]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for key, name in names.items() if key in found))
