"""Starts Edgewise as `python -m app` does, and prints when its window was painted and when it was usable.

Usable: a conversation is open and the composer, painted, has taken a key. Then the window is closed.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QEvent, QObject, Qt, QTimer

from app.__main__ import main


class FirstUse(QObject):
    """Watches the composer's field until what is typed stands in it."""

    def __init__(self, edgewise) -> None:
        super().__init__()
        self._edgewise = edgewise
        self._painted = 0.0
        self._typed = False
        self._field = edgewise.chat.composer.focusProxy()
        self._field.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            QTimer.singleShot(0, self._after_paint)  # once all of the window is
        return False

    def _after_paint(self) -> None:
        now = time.monotonic()
        self._painted = self._painted or now
        if self._edgewise.chat.conversation is None:
            return
        if not self._typed:
            from PySide6.QtTest import QTest

            self._typed = True
            QTest.keyClick(self._field, Qt.Key.Key_E)
        elif self._field.toPlainText() == "e":
            self._field.viewport().removeEventFilter(self)
            print(self._painted, now)
            self._field.clear()  # or it would be kept as a draft
            self._edgewise.window.close()


def run() -> int:
    from app.ui import application

    opened = application.Edgewise.open
    watching: list[FirstUse] = []

    def open_and_watch(edgewise) -> None:
        watching.append(FirstUse(edgewise))
        opened(edgewise)

    setattr(application.Edgewise, "open", open_and_watch)  # noqa: B010  # mypy would not have it otherwise
    sys.argv[1:] = []
    return main()


if __name__ == "__main__":
    sys.exit(run())
