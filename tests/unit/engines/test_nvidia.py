import pytest

from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.engines.nvidia import GpuNeeds, lacks_driver, nvidia_gpus, why_not

NEEDS = GpuNeeds(compute_capability=(7, 5), cuda=(13, 0), memory=4 << 30)
H100 = Gpu("NVIDIA H100", 80 << 30, 79 << 30, "580.95", "9.0", cuda_version="13.0")
CPU = Cpu("A processor", "x86_64", 4, 8, 4)


def machine(*gpus):
    return Machine("Linux 6.8", CPU, Memory(32 << 30, 20 << 30), Disk("/", 1 << 40, 1 << 39), gpus)


def test_the_most_able_comes_first_and_others_are_left_out():
    t4 = Gpu("NVIDIA T4", 15 << 30, 14 << 30, "580.95", "7.5", cuda_version="13.0")
    b200 = Gpu("NVIDIA B200", 180 << 30, 170 << 30, "580.95", "10.0", cuda_version="13.0")
    radeon = Gpu("Radeon", 16 << 30, 15 << 30)
    assert nvidia_gpus(machine(t4, radeon, b200, H100)) == (b200, H100, t4)
    assert nvidia_gpus(machine(radeon)) == ()


@pytest.mark.parametrize(
    ("gpu", "said"),
    [
        (H100, ""),
        (
            Gpu("NVIDIA V100", 16 << 30, 15 << 30, "580.95", "7.0", cuda_version="13.0"),
            "The NVIDIA V100 is too old for vLLM: it has compute capability 7.0, and 7.5 is needed.",
        ),
        (
            Gpu("NVIDIA A100", 40 << 30, 39 << 30, "550.54", "8.0", cuda_version="12.4"),
            "The NVIDIA driver takes CUDA 12.4 at most, and vLLM needs 13.0: update the driver.",
        ),
        (
            Gpu("NVIDIA A100", 40 << 30, 39 << 30, "550.54", "8.0"),
            "The NVIDIA driver does not say which CUDA it takes, and vLLM needs 13.0: update the driver.",
        ),
        (
            Gpu("NVIDIA T400", 2_000_000_000, None, "580.95", "7.5", cuda_version="13.1"),
            "The NVIDIA T400 has 2.0 GB of memory, too little for vLLM with any model.",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Gpu) else None,
)
def test_why_a_gpu_will_not_do(gpu, said):
    assert why_not("vLLM", gpu, NEEDS) == said


def test_versions_are_numbers():
    newer = Gpu("NVIDIA H100", 80 << 30, None, "600.1", "9.0", cuda_version="13.10")
    assert not lacks_driver(newer, GpuNeeds((7, 5), (13, 2), 0))
