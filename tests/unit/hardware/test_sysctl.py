"""macOS's settings as its sysctl prints them."""

from __future__ import annotations

import pytest

from app.hardware import sysctl

M2_MAX = """\
machdep.cpu.brand_string: Apple M2 Max
hw.memsize: 68719476736
iogpu.wired_limit_mb: 0
hw.empty:
"""


def test_settings() -> None:
    assert sysctl.parse_settings(M2_MAX) == {
        "machdep.cpu.brand_string": "Apple M2 Max",
        "hw.memsize": "68719476736",
        "iogpu.wired_limit_mb": "0",
    }


def test_rubbish_has_none() -> None:
    assert sysctl.parse_settings("\0\0\nsysctl: unknown oid 'hw.none'\n:\n: \n") == {
        "sysctl": "unknown oid 'hw.none'"
    }


def test_a_system_without_the_program_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysctl, "PROGRAM", "/nowhere/sysctl")
    assert sysctl.read_settings(("hw.memsize",)) == {}
