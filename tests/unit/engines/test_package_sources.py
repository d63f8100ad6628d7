"""pip's settings reach uv, and what is set for uv wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.engines.package_sources import pip_files, pip_settings, uv_options, uv_variables

PROJECT = Path(__file__).resolve().parents[3]

EVERYONE = """\
[global]
cert = /etc/ca.pem
index-url = https://mirror.example/simple
extra_index_url =
    https://one.example/simple
    https://two.example/simple
default-timeout = 180.5
[download]
proxy = http://never.example
"""
PERSON = """\
[install]
index-url = https://install.example/50%/simple
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine where pip is told something for everyone and something by this person."""
    everyone, person = tmp_path / "xdg" / "pip", tmp_path / "home" / ".config" / "pip"
    for folder, text in ((everyone, EVERYONE), (person, PERSON)):
        folder.mkdir(parents=True)
        (folder / "pip.conf").write_text(text, encoding="utf-8")
    return {"XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "HOME": str(tmp_path / "home")}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This machine's own files for pip are left out."""
    monkeypatch.setattr(
        "app.engines.package_sources.pip_files",
        lambda environment: [file for file in pip_files(environment) if tmp_path in file.parents],
    )


posix = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the places of Linux")


@posix
def test_files_and_variables_are_merged_the_stronger_last(environment: dict[str, str], only: None) -> None:
    settings = pip_settings({**environment, "PIP_CERT": "/env/ca.pem", "HTTPS_PROXY": "http://x"})
    assert settings == {
        "cert": "/env/ca.pem",
        "index-url": "https://install.example/50%/simple",
        "extra-index-url": "\nhttps://one.example/simple\nhttps://two.example/simple",
        "timeout": "180.5",
    }


@posix
def test_settings_become_variables(environment: dict[str, str], only: None) -> None:
    assert uv_variables(pip_settings(environment), {}) == {
        "UV_DEFAULT_INDEX": "https://install.example/50%/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_HTTP_TIMEOUT": "180",
    }


@posix
def test_what_is_set_for_uv_wins_under_its_older_name_too(environment: dict[str, str], only: None) -> None:
    known = {
        "UV_INDEX_URL": "https://uv.example",
        "UV_INDEX": "https://uv.example/2",
        "SSL_CERT_FILE": "/x",
        "UV_HTTP_TIMEOUT": "5",
    }
    assert uv_variables(pip_settings(environment), known) == {}


@posix
def test_a_file_of_one_s_own_stands_in_for_the_person_s(environment: dict[str, str], tmp_path: Path) -> None:
    own = tmp_path / "own.conf"
    own.write_text("[global]\ncert = /own/ca.pem\n", encoding="utf-8")
    files = pip_files({**environment, "PIP_CONFIG_FILE": str(own)})
    assert files[0] == tmp_path / "xdg" / "pip" / "pip.conf"
    assert files[-1] == own
    assert tmp_path / "home" / ".config" / "pip" / "pip.conf" not in files
    assert pip_files({**environment, "PIP_CONFIG_FILE": os.devnull}) == []


def test_a_file_that_is_none_says_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.conf"
    broken.write_bytes(b"cert = /no/section\n\xff")
    settings = pip_settings({"PIP_CONFIG_FILE": str(broken), "HOME": str(tmp_path)})
    assert settings.get("cert") != "/no/section"


def test_pip_says_the_same_of_this_machine(tmp_path: Path) -> None:
    """Against pip's own reading, wherever a pip is at hand."""
    pip = [sys._base_executable, "-m", "pip", "config", "list"]  # type: ignore[attr-defined]
    environment = {**os.environ, "HOME": str(tmp_path), "PIP_INDEX_URL": "https://mirror.example/simple"}
    done = subprocess.run(
        pip, capture_output=True, encoding="utf-8", env=environment, timeout=60, check=False
    )
    if done.returncode != 0:
        pytest.skip("the Python underneath has no pip")
    said = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    settings = pip_settings(environment)
    for name, quoted in said.items():
        setting = name.split(".", 1)[1].replace("default-timeout", "timeout")
        if name.startswith(":env:") or f":env:.{setting}" not in said:  # no section but these two here
            assert repr(settings[setting]) == quoted


def test_folders_of_wheels_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    settings = {"find-links": f"{tmp_path}\n/no/such/folder https://wheels.example/"}
    assert uv_variables(settings, {}) == {"UV_FIND_LINKS": f"{tmp_path},https://wheels.example/"}


def test_no_index_counts_only_when_it_says_yes() -> None:
    assert uv_options({"no-index": "false"}) == []
    assert uv_options({"no-index": "true"}) == ["--no-index"]


def test_the_set_up_can_use_it_before_anything_is_installed() -> None:
    code = "import build.bootstrap, sys; print(*sorted(n for n in sys.modules if n.startswith('app')))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["app", "app.engines", "app.engines.package_sources"]
