import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.domain.machine import Gpu
from app.engines.llama_cpp import LlamaCpp
from app.services.engine_parts import EngineParts, find_adapter
from app.storage.paths import Paths
from tests.unit.engines.test_pins import machine

GPU = Gpu("H100", 80 << 30, 78 << 30, device="CUDA0")


@pytest.fixture
def parts(empty_home):
    return EngineParts(Paths.find())


@pytest.mark.parametrize("said", ["llama_cpp", "llama.cpp", "LLAMA CPP", "llamacpp"])
def test_an_engine_by_any_way_to_write_its_name(parts, said):
    found = find_adapter(parts, said)
    assert found is not None
    assert found.id == "llama_cpp"


def test_an_engine_that_there_is_not(parts):
    assert find_adapter(parts, "llama") is None


def test_nothing_is_installed_in_an_empty_home(parts):
    environments = {adapter.environment for adapter in parts.adapters()} - {None}
    assert environments
    assert not any(parts.is_installed(environment) for environment in environments)


def test_the_gpus_that_an_engine_s_build_computes_on(parts, monkeypatch):
    monkeypatch.setattr("app.hardware.nvidia.probe_nvidia", lambda: (GPU,))
    vllm: Any = find_adapter(parts, "vllm")
    assert parts.gpus(vllm) == (), "it is not installed"

    class Installed:
        variant = "cuda"

    environment = type(parts.environments.of("vllm"))
    monkeypatch.setattr(environment, "installed", lambda _: Installed)
    assert parts.gpus(vllm) == (GPU,)
    monkeypatch.setattr(Installed, "variant", "cpu")
    assert parts.gpus(vllm) == ()


def test_llama_cpp_s_gpus_are_those_its_build_finds_first_those_with_memory_of_their_own(parts, monkeypatch):
    shared = replace(GPU, unified_memory=True)

    def finds(*gpus):
        monkeypatch.setattr("app.services.engine_parts.listed_gpus", lambda *_: gpus)

    finds(GPU, shared)
    assert parts.gpus(LlamaCpp()) == (GPU,)
    finds(shared, shared)
    assert parts.gpus(LlamaCpp()) == (shared,)
    finds(replace(GPU, device=None))
    assert parts.gpus(LlamaCpp()) == ()


def test_a_build_for_gpus_is_preferred_where_it_finds_one(parts, monkeypatch):
    builds: Any = [find_adapter(parts, name) for name in ("llama_cpp_cuda", "llama.cpp (Vulkan)")]
    assert [parts.rank(it) for it in (LlamaCpp(), *builds)] == [1, 2, 2], "none is installed"
    assert [parts.gpus(it) for it in builds] == [(), ()]
    monkeypatch.setattr(EngineParts, "is_installed", lambda *_: True)
    asked = []

    def listed(library):
        asked.append(library)
        return (replace(GPU, device="Vulkan0"),) if library == Path("vulkan") else ()

    monkeypatch.setattr("app.services.engine_parts.listed_gpus", listed)
    for build in builds:
        monkeypatch.setattr(type(build), "library", lambda self: Path(self.backend))
    assert [parts.rank(it) for it in builds] == [2, 0]
    assert [parts.rank(it) for it in builds] == [2, 0]
    assert asked == [Path("cuda"), Path("vulkan")], "each was asked once"
    assert [gpu.device for gpu in parts.gpus(builds[1])] == ["Vulkan0"]


@pytest.mark.parametrize(
    ("listed", "can_run", "why"),
    [
        (
            "  Vulkan0: AMD Radeon RX 7800 XT (1 MiB, 1 MiB free)\n",
            True,
            "Runs on the AMD Radeon RX 7800 XT.",
        ),
        (
            "  Vulkan0: llvmpipe (LLVM 15.0.6, 256 bits) (1 MiB, 1 MiB free)\n",
            True,
            "computes on the processor",
        ),
        ("  (none)\n", False, "finds no GPU"),
    ],
)
def test_of_an_installed_build_for_gpus_what_it_finds_decides(parts, monkeypatch, listed, can_run, why):
    vulkan: Any = find_adapter(parts, "llama_cpp_vulkan")
    here = machine()
    assert parts.fitness(vulkan, here) == vulkan.fitness(here), "it is not installed"
    monkeypatch.setattr(EngineParts, "is_installed", lambda *_: True)
    monkeypatch.setattr(type(vulkan), "library", lambda self: Path(self.backend))
    monkeypatch.setattr(
        "app.engines.llama_cpp_programs.list_devices", lambda _: f"Available devices:\n{listed}"
    )
    fitness = parts.fitness(vulkan, here)
    assert fitness.can_run == can_run
    assert why in fitness.why


def test_tensorrt_llm_is_there_where_its_program_is(parts, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not parts.is_installed("tensorrt_llm")
    program = tmp_path / ("trtllm-serve.exe" if sys.platform == "win32" else "trtllm-serve")
    program.touch(mode=0o755)
    assert parts.is_installed("tensorrt_llm")
    monkeypatch.setattr("app.hardware.nvidia.probe_nvidia", lambda: (GPU,))
    adapter: Any = find_adapter(parts, "TensorRT-LLM")
    assert parts.gpus(adapter) == (GPU,)
