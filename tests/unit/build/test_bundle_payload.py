"""llama.cpp, engines' servers and what a copy knows of its release come to where the frozen app looks for
them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from build import bundle_payload
from build.bundle_payload import Bundle
from build.commands import SetupFailed

PROJECT = bundle_payload.PROJECT


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = Bundle(tmp_path / "Edgewise")
    made.inside.mkdir(parents=True)
    return made


def test_the_programs_are_those_that_the_app_starts() -> None:
    asked = {
        name
        for file in (PROJECT / "app").rglob("*.py")
        for name in re.findall(r'find_program\("([\w-]+)"\)', file.read_text(encoding="utf-8"))
    }
    assert asked == set(bundle_payload.PROGRAMS)


def test_of_a_library_the_name_is_taken_that_others_are_linked_with() -> None:
    wheel = [
        "libggml.so",
        "libggml.so.0",
        "libggml.so.0.25.3",
        "libllama-bench-impl.so",
        "libllama.0.5.0.dylib",
    ]
    assert bundle_payload.linked_names([*wheel, "libllama.0.dylib", "libllama.dylib", "README"]) == [
        "libggml.so.0",
        "libllama-bench-impl.so",
        "libllama.0.dylib",
    ]


def a_wheel(folder: Path) -> Path:
    """Site-packages with files of llama.cpp's names, their names in them."""
    variants = ("libggml-cpu-x64.so", *bundle_payload.LEFT_OUT)
    names = [f"bin/{name}" for name in (*bundle_payload.PROGRAMS, "llama-tts", *variants)]
    names += [f"lib/{name}" for name in ("libllama.so", "libllama.so.0", "libllama.so.0.5.0")]
    names += [f"lib/libllama-{name}-impl.so" for name in ("server", "batched-bench")]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="names of Linux")
def test_llama_cpp_comes_without_what_is_not_used(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openmp = tmp_path / "libgomp.so.1.0.0"
    openmp.write_text("OpenMP", encoding="utf-8")
    monkeypatch.setattr(bundle_payload, "_found_by_loader", lambda *_: openmp)
    bundle_payload.add_llama_cpp(bundle, a_wheel(tmp_path / "packages"))
    programs = {path.name for path in (bundle.inside / "bin").iterdir()}
    assert programs == {*bundle_payload.PROGRAMS, "libggml-cpu-x64.so"}
    libraries = {path.name for path in (bundle.inside / "lib").iterdir()}
    assert libraries == {"libllama.so.0", "libllama-server-impl.so", "libgomp.so.1"}


@pytest.mark.skipif(sys.platform == "win32", reason="variants lie elsewhere")
def test_a_llama_cpp_for_this_processor_alone_is_not_shipped(bundle: Bundle, tmp_path: Path) -> None:
    packages = a_wheel(tmp_path / "packages")
    for variant in (packages / "bin").glob("libggml-cpu-*"):
        variant.unlink()
    with pytest.raises(SetupFailed, match="variants are missing"):
        bundle_payload.add_llama_cpp(bundle, packages)


def test_engines_servers_are_found_by_another_python_which_leaves_nothing(bundle: Bundle) -> None:
    bundle_payload.add_engine_servers(bundle)
    sources = bundle.inside / "sources"
    before = sorted(sources.rglob("*"))
    environment = {"PYTHONPATH": str(sources), "SYSTEMROOT": "C:\\Windows"}
    program = "import app.engine_servers.model_files as it; print(it.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, check=True, text=True, env=environment
    )
    assert Path(done.stdout.strip()) == sources / "app" / "engine_servers" / "model_files.py"
    assert sorted(sources.rglob("*")) == before
    for name in ("transformers_server", "sglang_server", "gguf_converter"):
        assert (sources / "app" / "engine_servers" / f"{name}.py").is_file()


def test_a_copy_of_nobody_knows_no_releases() -> None:
    assert bundle_payload.release({}) == {"home": "", "wheels": {}}


def test_a_release_leaves_its_address_and_wheels(tmp_path: Path, bundle: Bundle) -> None:
    wheels = tmp_path / "wheels.json"
    wheel = {"url": "https://example.org/x.whl", "sha256": "0" * 64, "size": 12}
    wheels.write_text(json.dumps({"edgewise_llama_cpp_vulkan": {**wheel, "more": 1}}), encoding="utf-8")
    variables = {"EDGEWISE_RELEASES": "https://example.org/releases/", "EDGEWISE_WHEELS": str(wheels)}
    bundle_payload.add_resources(bundle, variables)
    from app.storage.release import read_release

    release = read_release(bundle.inside / "resources" / "release.json")
    assert release.home == "https://example.org/releases"
    assert release.wheels["edgewise_llama_cpp_vulkan"].size == 12
    assert (bundle.inside / "resources" / "catalog.json").is_file()


@pytest.mark.parametrize("content", [None, "[]", "{", '{"x": {"url": "https://example.org"}}'])
def test_what_describes_no_wheels_is_told(tmp_path: Path, content: str | None) -> None:
    wheels = tmp_path / "wheels.json"
    if content is not None:
        wheels.write_text(content, encoding="utf-8")
    with pytest.raises(SetupFailed, match="EDGEWISE_WHEELS"):
        bundle_payload.release({"EDGEWISE_WHEELS": str(wheels)})


def test_releases_come_over_https_alone() -> None:
    with pytest.raises(SetupFailed, match="https"):
        bundle_payload.release({"EDGEWISE_RELEASES": "http://example.org"})


def test_on_macos_data_lie_in_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    made = Bundle(tmp_path / "Edgewise.app")
    made.inside.mkdir(parents=True)
    bundle_payload.add_engine_servers(made)
    server = Path("app", "engine_servers", "transformers_server.py")
    assert (made.root / "Contents" / "Resources" / "sources" / server).is_file()
    assert (made.root / "Contents" / "Frameworks" / "sources" / server).is_file()
