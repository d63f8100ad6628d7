from __future__ import annotations

from app.ui.spinner import Spinner


def test_what_is_quick_never_spins(qtbot) -> None:
    spinner = Spinner()
    qtbot.addWidget(spinner)
    spinner.show()
    still = spinner.grab().toImage()
    spinner.set_busy(True)
    assert not spinner.drawn
    spinner.set_busy(False)
    assert not spinner._delay.isActive()  # nor later
    assert spinner.grab().toImage() == still


def test_what_takes_longer_does_and_stops(qtbot) -> None:
    spinner = Spinner()
    qtbot.addWidget(spinner)
    spinner.show()
    still = spinner.grab().toImage()
    spinner.set_busy(True)
    spinner.set_busy(True)
    qtbot.waitUntil(lambda: spinner.drawn)
    assert spinner.grab().toImage() != still
    spinner.set_busy(False)
    assert not spinner.drawn
    assert spinner.grab().toImage() == still
