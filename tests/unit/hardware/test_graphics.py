"""Whose display adapters there are, as Linux lists them."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from app.hardware import graphics


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(graphics, "DRM", tmp_path)
    return tmp_path


def add(cards: Path, name: str, vendor: str) -> None:
    folder = cards / name / "device"
    folder.mkdir(parents=True)
    folder.joinpath("vendor").write_text(vendor, encoding="utf-8")


def test_makers_of_gpus_each_once(cards: Path) -> None:
    assert graphics.display_makers() == ()
    add(cards, "card0", "0x8086\n")
    add(cards, "card1", "0x10de\n")
    add(cards, "card2", "0x10de\n")
    add(cards, "renderD128", "0x1002\n")
    assert graphics.display_makers() == ("Intel", "NVIDIA")


def test_what_is_none_is_passed_over(cards: Path) -> None:
    add(cards, "card0", "0x1234\n")  # a virtual machine's
    add(cards, "card1", "no number")
    add(cards, "card2", "\u20ac" * 90)
    (cards / "card3-HDMI-A-1").mkdir()
    add(cards, "card4", "0x1002")
    assert graphics.display_makers() == ("AMD",)


def test_macs_do_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert graphics.display_makers() == ()
    assert graphics.has_vulkan() is None


@pytest.mark.parametrize(("system", "library"), [("linux", "libvulkan.so.1"), ("win32", "vulkan-1.dll")])
def test_the_loader_is_there_or_not(monkeypatch: pytest.MonkeyPatch, system: str, library: str) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(ctypes, "CDLL", asked.append)
    assert graphics.has_vulkan() is True
    assert asked == [library]

    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert graphics.has_vulkan() is False
