import sys

import pytest

from app.domain.errors import EngineMissing
from app.engines.llama_cpp_programs import find_program, list_devices, only_cpu


def test_no_program(monkeypatch, tmp_path):
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="Run the set-up again") as caught:
        find_program("llama-server")
    assert str(tmp_path) in caught.value.detail


@pytest.mark.skipif(sys.platform == "win32", reason="programs are called otherwise there")
def test_where_programs_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "env"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    for folder in ("path", "env/bin", "bundle/bin"):
        program = tmp_path / folder / "llama-server"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        if folder.startswith("bundle"):
            monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path / "bundle"), raising=False)
        assert find_program("llama-server") == program


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["lib/libggml-base.so.0.25.3", "lib/libggml-cpu.so", "lib/libggml.so"], True),
        (["bin/libggml-base.so", "bin/libggml-cpu-haswell.so", "bin/libggml-cpu-x64.so"], True),
        (["bin/ggml-base.dll", "bin/ggml-cpu-alderlake.dll", "bin/ggml-vulkan.dll"], False),
        (["lib/libggml-base.dylib", "lib/libggml-cpu.dylib", "lib/libggml-metal.dylib"], False),
        (["lib/libggml-cpu.so", "lib/libggml-hip.so.0"], False),
        ([], False),
    ],
)
def test_builds_without_gpus(tmp_path, files, expected):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert only_cpu(tmp_path / "bin" / "llama-server") is expected


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Puts a script in llama-server's place."""

    def write(script):
        path = tmp_path / "bin" / "llama-server"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\n{script}", "utf-8")
        path.chmod(0o755)

    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    return write


@pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")
def test_devices_are_asked_for(server):
    server("import sys; print('Available devices:', sys.argv[1:]); sys.exit(1)")
    assert list_devices() == "Available devices: ['--list-devices']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="scripts are no programs there")
def test_a_server_that_hangs_or_is_none_lists_no_devices(server, monkeypatch):
    monkeypatch.setattr("app.engines.llama_cpp_programs.DEVICES_TIMEOUT_S", 0.3)
    server("import time; time.sleep(60)")
    assert list_devices() == ""
    monkeypatch.setattr("sysconfig.get_path", lambda _: "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    assert list_devices() == ""
