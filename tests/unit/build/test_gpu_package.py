"""The wheel of a backend: what it is called, holds and requires."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from build import bootstrap, gpu_package, system_packages
from build.commands import Runner, SetupFailed
from build.elf import Elf
from build.ggml_backend import Pin
from build.gpu_package import Kind
from build.vulkan_tools import VulkanTools

NVCC = "Cuda compilation tools, release {}, V{}.48\n"
NEEDED = {
    "vulkan": ("libggml-base.so.0", "libvulkan.so.1", "libc.so.6"),
    "cuda": ("libggml-base.so.0", "libcudart.so.13", "libcublas.so.13", "libcuda.so.1"),
}


class Machine(Runner):
    """Answers as compilers do, and leaves a library."""

    nvcc = NVCC.format("13.0", "13.0")

    def run(
        self, what: str, command: Sequence[str | Path], on_line: Callable[[str], None] | None = None
    ) -> str:
        words = [str(word) for word in command]
        if words[0] == "nvcc":
            return self.nvcc
        if "--build" in words:
            backend = words[words.index("--target") + 1]
            (Path(words[2]) / f"lib{backend}.so").write_bytes(b"ELF")
        if words[0] == "cmake" and "-B" in words:
            Path(words[words.index("-B") + 1]).mkdir(parents=True)
            self.log.write_text("\n".join(words))
        return ""


def read_elf(library: Path) -> Elf:
    backend = library.stem.removeprefix("libggml-")
    return Elf(NEEDED[backend], {"GLIBC": (2, 34)})


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unpacked source package, on a machine with compilers."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(gpu_package, "Runner", Machine)
    monkeypatch.setattr(gpu_package, "FOLDER", tmp_path / "work")
    monkeypatch.setattr("build.ggml_backend.read_elf", read_elf)
    monkeypatch.setattr(system_packages, "provide_compiler", lambda _: None)
    headers = tmp_path / "doc" / "libvulkan-dev" / "copyright"
    headers.parent.mkdir(parents=True)
    headers.write_text("Apache-2.0")
    monkeypatch.setattr(
        "build.vulkan_tools.provide", lambda *_: VulkanTools(("-DVulkan_GLSLC_EXECUTABLE=glslc",), (headers,))
    )
    licence = tmp_path / "source" / "vendor" / "llama.cpp" / "LICENSE"
    licence.parent.mkdir(parents=True)
    licence.write_text("MIT License")
    return tmp_path / "source"


def make(backend: str, source: Path, tmp_path: Path) -> tuple[Path, PathDistribution]:
    wheel = gpu_package.make(backend, source, "90-real", 1, tmp_path / "wheels")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return wheel, PathDistribution(next((tmp_path / "site").glob("*.dist-info")))


def test_vulkans_wheel_holds_the_library_and_requires_nothing(source: Path, tmp_path: Path) -> None:
    wheel, found = make("vulkan", source, tmp_path)
    pinned = Pin.read(bootstrap.REQUIREMENTS / "app.txt").version
    assert wheel.name == f"edgewise_llama_cpp_vulkan-{pinned}-py3-none-manylinux_2_34_x86_64.whl"
    assert found.metadata["Name"] == "edgewise-llama-cpp-vulkan"
    assert found.requires is None
    package = tmp_path / "site" / "edgewise_llama_cpp_vulkan"
    assert (package / "libggml-vulkan.so").read_bytes() == b"ELF"
    assert (package / "__init__.py").is_file()
    licences = next((tmp_path / "site").glob("*.dist-info")) / "licenses"
    assert {file.name: file.read_text() for file in licences.iterdir()} == {
        "LICENSE-llama.cpp.txt": "MIT License",
        "LICENSE-libvulkan-dev.txt": "Apache-2.0",
    }
    configured = (tmp_path / "work" / "vulkan.log").read_text().splitlines()
    assert {"-DGGML_VULKAN=ON", "-DVulkan_GLSLC_EXECUTABLE=glslc"} <= set(configured)


def test_cudas_wheel_requires_nvidias_libraries_and_finds_them(source: Path, tmp_path: Path) -> None:
    wheel, found = make("cuda", source, tmp_path)
    assert found.requires == ["nvidia-cuda-runtime>=13.0,<14", "nvidia-cublas>=13,<14"]
    configured = (tmp_path / "work" / "cuda.log").read_text().splitlines()
    assert "-DCMAKE_CUDA_ARCHITECTURES=90-real" in configured
    assert "-DGGML_CUDA_GRAPHS=ON" in configured
    path = next(word for word in configured if word.startswith("-DCMAKE_INSTALL_RPATH=")).partition("=")[2]
    package = tmp_path / "site" / "edgewise_llama_cpp_cuda"
    assert (package / "libggml-cuda.so").is_file()
    # NVIDIA's wheels of CUDA 13 put libcudart.so.13 into nvidia/cu13/lib of the same site-packages.
    assert (
        Path(path.replace("$ORIGIN", str(package))).resolve() == tmp_path / "site" / "nvidia" / "cu13" / "lib"
    )
    assert wheel.name.startswith("edgewise_llama_cpp_cuda-")


@pytest.mark.parametrize("release", ["12.9", "14.0"])
def test_another_cuda_is_refused(
    release: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "nvcc", NVCC.format(release, release))
    with pytest.raises(SetupFailed, match=f"CUDA 13 is needed; nvcc here is of version {release}"):
        gpu_package.make("cuda", source, "90-real", 1, tmp_path / "wheels")


def test_on_a_mac_there_is_metal(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SetupFailed, match="Metal"):
        gpu_package.make("vulkan", source, "", 1, tmp_path / "wheels")


def test_windows_wheels_say_so(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind((), (), (), ())
    monkeypatch.setattr("sys.platform", "win32")
    for machine, tag in (("AMD64", "win_amd64"), ("ARM64", "win_arm64")):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        assert gpu_package.platform_tag(tmp_path, kind) == tag


def test_a_failure_is_a_sentence(
    source: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "nvcc", "command not understood")
    assert gpu_package.main(["cuda", "--source", str(source)]) == 1
    assert "CUDA 13 is needed" in capsys.readouterr().err
