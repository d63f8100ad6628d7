from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory, Power
from app.services.this_machine import this_machine
from app.storage.paths import Paths
from app.ui.models.machine_card import MachineCard

KNOWN = Machine(
    "Linux 6",
    Cpu("A fast processor", "x86_64", 8, 16, 8, instruction_sets=("AVX2", "AVX-512F")),
    Memory(32_000_000_000, 20_000_000_000),
    Disk("/models", 500_000_000_000, 120_000_000_000),
    (Gpu("RTX 4070", 12_000_000_000, 11_000_000_000, "570.1"), Gpu("Iris", None, None, unified_memory=True)),
    Power(on_battery=True, battery_percent=63.0),
    Bandwidth(41_000_000_000, None, 8, "A fast processor", "2026-11-24"),
)


@pytest.fixture
def card(qtbot) -> MachineCard:
    widget = MachineCard()
    qtbot.addWidget(widget)
    widget.resize(700, 120)
    widget.show()
    return widget


def said(card: MachineCard) -> str:
    return "\n".join(label.text() for label in card.findChildren(QLabel) if label.isVisible())


def buttons(card: MachineCard) -> list[str]:
    return [button.text() for button in card.findChildren(QPushButton) if button.isVisible()]


def test_while_it_is_looked_at_it_says_so_and_spins_only_later(card, qtbot) -> None:
    assert "Looking at this machine…" in said(card)
    assert not card._spinner.drawn
    qtbot.waitUntil(lambda: card._spinner.drawn)
    card.set_machine(KNOWN)
    assert not card._spinner.drawn


def test_what_decides_is_said_at_once(card) -> None:
    card.set_machine(KNOWN)
    words = said(card)
    for part in (
        "A fast processor, 8 cores",
        "20.0 of 32.0 GB memory free",
        "RTX 4070, 11.0 of 12.0 GB free",
        "Iris, shares the memory",
        "memory moves 41 GB/s",
        "120.0 GB free on disk",
        "on battery, charged to 63 %",
    ):
        assert part in words
    assert "AVX2" not in words
    assert buttons(card) == []


def test_details_are_shown_on_opening_and_can_be_measured_again(card, qtbot) -> None:
    card.set_machine(KNOWN)
    toggle = card.findChild(QToolButton)
    assert toggle.accessibleName() == "Show details of this machine"
    qtbot.mouseClick(toggle, Qt.MouseButton.LeftButton)
    assert "AVX2, AVX-512F" in said(card)
    assert toggle.accessibleName() == "Hide details of this machine"
    with qtbot.waitSignal(card.measure_requested):
        card.findChild(QPushButton).click()
    assert buttons(card) == ["Measure again"]
    card.set_busy(True)
    assert not card.findChild(QPushButton).isEnabled()


def test_a_memory_that_was_not_measured_is_offered_to_be(card) -> None:
    card.set_machine(replace(KNOWN, bandwidth=None))
    assert "memory speed not measured yet" in said(card)
    assert buttons(card) == ["Measure now"]


def test_a_containers_limit_counts_as_the_whole(card) -> None:
    card.set_machine(replace(KNOWN, memory=Memory(32_000_000_000, 6_000_000_000, 8_000_000_000)))
    assert "6.0 of 8.0 GB memory free" in said(card)


def test_a_name_full_of_tricks_stays_one_line_of_plain_text(card) -> None:
    evil = "<b>x</b>\n\u202egpu " * 40
    card.set_machine(replace(KNOWN, cpu=replace(KNOWN.cpu, model=evil), gpus=(Gpu(evil, 1, 1),)))
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in card.findChildren(QLabel)[1:])
    assert "\u202e" not in said(card)
    assert card.minimumSizeHint().width() <= 600


def test_the_real_machine_is_shown(card, empty_home) -> None:
    machine = this_machine(Paths.find())
    card.set_machine(machine)
    assert f"{machine.cpu.physical_cores} core" in said(card)
