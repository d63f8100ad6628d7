"""An older Edgewise on a newer database: nothing is changed unless a person says so."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.storage.backup import Backup, Lost, back_up
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.migrations import MIGRATIONS
from app.ui.newer_database import NewerDatabaseDialog, open_or_ask
from tests.gui.app_driver import write_conversation

NEWEST = len(MIGRATIONS)
COPY = Backup(Path("/a/edgewise-v5-2026-11-24.db"), 5, date(2026, 11, 24), 1000)


@pytest.fixture
def path(empty_home: Path) -> Path:
    """A database of this Edgewise with a chat of two messages, and after a copy of it a newer one's."""
    write_conversation("Lighthouse", "Tell me.", "It shines.")
    path = empty_home / "edgewise.db"
    back_up(path, NEWEST)
    write_conversation("Since then", "And now?", "Still.", "Really?")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    return path


def words(dialog: NewerDatabaseDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def buttons(dialog: NewerDatabaseDialog) -> dict[str, QPushButton]:
    return {button.text(): button for button in dialog.findChildren(QPushButton)}


def answered(path: Path, answer: Callable[[NewerDatabaseDialog], None]) -> Database | None:
    """Open the database and do this with the dialog that is shown."""
    shown: list[NewerDatabaseDialog] = []

    def act() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, NewerDatabaseDialog)
        shown.append(dialog)
        answer(dialog)

    QTimer.singleShot(0, act)
    database = open_or_ask(path)
    assert len(shown) == 1
    return database


@pytest.mark.parametrize(
    ("backup", "lost", "said", "way"),
    [
        (COPY, Lost(3, 1), "You will not see 3 messages in 1 chat and", "Go on with the copy of 2026-11-24"),
        (COPY, Lost(1, 1), "You will not see 1 message in 1 chat and", "Go on with the copy of 2026-11-24"),
        (COPY, Lost(1200, 20), "1,200 messages in 20 chats", "Go on with the copy of 2026-11-24"),
        (COPY, Lost(0, 0), "It has all your messages", "Go on with the copy of 2026-11-24"),
        (COPY, None, "You will not see what came since then", "Go on with the copy of 2026-11-24"),
        (None, None, "There is no copy of them", "Begin without these chats"),
    ],
)  # fmt: skip
def test_it_says_what_is_lost_before_anything_is_done(
    qtbot: Any, backup: Backup | None, lost: Lost | None, said: str, way: str
) -> None:
    dialog = NewerDatabaseDialog(Path("/home/zoë/edgewise.db"), backup, lost)
    qtbot.addWidget(dialog)
    assert said in words(dialog)
    assert "install the newer Edgewise: all your chats are there then" in words(dialog)
    assert "The newer database is kept in /home/zoë" in words(dialog).replace("\\", "/")
    assert list(buttons(dialog)) == ["Quit", way] or set(buttons(dialog)) == {"Quit", way}


def test_enter_and_escape_quit(qtbot: Any) -> None:
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        dialog = NewerDatabaseDialog(Path("/home/zoë/edgewise.db"), COPY, None)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        assert buttons(dialog)["Quit"].isDefault()
        with qtbot.waitSignal(dialog.rejected):
            qtbot.keyClick(dialog, key)


def test_whoever_quits_finds_everything_as_it_was(
    qtbot: Any, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    assert answered(path, lambda dialog: dialog.reject()) is None
    assert {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before
    assert "newer Edgewise" in capsys.readouterr().err


def test_the_copy_is_gone_on_with_and_the_newer_one_stays(qtbot: Any, path: Path) -> None:
    newer = path.read_bytes()

    def go_on(dialog: NewerDatabaseDialog) -> None:
        assert "3 messages in 1 chat" in words(dialog)
        day = f"{date.today()}"
        qtbot.mouseClick(buttons(dialog)[f"Go on with the copy of {day}"], Qt.MouseButton.LeftButton)

    database = answered(path, go_on)
    assert database is not None
    with database:
        assert [it.title for it in Conversations(database).summaries()] == ["Lighthouse"]
    (aside,) = path.parent.glob("edgewise-newer-*.db")
    assert aside.read_bytes() == newer


def test_without_a_copy_one_begins_without_the_chats(qtbot: Any, path: Path) -> None:
    for copy in path.parent.glob("edgewise-v*"):
        copy.unlink()
    newer = path.read_bytes()

    def begin(dialog: NewerDatabaseDialog) -> None:
        qtbot.mouseClick(buttons(dialog)["Begin without these chats"], Qt.MouseButton.LeftButton)

    database = answered(path, begin)
    assert database is not None
    with database:
        assert Conversations(database).summaries() == []
    (aside,) = path.parent.glob("edgewise-newer-*.db")
    assert aside.read_bytes() == newer


def test_a_database_of_this_version_asks_nothing(qtbot: Any, empty_home: Path) -> None:
    database = open_or_ask(empty_home / "edgewise.db")
    assert database is not None
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="its windows have other words for long paths")
def test_a_long_folder_makes_no_wider_window(qtbot: Any) -> None:
    folder = Path("/home/zoë") / "/".join(["a folder", "ein-Ordner"] * 12)
    dialog = NewerDatabaseDialog(folder / "edgewise.db", COPY, Lost(3, 1))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    assert dialog.width() <= 720
    assert dialog.height() <= 480
