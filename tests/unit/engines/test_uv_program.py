"""What uv is told, and what its lines say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.environment import InstallPhase
from app.domain.errors import InstallFailed
from app.engines.uv_program import UvLines, find_uv, own_python, source_options, uv_environment
from tests.wheelhouse import UV_FOLDER

CACHE, PYTHONS = Path("cache"), Path("pythons")
NOTHING = {"PIP_CONFIG_FILE": os.devnull}


def told(environment: dict[str, str], *, from_folder: bool = False) -> dict[str, str]:
    return uv_environment(CACHE, PYTHONS, from_folder=from_folder, environment={**NOTHING, **environment})


def test_pip_s_settings_and_our_folders_reach_uv() -> None:
    variables = told(
        {"PIP_INDEX_URL": "https://mirror.example/simple", "HTTPS_PROXY": "http://proxy.example"}
    )
    assert variables["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert variables["HTTPS_PROXY"] == "http://proxy.example"
    assert (variables["UV_CACHE_DIR"], variables["UV_PYTHON_INSTALL_DIR"]) == ("cache", "pythons")
    assert variables["UV_SYSTEM_CERTS"] == "1"
    assert "UV_INDEX_STRATEGY" not in variables


def test_pip_s_further_indexes_count_as_they_do_for_pip_and_uv_s_as_for_uv() -> None:
    assert told({"PIP_EXTRA_INDEX_URL": "https://a.example"})["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    both = {"PIP_EXTRA_INDEX_URL": "https://a.example", "UV_INDEX": "https://b.example"}
    assert "UV_INDEX_STRATEGY" not in told(both)


def test_what_leads_uv_astray_and_what_is_secret_is_left_out() -> None:
    variables = told(
        {"VIRTUAL_ENV": "/v", "PYTHONPATH": "/p", "HF_TOKEN": "secret", "UV_CACHE_DIR": "/c", "PATH": "/bin"}
    )
    assert not {"VIRTUAL_ENV", "PYTHONPATH", "HF_TOKEN"} & variables.keys()
    assert (variables["UV_CACHE_DIR"], variables["PATH"]) == ("cache", "/bin")


def test_with_a_folder_there_is_no_other_source() -> None:
    variables = told(
        {"UV_INDEX": "https://a.example", "PIP_INDEX_URL": "https://b.example", "UV_FIND_LINKS": "/w"},
        from_folder=True,
    )
    assert not {"UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS"} & variables.keys()
    assert (variables["UV_OFFLINE"], variables["UV_NO_CONFIG"]) == ("1", "1")


def test_what_goes_into_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    assert source_options(None) == []
    assert source_options(Path("wheels")) == ["--no-index", "--find-links", Path("wheels")]
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert source_options(None) == ["--no-index"]


def test_uv_is_found_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{UV_FOLDER}")
    done = subprocess.run([find_uv(), "--version"], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.startswith("uv ")


def test_a_bundle_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / ("uv.exe" if sys.platform == "win32" else "uv")
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert find_uv() == program


def test_without_uv_the_set_up_is_not_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InstallFailed, match="uv, which installs engines, is missing"):
        find_uv()


def test_the_python_underneath_is_none_of_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = own_python()
    assert found is not None
    python, version = found
    code = "import sys; print(sys.prefix == sys.base_prefix, *sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["True", *map(str, version)]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_python() is None


def test_lines_become_words() -> None:
    lines = UvLines()
    assert (lines.phase, lines.words) == (InstallPhase.RESOLVING, "Choosing versions")
    seen = []
    for line in (
        "Resolved 48 packages in 495ms",
        "Downloading torch (183.0MiB)",
        "Downloading tokenizers (3.2MiB)",
        " Downloaded torch",
        " Downloaded tokenizers",
        "Prepared 48 packages in 3.73s",
        "Installed 48 packages in 274ms",
        " + accelerate==1.15.0",
    ):
        lines.read(line)
        seen.append((lines.phase.name, lines.words))
    assert seen == [
        ("DOWNLOADING", "Fetching 48 packages"),
        ("DOWNLOADING", "Downloading torch (192 MB)"),
        ("DOWNLOADING", "Downloading torch (192 MB) and 1 more"),
        ("DOWNLOADING", "Downloading tokenizers (3 MB)"),
        ("DOWNLOADING", "Fetching 48 packages"),
        ("INSTALLING", "Installing 48 packages"),
        ("INSTALLING", "Installing 48 packages"),
        ("INSTALLING", "Installing 48 packages"),
    ]


def test_sizes_of_every_kind() -> None:
    lines = UvLines()
    lines.read("Resolved 1 package in 3ms")
    for line, words in (
        ("nvidia-cudnn (1.2GiB)", "(1.3 GB)"),
        ("a (3.0KiB)", "(3 kB)"),
        ("b (0.9MiB)", "(944 kB)"),
    ):
        lines.read(f"Downloading {line}")
        assert words in lines.words
        lines.read(f" Downloaded {line.split()[0]}")
    assert lines.words == "Fetching 1 package"
