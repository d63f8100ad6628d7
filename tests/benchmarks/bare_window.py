"""A window of PySide6 with nothing in it: what a start is measured against. Prints when it was painted."""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow


class FirstPaint(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._painted)  # once all of the window is
        return False

    def _painted(self) -> None:
        print(time.monotonic())
        QApplication.quit()


if __name__ == "__main__":
    app = QApplication(sys.argv)
    window = QMainWindow()
    label = QLabel("Ready")
    window.setCentralWidget(label)
    window.resize(1200, 800)
    first_paint = FirstPaint()
    label.installEventFilter(first_paint)
    window.show()
    app.exec()
