"""Asks before a link that a model wrote is opened."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget


def ask_before_opening(url: QUrl, parent: QWidget) -> None:
    """Show where it really leads, and let a person decide. Blocks until that is done."""
    box = QMessageBox(parent)
    box.setWindowTitle("Open this link?")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText("A reply of the model contains this link. Open it in your browser?")
    box.setInformativeText(url.toString()[:500])
    box.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    if url.scheme() in ("http", "https", "mailto") and box.exec() == QMessageBox.StandardButton.Open:
        QDesktopServices.openUrl(url)
