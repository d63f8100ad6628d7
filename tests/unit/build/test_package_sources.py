"""pip's settings reach uv, and what is set for uv wins."""

from __future__ import annotations

from pathlib import Path

from build.package_sources import pip_settings, uv_variables

LISTING = """\
:env:.cert='/env/ca.pem'
:env:.disable-pip-version-check='1'
global.cert='/etc/ca.pem'
global.extra-index-url='\\nhttps://one.example/simple\\nhttps://two.example/simple'
global.index-url='https://mirror.example/simple'
install.index-url='https://install.example/simple'
download.index-url='https://download.example/simple'
broken line
global.proxy=not a literal
"""


def test_sections_are_merged_the_stronger_last() -> None:
    settings = pip_settings(LISTING)
    assert settings["cert"] == "/env/ca.pem"
    assert settings["index-url"] == "https://install.example/simple"
    assert "proxy" not in settings


def test_settings_become_variables() -> None:
    assert uv_variables(pip_settings(LISTING), {}) == {
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "SSL_CERT_FILE": "/env/ca.pem",
    }


def test_what_is_set_for_uv_wins_under_its_older_name_too() -> None:
    environment = {
        "UV_INDEX_URL": "https://uv.example",
        "UV_INDEX": "https://uv.example/2",
        "SSL_CERT_FILE": "/x",
    }
    assert uv_variables(pip_settings(LISTING), environment) == {}


def test_folders_of_wheels_that_are_gone_are_passed_over(tmp_path: Path) -> None:
    settings = {"find-links": f"{tmp_path}\n/no/such/folder https://wheels.example/"}
    assert uv_variables(settings, {}) == {"UV_FIND_LINKS": f"{tmp_path},https://wheels.example/"}


def test_no_index_counts_only_when_it_says_yes() -> None:
    assert uv_variables({"no-index": "false"}, {}) == {}
    assert uv_variables({"no-index": "true"}, {}) == {"UV_NO_INDEX": "true"}
