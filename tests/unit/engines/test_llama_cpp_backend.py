import os
import sys

import pytest

from app.domain.errors import EngineMissing
from app.engines.llama_cpp_backend import backend_variables, device_names, library_in

LISTED = """ggml_vulkan: Found 2 Vulkan devices:
Available devices:
  Vulkan0: AMD Radeon RX 7800 XT (RADV NAVI32) (16368 MiB, 15800 MiB free)
  Vulkan1: AMD Radeon Graphics (RADV RAPHAEL_MENDOCINO) (15883 MiB, 15000 MiB free)
"""


def test_the_devices_of_one_backend():
    assert device_names(LISTED, "vulkan") == ("Vulkan0", "Vulkan1")
    assert device_names(LISTED, "cuda") == ()
    assert device_names("Available devices:\n  (none)\n", "vulkan") == ()


@pytest.fixture
def library(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    folder = tmp_path / "lib" / "python3.12" / "site-packages" / "edgewise_llama_cpp_vulkan"
    folder.mkdir(parents=True)
    library = folder / "libggml-vulkan.so"
    library.touch()
    return library


def test_where_it_lies_in_an_environment(tmp_path, library):
    assert library_in(tmp_path, "vulkan") == library
    with pytest.raises(EngineMissing, match=r"llama\.cpp’s library for CUDA is missing"):
        library_in(tmp_path, "cuda")


def test_what_a_program_is_told(library):
    assert backend_variables(library) == {"GGML_BACKEND_PATH": str(library)}


def test_on_windows_it_finds_nvidia_s_libraries_on_the_path(library, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PATH", "theirs")
    packages = library.parents[1]
    cublas = packages / "nvidia" / "cu13" / "bin" / "x86_64"
    cublas.mkdir(parents=True)
    told = backend_variables(library)
    expected = [str(library.parent), str(cublas.parent), str(cublas), "theirs"]
    assert told["PATH"] == os.pathsep.join(expected)
