"""One window per data folder: real processes, one after the other and side by side."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.ui.single_instance import DataFolderInUse, SingleInstance

PROJECT = Path(__file__).resolve().parents[2]
START_S = 60

WINDOW = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app.ui import opening
from app.ui.application import Edgewise
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

def open_files(edgewise, files):
    if files:
        print(*files, sep="|", flush=True)

Edgewise.open_files = open_files
MainWindow.showEvent = show_event
MainWindow.come_forward = came_forward
files = [argument for argument in sys.argv[1:] if argument != "minimized"]
sys.exit(opening.run_window(sys.argv[:1], files))
"""
"""The real start of the real window, saying what happens to it. It closes once it was raised."""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(empty_home) -> Iterator[Start]:
    """Starts windows as processes of their own."""
    processes: list[subprocess.Popen[str]] = []

    def one(
        *arguments: str,
        home: Path = empty_home,
        folder: Path = PROJECT,
        as_user: int | None = None,
        **variables: str,
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*(() if as_user is None else run_as(as_user)), sys.executable, "-c", WINDOW, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(PROJECT),
                "EDGEWISE_HOME": str(home),
                "QT_QPA_PLATFORM": "offscreen",
                **variables,
            },
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


def run_as(user: int) -> list[str]:
    """What stands before a command so that another user runs it, who may read what root installed."""
    reading = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *reading]


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


def test_the_first_window_takes_the_files_over(start, tmp_path) -> None:
    first = start()
    assert line_from(first) == "shown"
    folder = tmp_path / "Modèles 家"
    folder.mkdir()
    second = start("one.gguf", (folder / "zwei.gguf").as_uri(), folder=folder)
    assert second.wait(START_S) == 0
    assert line_from(first) == "raised False True False"
    assert line_from(first) == f"{folder / 'one.gguf'}|{folder / 'zwei.gguf'}"


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


def test_a_start_without_the_runtime_folder_reaches_one_that_has_it(start, tmp_path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    first = start(XDG_RUNTIME_DIR=str(tmp_path / "run"))
    assert line_from(first) == "shown"
    assert start(XDG_RUNTIME_DIR="", TMPDIR="/nowhere").wait(START_S) == 0
    assert line_from(first) == "raised False True False"


def test_a_long_path_and_no_place_for_temporary_files(start, tmp_path) -> None:
    home = tmp_path / ("ein sehr langer Weg/" * 12)
    first = start(home=home, XDG_RUNTIME_DIR="")
    assert line_from(first) == "shown"
    assert start(home=home, XDG_RUNTIME_DIR="").wait(START_S) == 0
    assert line_from(first) == "raised False True False"


def test_a_released_claim_can_be_taken(qapp, empty_home) -> None:
    first, second = SingleInstance(empty_home), SingleInstance(empty_home)
    assert first.claim()
    with pytest.raises(DataFolderInUse):
        second.claim(wait_ms=10)
    first.release()
    assert second.claim()
    second.release()
    assert [path.name for path in empty_home.iterdir()] == []


def test_a_window_that_does_not_answer_is_a_sentence(qapp, empty_home) -> None:
    first, second = SingleInstance(empty_home), SingleInstance(empty_home)
    assert first.claim()
    with pytest.raises(
        DataFolderInUse, match=f"already open .process {os.getpid()}. but does not answer"
    ) as told:
        second.claim(wait_ms=10)
    assert not told.value.elsewhere
    assert not second.take_over()  # whoever is alive keeps it
    first.release()


def test_a_lock_of_another_computer_can_be_taken_over(qapp, empty_home) -> None:
    (empty_home / "window.lock").write_text(f"{os.getpid()}\nedgewise\ngreta\n0\n0\n")
    instance = SingleInstance(empty_home)
    with pytest.raises(DataFolderInUse, match="open on the computer “greta”") as told:
        instance.claim()
    assert told.value.elsewhere
    assert instance.take_over()
    instance.release()


def test_an_empty_lock_that_a_power_cut_left_is_none(qapp, empty_home) -> None:
    (empty_home / "window.lock").touch()
    instance = SingleInstance(empty_home)
    assert instance.claim(wait_ms=10)
    instance.release()


def test_a_folder_that_cannot_be_locked_is_a_sentence(qapp, tmp_path) -> None:
    with pytest.raises(StorageError, match=r"cannot mark .* as in use") as told:
        SingleInstance(tmp_path / "gone").claim()
    assert not isinstance(told.value, DataFolderInUse)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_folder_is_the_same_by_whatever_name(qtbot, empty_home, tmp_path) -> None:
    link = tmp_path / "link"
    link.symlink_to(empty_home)
    first, second = SingleInstance(empty_home), SingleInstance(link)
    assert first.claim()
    answers: list[bool] = []
    with qtbot.waitSignal(first.raise_requested):
        threading.Thread(target=lambda: answers.append(second.claim())).start()
    qtbot.waitUntil(lambda: answers == [False])
    first.release()


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("setpriv") is None, reason="setpriv")
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can be two users")
def test_two_users_at_once_have_a_window_each(start, tmp_path_factory) -> None:
    windows = []
    shared = Path("/tmp")  # as on every machine that two people use
    for user in (12345, 12346):
        home = shared / f"edgewise-test-{os.getpid()}-{user}"
        home.mkdir(mode=0o700)
        os.chown(home, user, user)
        windows.append((user, home))
    try:
        opened = [
            start(home=home, as_user=user, HOME=str(home), XDG_RUNTIME_DIR="") for user, home in windows
        ]
        assert [line_from(window) for window in opened] == ["shown", "shown"]
        for (user, home), window in zip(windows, opened, strict=True):
            mine = [path for path in home.rglob("*") if not path.is_symlink()]
            assert {path.stat().st_uid for path in mine} == {user}
            assert home.stat().st_mode & 0o077 == 0
            socket = Path((home / "window.socket").read_text())
            assert socket.stat().st_uid == user
            assert start(home=home, as_user=user, HOME=str(home), XDG_RUNTIME_DIR="").wait(START_S) == 0
            assert line_from(window) == "raised False True False"
    finally:
        for _, home in windows:
            shutil.rmtree(home)
