"""One window per data folder: real processes, one after the other and side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.ui.single_instance import SingleInstance

PROJECT = Path(__file__).resolve().parents[2]
START_S = 60

WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.ui import application
from app.ui.main_window import MainWindow

shown = MainWindow.showEvent
come_forward = MainWindow.come_forward

def minimize(window):
    window.showMinimized()
    print("minimized", flush=True)

def show_event(window, event):
    shown(window, event)
    if not window.isMinimized():
        print("shown", flush=True)
        if "minimized" in sys.argv:
            QTimer.singleShot(0, lambda: minimize(window))

def came_forward(window):
    minimized = window.isMinimized()
    come_forward(window)
    print("raised", minimized, window.isVisible(), window.isMinimized(), flush=True)
    window.close()

MainWindow.showEvent = show_event
MainWindow.come_forward = came_forward
sys.exit(application.run_window(sys.argv[:1]))
"""
"""The real start of the real window, saying what happens to it. It closes once it was raised."""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(empty_home) -> Iterator[Start]:
    """Starts windows as processes of their own."""
    processes: list[subprocess.Popen[str]] = []

    def one(*arguments: str, home: Path = empty_home) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WINDOW, *arguments],
            cwd=PROJECT,
            env={**os.environ, "EDGEWISE_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"},
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield one
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def line_from(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_second_start_raises_the_first_window_and_ends(start) -> None:
    first = start()
    assert line_from(first) == "shown"
    second = start()
    assert second.wait(START_S) == 0
    assert line_from(second) == ""
    assert line_from(first) == "raised False True False"
    assert first.wait(START_S) == 0


def test_a_minimised_window_comes_back(start) -> None:
    first = start("minimized")
    assert [line_from(first), line_from(first)] == ["shown", "minimized"]
    start()
    assert line_from(first) == "raised True True False"
    assert first.wait(START_S) == 0


def test_two_started_at_once_are_one_window(start) -> None:
    both = [start(), start()]
    said = [line_from(process) for process in both]
    assert sorted(said) == ["", "shown"]
    second = both[said.index("")]
    assert second.wait(START_S) == 0


def test_another_folder_is_another_window(start, tmp_path) -> None:
    first, other = start(), start(home=tmp_path / "другой")
    assert line_from(first) == "shown"
    assert line_from(other) == "shown"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not for Windows")
def test_a_killed_window_is_not_in_the_way(start) -> None:
    first = start()
    assert line_from(first) == "shown"
    first.send_signal(signal.SIGKILL)
    first.wait(START_S)
    assert line_from(start()) == "shown"


def test_a_released_claim_can_be_taken(qapp, empty_home) -> None:
    first, second = SingleInstance(empty_home), SingleInstance(empty_home)
    assert first.claim()
    assert not second.claim()
    first.release()
    assert second.claim()
    second.release()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_folder_is_the_same_by_whatever_name(qtbot, empty_home, tmp_path) -> None:
    link = tmp_path / "link"
    link.symlink_to(empty_home)
    first, second = SingleInstance(empty_home), SingleInstance(link)
    assert first.claim()
    with qtbot.waitSignal(first.raise_requested):
        assert not second.claim()
    first.release()
