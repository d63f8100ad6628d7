"""The socket by which a second start reaches the open window: who may, what it may say, where it lies."""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui import window_socket
from app.ui.window_socket import MOST_BYTES, MOST_FILES, WindowSocket, call, paths_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has pipes instead")
WAIT_MS = 20_000


@pytest.fixture(autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder as desktops make it, with a short path."""
    folder = tmp_path_factory.mktemp("r")
    folder.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def address(empty_home: Path) -> Path:
    empty_home.chmod(0o700)
    return empty_home / "window.socket"


@pytest.fixture
def window(qapp, address: Path) -> Iterator[WindowSocket]:
    listening = WindowSocket(address)
    assert listening.listen()
    yield listening
    listening.close()


def call_from_elsewhere(address: Path, files: list[Path], answers: list[bool]) -> None:
    """As another process does, while this one goes on; `answers` gets the answer once there is one."""
    threading.Thread(target=lambda: answers.append(call(address, files, WAIT_MS)), daemon=True).start()


def test_the_window_hears_which_files(window, address, qtbot) -> None:
    files = [Path("/models/Zoë 家.gguf"), Path("/models/b.gguf")]
    answers: list[bool] = []
    with qtbot.waitSignal(window.called, timeout=WAIT_MS) as told:
        call_from_elsewhere(address, files, answers)
    assert told.args == [files]
    qtbot.waitUntil(lambda: answers == [True])


def test_a_call_without_files(window, address, qtbot) -> None:
    with qtbot.waitSignal(window.called, timeout=WAIT_MS) as told:
        call_from_elsewhere(address, [], [])
    assert told.args == [[]]


def test_no_more_files_than_one_call_takes(window, address, qtbot) -> None:
    with qtbot.waitSignal(window.called, timeout=WAIT_MS) as told:
        call_from_elsewhere(address, [Path(f"/{n}/{'x' * 4000}.gguf") for n in range(100)], [])
    assert 0 < len(told.args[0]) <= MOST_BYTES // 4000
    with qtbot.waitSignal(window.called, timeout=WAIT_MS) as told:
        call_from_elsewhere(address, [Path(f"/{n}.gguf") for n in range(MOST_FILES * 2)], [])
    assert len(told.args[0]) == MOST_FILES


def test_nobody_answers_where_there_is_no_window(qapp, address) -> None:
    assert not call(address, [], 10)
    address.write_text("/nowhere/at/all")
    assert not call(address, [], 10)
    address.write_bytes(b"\0\xff" * 4000)
    assert not call(address, [], 10)


def test_a_window_that_hangs_has_not_heard(window, address) -> None:
    assert not call(address, [], 50)  # this thread is the window's


def test_only_this_user_reaches_it(window, address, runtime) -> None:
    lies = Path(address.read_text())
    assert lies.parent == runtime
    assert stat.S_ISSOCK(lies.stat().st_mode)
    assert lies.stat().st_mode & 0o077 == 0
    assert address.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("unusable", ["", "relative", "/nowhere", "open"])
def test_without_a_runtime_folder_it_lies_in_the_data_folder(
    qapp, tmp_path_factory, monkeypatch, unusable, runtime
) -> None:
    if unusable == "open":
        runtime.chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime) if unusable == "open" else unusable)
    home = tmp_path_factory.mktemp("h")
    home.chmod(0o700)
    window = WindowSocket(home / "window.socket")
    assert window.listen()
    assert Path((home / "window.socket").read_text()).parent == home
    window.close()
    assert list(home.iterdir()) == []


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose path is too long for a socket, and no runtime folder."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    home = tmp_path / ("ein sehr langer Weg/" * 12) / "家"
    home.mkdir(mode=0o700, parents=True)
    return home


def test_with_a_long_path_it_lies_in_a_folder_of_its_own(deep, qtbot) -> None:
    window = WindowSocket(deep / "window.socket")
    assert window.listen()
    lies = Path((deep / "window.socket").read_text())
    assert lies.parent.stat().st_mode & 0o777 == 0o700
    with qtbot.waitSignal(window.called, timeout=WAIT_MS):
        call_from_elsewhere(deep / "window.socket", [], [])
    window.close()
    assert not lies.parent.exists()


def test_what_a_killed_window_left_is_swept(deep, qapp) -> None:
    WindowSocket(deep / "window.socket").listen()  # never closed
    left = Path((deep / "window.socket").read_text())
    window = WindowSocket(deep / "window.socket")
    assert window.listen()
    assert not left.exists()
    window.close()


def test_without_any_place_there_is_a_window_that_nobody_reaches(deep, qapp, monkeypatch) -> None:
    def refuse(*_args: object, **_named: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    window = WindowSocket(deep / "window.socket")
    assert not window.listen()
    window.close()


def test_a_file_that_an_address_names_is_never_deleted(qapp, address, tmp_path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    address.write_text(str(precious))
    window = WindowSocket(address)
    assert window.listen()
    window.close()
    assert precious.read_text() == "mine"


# --- what strangers say ------------------------------------------------------------------------------


def connected(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address.read_text())
    connection.settimeout(0)
    return connection


def hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(64) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize(
    "said",
    [
        struct.pack(">I", MOST_BYTES + 1),
        struct.pack(">I", 0xFFFFFFFF) + b"x" * 5000,
        struct.pack(">I", 2) + b"/a\0more than was told",
    ],
)
def test_too_much_is_not_listened_to(window, address, qtbot, said) -> None:
    with qtbot.assertNotEmitted(window.called), connected(address) as connection:
        connection.send(said)
        qtbot.waitUntil(lambda: hung_up(connection))


def test_who_says_nothing_is_not_waited_for(window, address, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(window_socket, "CALLER_MS", 20)
    with qtbot.assertNotEmitted(window.called), connected(address) as connection:
        connection.send(struct.pack(">I", 100))
        qtbot.waitUntil(lambda: hung_up(connection))


def test_many_at_once_do_not_pile_up(window, address, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(window_socket, "MOST_CALLERS", 2)
    callers = [connected(address) for _ in range(5)]
    qtbot.waitUntil(lambda: sum(map(hung_up, callers)) == 3)
    for caller in callers:
        caller.close()
    told: list[object] = []
    window.called.connect(told.append)
    answers: list[bool] = []

    def heard() -> bool:  # refused until the window has seen that the others are gone
        if answers and not answers[-1]:
            answers.clear()
            call_from_elsewhere(address, [], answers)
        return answers == [True]

    call_from_elsewhere(address, [], answers)
    qtbot.waitUntil(heard, timeout=WAIT_MS)
    assert told == [[]]


@given(st.binary(max_size=300))
def test_only_absolute_paths_are_taken(said: bytes) -> None:
    paths = paths_in(said)
    assert len(paths) <= MOST_FILES
    assert all(path.is_absolute() and b"\0" not in os.fsencode(path) for path in paths)


def test_relative_paths_are_dropped() -> None:
    assert paths_in(b"a.gguf\0/b.gguf\0\0../c\0") == [Path("/b.gguf")]
