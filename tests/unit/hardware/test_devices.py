"""GPUs as `llama-server --list-devices` prints them."""

from __future__ import annotations

import pytest

from app.domain.machine import Gpu
from app.hardware.devices import merge, parse_devices

MIB = 1 << 20
LAPTOP = """\
ggml_vulkan: Found 2 Vulkan devices:
ggml_vulkan: 0 = Intel(R) UHD Graphics 770 (Intel Corporation) | uma: 1 | fp16: 1 | warp size: 32
Available devices:
  Vulkan0: Intel(R) UHD Graphics 770 (16264 MiB, 16000 MiB free)
  Vulkan1: NVIDIA GeForce RTX 4060 Laptop GPU (8188 MiB, 7400 MiB free)
"""
RTX = Gpu("NVIDIA GeForce RTX 4060 Laptop GPU", 8585740288, 7759462400, "580.65.06", "8.9")


def test_a_laptop_with_two_gpus() -> None:
    intel, nvidia = parse_devices(LAPTOP)
    assert intel == Gpu(
        "Intel(R) UHD Graphics 770", 16264 * MIB, 16000 * MIB, unified_memory=True, device="Vulkan0"
    )
    assert (nvidia.name, nvidia.memory_total, nvidia.device) == (RTX.name, 8188 * MIB, "Vulkan1")
    assert nvidia.unified_memory is None


def test_what_the_driver_told_is_kept_and_told_once() -> None:
    nvidia, intel = merge((RTX,), parse_devices(LAPTOP))
    assert (nvidia.memory_total, nvidia.driver, nvidia.device) == (RTX.memory_total, RTX.driver, "Vulkan1")
    assert intel.name == "Intel(R) UHD Graphics 770"


@pytest.mark.parametrize(
    ("line", "name", "shared"),
    [
        ("ROCm0: AMD Radeon RX 7900 XTX (24560 MiB, 24524 MiB free)", "AMD Radeon RX 7900 XTX", None),
        ("ROCm0: AMD Radeon(TM) Graphics (110511 MiB, 110357 MiB free)", "AMD Radeon(TM) Graphics", True),
        (
            "Vulkan0: AMD Radeon 780M Graphics (RADV PHOENIX) (16384 MiB, 16000 MiB free)",
            "AMD Radeon 780M Graphics (RADV PHOENIX)",
            True,
        ),
        (
            "SYCL0: Intel(R) Arc(TM) A770 Graphics (15473 MiB, 15473 MiB free)",
            "Intel(R) Arc(TM) A770 Graphics",
            None,
        ),
        (
            "Vulkan0: Intel(R) Arc(TM) 140V GPU (16GB) (18000 MiB, 17000 MiB free)",
            "Intel(R) Arc(TM) 140V GPU (16GB)",
            True,
        ),
        ("MTL0: Apple M1 Pro (10922 MiB, 10922 MiB free)", "Apple M1 Pro", True),
    ],
)
def test_makers(line: str, name: str, shared: bool | None) -> None:
    (gpu,) = parse_devices(f"Available devices:\n  {line}\n")
    assert (gpu.name, gpu.unified_memory) == (name, shared)
    assert gpu.memory_total


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Available devices:\n  (none)\n",
        "Available devices:\n",
        "Available devices:\n  BLAS: OpenBLAS (0 MiB, 0 MiB free)\n",
        "Available devices:\n  RPC0: 192.168.1.2:50052 (16075 MiB, 16075 MiB free)\n",
        "Available devices:\n  Vulkan0: llvmpipe (LLVM 15.0.7, 256 bits) (24105 MiB, 24105 MiB free)\n",
        "error: invalid argument: --list-devices\n",
        "  Vulkan0: before the headline (8 MiB, 8 MiB free)\n",
        "Available devices:\nVulkan0: not set in\n\0\x07  :: ()\n" + "x" * 100_000,
    ],
)
def test_none(text: str) -> None:
    assert parse_devices(text) == ()


@pytest.mark.parametrize(
    ("memory", "total", "free"),
    [
        ("(0 MiB, 0 MiB free)", None, None),
        ("(17592186044415 MiB, 8 MiB free)", None, None),
        (f"({'9' * 5000} MiB, 8 MiB free)", None, None),
        ("(8 MiB, 17592186044415 MiB free)", 8 * MIB, None),
        ("(8 MiB, 0 MiB free)", 8 * MIB, 0),
        ("", None, None),
    ],
)
def test_memory_that_cannot_be_is_unknown(memory: str, total: int | None, free: int | None) -> None:
    (gpu,) = parse_devices(f"Available devices:\n  Vulkan0: AMD Radeon RX 7900 XTX {memory}\n")
    assert (gpu.memory_total, gpu.memory_free) == (total, free)


def test_a_list_without_end_is_cut() -> None:
    lines = "".join(f"  Vulkan{n}: GPU {n} (8 MiB, 8 MiB free)\n" for n in range(1000))
    assert len(parse_devices("Available devices:\n" + lines)) == 64


def listed(*lines: str) -> tuple[Gpu, ...]:
    return parse_devices(
        "Available devices:\n" + "".join(f"  {line} (8 MiB, 8 MiB free)\n" for line in lines)
    )


def test_one_gpu_in_two_backends_is_one() -> None:
    gpus = listed("ROCm0: AMD Radeon RX 7900 XTX", "Vulkan0: AMD Radeon RX 7900 XTX (RADV NAVI31)")
    assert [gpu.device for gpu in merge((), gpus)] == ["ROCm0"]


def test_two_gpus_of_one_name_are_two() -> None:
    names = ("CUDA0: NVIDIA A100", "CUDA1: NVIDIA A100", "Vulkan0: NVIDIA A100", "Vulkan1: NVIDIA A100")
    known = Gpu("NVIDIA A100", 80 << 30, None)
    assert [gpu.device for gpu in merge((known, known), listed(*names))] == ["CUDA0", "CUDA1"]
    assert [gpu.device for gpu in merge((), listed(*names))] == ["CUDA0", "CUDA1"]


def test_metals_own_limit_takes_the_estimates_place() -> None:
    known = Gpu("Apple M1 Pro", 11 << 30, None, unified_memory=True, memory_is_estimate=True)
    (gpu,) = merge(
        (known,), parse_devices("Available devices:\n  MTL0: Apple M1 Pro (10922 MiB, 9 MiB free)")
    )
    assert (gpu.memory_total, gpu.memory_is_estimate) == (10922 * MIB, False)
