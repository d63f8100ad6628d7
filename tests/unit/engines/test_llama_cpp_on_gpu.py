from dataclasses import replace

import pytest

from app.domain.errors import EngineStartFailed
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.engines import llama_cpp_on_gpu as module
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_on_gpu import LlamaCppCuda, LlamaCppVulkan
from tests.unit.engines.test_pins import machine

L4 = Gpu("NVIDIA L4", 24 << 30, 23 << 30, compute_capability="8.9", cuda_version="13.0")


class Installed:
    """An environment that has both libraries."""

    def __init__(self, root):
        self.root = root
        packages = root / "lib" / "python3.12" / "site-packages"
        for backend in ("cuda", "vulkan"):
            folder = packages / f"edgewise_llama_cpp_{backend}"
            folder.mkdir(parents=True)
            (folder / f"libggml-{backend}.so").touch()

    def python(self):
        return self.root / "bin" / "python"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    return Installed(tmp_path)


@pytest.fixture
def model(tmp_path):
    return LocalModel("small", tmp_path / "small.gguf", 1)


def launched(adapter, model, **options):
    return adapter.launch(model, LoadOptions(512, 2, **options), port=1234, api_key="key")


def test_it_starts_the_same_server_with_the_library(environment, model):
    own = launched(LlamaCpp(), model, gpu_layers=7)
    made = launched(LlamaCppVulkan(environment), model, gpu_layers=7, devices=("Vulkan0", "Vulkan2"))
    assert made.argv == (*own.argv, "--device", "Vulkan0,Vulkan2")
    assert made.argv[made.argv.index("--n-gpu-layers") + 1] == "7"
    assert made.env["GGML_BACKEND_PATH"].endswith("edgewise_llama_cpp_vulkan/libggml-vulkan.so")
    assert made.env["LLAMA_API_KEY"] == "key"
    assert "GGML_BACKEND_PATH" in own.env_without, "one of a person's own does not reach the built-in one"


def test_without_a_plan_it_takes_the_first_device(environment, model, monkeypatch):
    asked = []

    def listed(library):
        asked.append(library.name)
        lines = [f"  CUDA{number}: NVIDIA L4 (1 MiB, 1 MiB free)" for number in range(2)]
        return "\n".join(["Available devices:", *lines, ""])

    monkeypatch.setattr(module, "list_devices", listed)
    made = launched(LlamaCppCuda(environment), model)
    assert made.argv[-2:] == ("--device", "CUDA0")
    assert "--n-gpu-layers" not in made.argv, "llama.cpp finds out how many fit"
    assert asked == ["libggml-cuda.so"]


def test_without_a_gpu_it_says_so(environment, model, monkeypatch):
    monkeypatch.setattr(module, "list_devices", lambda _: "Available devices:\n  (none)\n")
    with pytest.raises(EngineStartFailed, match=r"llama\.cpp \(Vulkan\) finds no GPU"):
        launched(LlamaCppVulkan(environment), model)


def test_cuda_wants_an_nvidia_gpu_and_a_new_driver(environment):
    cuda = LlamaCppCuda(environment)

    def fitness(**gpu):
        return cuda.fitness(replace(machine(), gpus=(replace(L4, **gpu),)))

    assert fitness().can_run
    assert fitness().why == "Runs on the NVIDIA L4."
    assert fitness(cuda_version="12.4").why.endswith("llama.cpp (CUDA) needs 13.0: update the driver.")
    assert "too old" in fitness(compute_capability="6.1").why
    assert not fitness(compute_capability=None).can_run
    assert not cuda.fitness(machine()).can_run
    assert "on a Mac" in cuda.fitness(machine("Darwin 25.0", "arm64")).why


def test_vulkan_wants_a_gpu_of_any_maker_and_the_loader(environment):
    vulkan = LlamaCppVulkan(environment)
    here = replace(machine(), vulkan=True)
    assert vulkan.fitness(here).why == "llama.cpp (Vulkan) needs a GPU, and this machine shows none."
    assert not vulkan.fitness(here).can_run
    amd = replace(here, display_makers=("AMD",))
    assert vulkan.fitness(amd).can_run
    assert vulkan.fitness(amd).why.startswith("Should run on the AMD GPU")
    assert "NVIDIA L4" in vulkan.fitness(replace(here, gpus=(L4,))).why
    without = vulkan.fitness(replace(amd, vulkan=False))
    assert not without.can_run
    assert "libvulkan1" in without.why
    assert not vulkan.fitness(replace(machine("Darwin 25.0", "arm64"), display_makers=("AMD",))).can_run


def test_the_one_that_comes_along_uses_metal_on_apple_s_chips():
    assert LlamaCpp().fitness(machine("Darwin 25.0", "arm64")).why == "Runs on this Mac’s GPU, with Metal."
    assert LlamaCpp().fitness(machine("Darwin 25.0", "x86_64")).why == ""
