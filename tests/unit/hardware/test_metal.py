"""Apple's GPU, as sysctl tells of it."""

from __future__ import annotations

import platform
import sys

import pytest

from app.domain.machine import Gpu
from app.hardware import metal


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A Mac with an M3 Max; the dictionary is what its sysctl answers."""
    answers = {"machdep.cpu.brand_string": "Apple M3 Max", "iogpu.wired_limit_mb": "0"}
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(metal, "sysctl", answers.get)
    return answers


def test_a_limit_that_was_not_set_is_unknown(mac: dict[str, str]) -> None:
    assert metal.probe_metal() == (Gpu("Apple M3 Max", None, None, unified_memory=True),)


def test_a_limit_that_was_set_counts(mac: dict[str, str]) -> None:
    mac["iogpu.wired_limit_mb"] = "1024"
    assert metal.probe_metal()[0].memory_total == 1 << 30


def test_an_intel_mac_has_none(mac: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert metal.probe_metal() == ()
