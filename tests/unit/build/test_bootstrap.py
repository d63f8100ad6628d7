"""A setup is done once, done again when something changed, and never taken for whole when it was cut off."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from build import bootstrap

LOCKS = sorted(bootstrap.REQUIREMENTS.glob("*.txt"))


def test_the_stamp_holds_for_the_set_and_those_it_contains(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    stamp.write_text(json.dumps({"fingerprint": "same", "set": "dev"}), encoding="utf-8")
    assert bootstrap.is_current(stamp, "same", "dev")
    assert bootstrap.is_current(stamp, "same", "app")
    assert not bootstrap.is_current(stamp, "changed", "app")
    stamp.write_text(json.dumps({"fingerprint": "same", "set": "app"}), encoding="utf-8")
    assert not bootstrap.is_current(stamp, "same", "dev")


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]", '{"set": "app"}', '{"fingerprint": "x", "set": "?"}']
)
def test_no_stamp_or_a_damaged_one_is_no_setup(tmp_path: Path, content: str | None) -> None:
    stamp = tmp_path / "stamp"
    if content is not None:
        stamp.write_text(content, encoding="utf-8")
    assert not bootstrap.is_current(stamp, "x", "app")


def test_the_fingerprint_follows_the_files(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("one", encoding="utf-8")
    before = bootstrap.fingerprint(lock)
    assert bootstrap.fingerprint(lock) == before
    lock.write_text("two", encoding="utf-8")
    assert bootstrap.fingerprint(lock) != before


def test_a_python_that_does_not_fit_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST", (3, 99))
    assert bootstrap.main(["setup"]) == 1
    assert "Edgewise needs Python 3.11 to 3.14" in capsys.readouterr().err


def test_a_stop_is_told_calmly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(which: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "set_up", stopped)
    assert bootstrap.main(["setup", "--dev"]) == 130
    assert "Stopped" in capsys.readouterr().err


def test_programs_lie_where_the_system_puts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert bootstrap.bin_of(tmp_path, "uv") == tmp_path / "Scripts" / "uv.exe"
    monkeypatch.setattr(sys, "platform", "linux")
    assert bootstrap.bin_of(tmp_path, "uv") == tmp_path / "bin" / "uv"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_pin_everything_by_hash_and_name_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    requirements = re.split(r"\n(?=[a-zA-Z0-9])", text)[1:]
    assert requirements
    for requirement in requirements:
        assert "==" in requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement


def test_locks_hold_what_the_project_asks_for() -> None:
    assert [lock.stem for lock in LOCKS] == ["app", "build", "bundle", "dev", "tools"]
    app = (bootstrap.REQUIREMENTS / "app.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==\S+", app, re.MULTILINE)
    for more in ("dev", "bundle"):
        text = (bootstrap.REQUIREMENTS / f"{more}.txt").read_text(encoding="utf-8")
        assert all(pin in text for pin in pins)
    qt = re.search(r"^pyside6-essentials==(\S+)", app, re.MULTILINE)
    assert qt is not None
    assert not qt[1].startswith("6.12."), "6.12 aborts on CPython 3.11"
