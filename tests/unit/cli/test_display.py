"""Displays that answer, that are gone, and that are left to Qt."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from app.cli import display
from app.cli.display import display_problem

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is a display")
GONE = "The display :99 does not answer"


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where displays have their sockets."""
    monkeypatch.setattr(display, "_X_SOCKETS", f"{tmp_path}/X")
    return tmp_path


def stale(path: Path) -> None:
    """The socket of a server that was killed: its file stays."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_none_is_set() -> None:
    assert display_problem({}) == display_problem({"DISPLAY": ""}) == "There is no display here"


def test_one_that_answers(sockets: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{sockets}/X99")
        server.listen()
        for name in (":99", ":99.0", "unix:99"):
            assert display_problem({"DISPLAY": name}) == ""
        assert display_problem({"DISPLAY": ":99", "WAYLAND_DISPLAY": "gone"}) == ""
        wayland = {"WAYLAND_DISPLAY": "X99", "XDG_RUNTIME_DIR": str(sockets)}
        assert display_problem(wayland) == display_problem({"WAYLAND_DISPLAY": f"{sockets}/X99"}) == ""


def test_one_without_a_file(sockets: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{sockets}/X99")
        server.listen()
        assert display_problem({"DISPLAY": ":99"}) == ""


def test_one_that_is_gone(sockets: Path) -> None:
    assert display_problem({"DISPLAY": ":99"}) == GONE
    stale(sockets / "X99")
    assert display_problem({"DISPLAY": ":99"}) == GONE
    wayland = {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(sockets)}
    assert display_problem(wayland) == "The display wayland-9 does not answer"
    assert display_problem(wayland | {"DISPLAY": ":99"}) == GONE


def test_one_over_the_network() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        number = server.getsockname()[1] - 6000
        assert display_problem({"DISPLAY": f"127.0.0.1:{number}"}) != ""
        server.listen()
        assert display_problem({"DISPLAY": f"127.0.0.1:{number}"}) == ""


@pytest.mark.parametrize(
    "unknown",
    [
        {"DISPLAY": "/private/tmp/somewhere:0"},
        {"DISPLAY": "127.0.0.1:99999"},
        {"DISPLAY": "no-such-host.invalid:0"},
        {"DISPLAY": ":99", "QT_QPA_PLATFORM": "offscreen"},
        {"WAYLAND_DISPLAY": "gone", "WAYLAND_SOCKET": "7"},
    ],
)
def test_what_nobody_knows_is_left_to_qt(sockets: Path, unknown: dict[str, str]) -> None:
    assert display_problem(unknown) == ""
