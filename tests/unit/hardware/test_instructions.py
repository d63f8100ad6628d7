"""Instruction sets as processors of several kinds have them told."""

from __future__ import annotations

import pytest

from app.hardware.instructions import from_cpuinfo, from_sysctl, from_windows, probe_instruction_sets

SAPPHIRE_RAPIDS = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu vme sse sse2 ss ht pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave avx f16c \
rdrand hypervisor avx2 avx512f avx512dq avx512cd avx512bw avx512vl avx_vnni avx512_bf16 avx512_vnni \
avx512_fp16 amx_bf16 amx_tile amx_int8
bugs\t\t: spectre_v1 avx512_not_a_flag
"""
RAPTOR_LAKE = """\
processor\t: 0
model name\t: 13th Gen Intel(R) Core(TM) i7-13700H
flags\t\t: fpu sse4_1 sse4_2 avx f16c fma avx2 avx_vnni
vmx flags\t: vnmi preemption_timer avx512f
"""
ZEN_3 = "processor\t: 0\nmodel name\t: AMD Ryzen 5 5600X\nflags\t\t: sse4_2 fma avx f16c avx2 sse4a\n"
ZEN_4 = "flags\t\t: sse4_2 fma avx f16c avx2 avx512f avx512_bf16 avx512_vnni\n"
NEHALEM = "flags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 popcnt\n"
PI_5 = "processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp asimddp\n"
GRAVITON_3 = (
    "Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimddp sha512 sve asimdfhm dit i8mm"
    " bf16 dgh rng\n"
)
PI_2 = "model name\t: ARMv7 Processor rev 5 (v7l)\nFeatures\t: half thumb vfp neon vfpv4 idiva\n"

AVX2 = ("SSE4.2", "AVX", "F16C", "FMA", "AVX2")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            SAPPHIRE_RAPIDS,
            (*AVX2, "AVX-VNNI", "AVX-512F", "AVX-512 VNNI", "AVX-512 BF16", "AMX-INT8", "AMX-BF16"),
        ),
        (RAPTOR_LAKE, (*AVX2, "AVX-VNNI")),
        (ZEN_3, AVX2),
        (ZEN_4, (*AVX2, "AVX-512F", "AVX-512 VNNI", "AVX-512 BF16")),
        (NEHALEM, ("SSE4.2",)),
        (PI_5, ("NEON", "FP16", "dotprod")),
        (GRAVITON_3, ("NEON", "FP16", "dotprod", "i8mm", "BF16", "SVE")),
        (PI_2, ("NEON",)),
        ("flags :\n", ()),
        ("", None),
        ("\0\ufffd\n:::\n", None),
    ],
)
def test_linux(text: str, names: tuple[str, ...] | None) -> None:
    assert from_cpuinfo(text) == names


def test_only_what_all_processors_have_can_be_used() -> None:
    assert from_cpuinfo("Features : asimd sve\n\nFeatures : asimd\n") == ("NEON",)


M1 = {
    "hw.optional.neon": "1",
    "hw.optional.arm.AdvSIMD": "1",
    "hw.optional.arm.FEAT_FP16": "1",
    "hw.optional.arm.FEAT_DotProd": "1",
    "hw.optional.arm.FEAT_I8MM": "0",
    "hw.optional.arm.FEAT_BF16": "0",
}
M4 = {**M1, **{f"hw.optional.arm.FEAT_{name}": "1" for name in ("I8MM", "BF16", "SME")}}
INTEL_MAC = {"hw.optional.sse4_2": "1", "hw.optional.avx1_0": "1", "hw.optional.avx2_0": "1"}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (M1, ("NEON", "FP16", "dotprod")),
        (M4, ("NEON", "FP16", "dotprod", "i8mm", "BF16", "SME")),
        (INTEL_MAC, ("SSE4.2", "AVX", "AVX2")),
        ({"hw.optional.neon": "perhaps"}, ()),
        ({}, None),
    ],
)
def test_macos(settings: dict[str, str], names: tuple[str, ...] | None) -> None:
    assert from_sysctl(settings) == names


def test_windows() -> None:
    assert from_windows("AMD64", lambda feature: feature in (38, 39, 40)) == ("SSE4.2", "AVX", "AVX2")
    assert from_windows("ARM64", lambda feature: feature in (19, 43, 66)) == ("NEON", "dotprod", "i8mm")
    assert from_windows("PDP-11", bool) is None


def test_a_system_call_that_fails_tells_nothing() -> None:
    def fail(feature: int) -> bool:
        raise OSError("access violation")

    assert from_windows("AMD64", fail) is None


def test_this_computer() -> None:
    assert probe_instruction_sets()
