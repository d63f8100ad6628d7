"""The source is the pinned one, and the library takes ggml from llama-server."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from build import bootstrap, ggml_backend
from build.commands import Runner, SetupFailed
from build.elf import Elf
from build.ggml_backend import Pin, Progress

FILES = {
    "llama_cpp_python-0.3.36/vendor/llama.cpp/LICENSE": b"MIT",
    "llama_cpp_python-0.3.36/vendor/llama.cpp/ggml/CMakeLists.txt": b'project("ggml")',
    "llama_cpp_python-0.3.36/vendor/llama.cpp/ggml/src/ggml.c": b"int x;",
    "llama_cpp_python-0.3.36/vendor/llama.cpp/ggml-other/a.c": b"",
    "llama_cpp_python-0.3.36/vendor/llama.cpp/models/vocabulary.gguf": b"",
}
BASE = "libggml-base.so.0"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A source package with a link that leads out of it."""
    path = tmp_path / "source.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("llama_cpp_python-0.3.36/vendor/llama.cpp/ggml/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    return path


def pin_of(archive: Path) -> Pin:
    return Pin("0.3.36", hashlib.sha256(archive.read_bytes()).hexdigest())


def test_the_lock_pins_one_source_package() -> None:
    pin = Pin.read(bootstrap.REQUIREMENTS / "app.txt")
    assert f'"llama-cpp-python=={pin.version}"' in (bootstrap.PROJECT / "pyproject.toml").read_text()
    assert pin.requirement == f"llama-cpp-python=={pin.version} --hash=sha256:{pin.sha256}\n"


def test_a_lock_without_it_is_told(tmp_path: Path) -> None:
    lock = tmp_path / "app.txt"
    lock.write_text("llama-cpp-python==0.3.36\n")
    with pytest.raises(SetupFailed, match=r"app\.txt does not pin llama-cpp-python"):
        Pin.read(lock)


def test_ggml_and_its_licence_are_unpacked_and_nothing_else(archive: Path, tmp_path: Path) -> None:
    target = ggml_backend.unpack(archive, pin_of(archive), tmp_path / "source")
    found = {file.relative_to(target).as_posix() for file in target.rglob("*") if not file.is_dir()}
    assert found == {
        "vendor/llama.cpp/LICENSE",
        "vendor/llama.cpp/ggml/CMakeLists.txt",
        "vendor/llama.cpp/ggml/src/ggml.c",
    }


def test_another_source_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="not the pinned source"):
        ggml_backend.unpack(archive, Pin("0.3.36", "0" * 64), tmp_path / "source")
    assert not (tmp_path / "source").exists()


class Compiler(Runner):
    """Leaves a library where CMake would, under the names that Linux gives it."""

    def __init__(self, folder: Path, *, leaves: bool = True) -> None:
        super().__init__(folder, folder / "log", {})
        self.leaves = leaves
        self.commands: list[list[str]] = []

    def run(
        self, what: str, command: Sequence[str | Path], on_line: Callable[[str], None] | None = None
    ) -> str:
        self.commands.append([str(word) for word in command])
        if "--build" in command and self.leaves:
            place = self.folder / "work" / "build" / "bin"
            place.mkdir(parents=True)
            (place / "libggml-vulkan.so.0.25.3").write_bytes(b"ELF")
            (place / "libggml-vulkan.so").symlink_to("libggml-vulkan.so.0.25.3")
        return ""


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.usefixtures("on_linux")
def test_only_the_backend_is_compiled_and_for_any_processor(tmp_path: Path) -> None:
    runner = Compiler(tmp_path)
    library = ggml_backend.compile_backend(
        runner, tmp_path / "source", "vulkan", ["-DGGML_VULKAN=ON"], tmp_path / "work", 2
    )
    configured, built = runner.commands
    assert library.read_bytes() == b"ELF"
    assert {"-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_VULKAN=ON"} <= set(configured)
    assert built[built.index("--target") + 1] == "ggml-vulkan"
    assert f'"{tmp_path}/source/vendor/llama.cpp/ggml"' in (tmp_path / "work" / "CMakeLists.txt").read_text()


@pytest.mark.usefixtures("on_linux")
def test_a_compile_without_a_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match=r"no libggml-cuda\.so"):
        ggml_backend.compile_backend(
            Compiler(tmp_path, leaves=False), tmp_path, "cuda", [], tmp_path / "work", 2
        )


def test_the_library_takes_ggml_from_llama_server() -> None:
    names = (BASE, "libvulkan.so.1", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6")
    ggml_backend.check_needed(names, ["libvulkan.so.1"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("libvulkan.so.1", "libc.so.6"), "carries one of its own"),
        ((BASE, "libvulkan.so.1", "libgomp.so.1"), r"libgomp\.so\.1"),
        ((BASE, "libggml-cpu.so.0"), r"libggml-cpu\.so\.0"),
    ],
)
def test_a_library_that_would_not_load_elsewhere_is_refused(names: Sequence[str], said: str) -> None:
    with pytest.raises(SetupFailed, match=said):
        ggml_backend.check_needed(names, ["libvulkan.so.1"])


@pytest.mark.parametrize(
    ("asked", "oldest"), [({"GLIBC": (2, 34)}, 34), ({"GLIBC": (2, 2, 5)}, 17), ({}, 17)]
)
def test_the_oldest_glibc_is_that_of_the_newest_symbol(
    asked: dict[str, tuple[int, ...]], oldest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ggml_backend, "read_elf", lambda _: Elf((BASE, "libc.so.6"), asked))
    assert ggml_backend.check(Path("libggml-vulkan.so"), []) == oldest


def test_progress_is_told_in_tenths(capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress()
    told("[2/2] Linking CXX executable vulkan-shaders-gen\n")
    for step in range(1, 41):
        told(f"[{step}/40] Building CXX object a.o\n")
        told("a warning of the compiler\n")
    assert capsys.readouterr().out.splitlines() == [f"  {step} of 40 steps" for step in range(4, 41, 4)]


def test_unpacked_files_keep_the_times_of_the_package(archive: Path, tmp_path: Path) -> None:
    target = ggml_backend.unpack(archive, pin_of(archive), tmp_path / "source")
    source = target / "vendor/llama.cpp/ggml/src/ggml.c"
    assert source.stat().st_mtime == 0  # that of a TarInfo made here
