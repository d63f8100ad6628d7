"""An older Edgewise on chats that a newer one saved: what happened, and the ways on."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app import __version__
from app.domain.errors import DatabaseTooNew
from app.storage.backup import Backup, Lost, lost_since, put_aside, readable_backup
from app.storage.database import Database
from app.ui import theme
from app.ui.engines.wrapped import Wrapped

_WIDTH = 560


class NewerDatabaseDialog(QDialog):
    """Accepted once a person chose to go on without what the newer Edgewise saved."""

    def __init__(
        self, path: Path, backup: Backup | None, lost: Lost | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Edgewise")
        self.setMinimumWidth(_WIDTH)
        heading = Wrapped(self, "Your chats were saved by a newer Edgewise")
        heading.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        update = (
            f"This one, {__version__}, cannot open them, and has changed nothing. Quit and install the newer "
            "Edgewise: all your chats are there then."
        )
        kept = (
            f"The newer database is kept in {path.parent}, under a name that begins with "
            f"{path.stem}-newer. To go back to it, give it the name {path.name} again and start the newer "
            "Edgewise."
        )
        buttons = QDialogButtonBox(self)
        quit_ = buttons.addButton("Quit", QDialogButtonBox.ButtonRole.RejectRole)
        go_on = buttons.addButton(_way_on(backup), QDialogButtonBox.ButtonRole.AcceptRole)
        quit_.setDefault(True)
        go_on.setAutoDefault(False)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(heading)
        for sentence in (update, _what_is_lost(backup, lost)):
            layout.addWidget(Wrapped(self, sentence))
        layout.addWidget(Wrapped(self, kept, size=theme.SIZE_SECONDARY, quiet=True))
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.resize(_WIDTH, layout.totalHeightForWidth(_WIDTH))  # as high as its words, no higher
        quit_.setFocus()


def open_despite(path: Path) -> Database | None:
    """Ask how to go on where the database at `path` is a newer one; None: not at all.

    Raises StorageError where the way that was chosen fails; the newer database is whole then, too.
    """
    backup = readable_backup(path)
    dialog = NewerDatabaseDialog(path, backup, None if backup is None else lost_since(path, backup))
    if dialog.exec() != QDialog.DialogCode.Accepted:
        return None
    put_aside(path, backup)
    return Database.open(path)


def open_or_ask(path: Path) -> Database | None:
    """The database at `path`; of a newer Edgewise's a person is asked. None: they would rather quit.

    Raises StorageError.
    """
    try:
        return Database.open(path)
    except DatabaseTooNew as error:
        sys.stderr.write(f"{error.message}\n")  # for whoever started it in a terminal
        return open_despite(path)


def _way_on(backup: Backup | None) -> str:
    return "Begin without these chats" if backup is None else f"Go on with the copy of {backup.day}"


def _what_is_lost(backup: Backup | None, lost: Lost | None) -> str:
    if backup is None:
        return (
            "Or begin without these chats. There is no copy of them from before the newer Edgewise that this "
            "one could open."
        )
    what = "what came since then"
    if lost is not None and not lost.messages:
        return (
            f"Or go on with the copy of {backup.day}, made before the newer Edgewise changed the database. "
            "It has all your messages; what else was changed since then is missing in it."
        )
    if lost is not None:
        messages = "1 message" if lost.messages == 1 else f"{lost.messages:,} messages"
        chats = "1 chat" if lost.conversations == 1 else f"{lost.conversations:,} chats"
        what = f"{messages} in {chats} and what else came since then"
    return (
        f"Or go on with the copy of {backup.day}, made before the newer Edgewise changed the database. You "
        f"will not see {what}."
    )
