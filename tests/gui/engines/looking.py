"""What a person finds in a widget."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget


def button(widget: QWidget, words: str) -> QAbstractButton:
    """The visible button with these words on it, or of this name."""
    found = {
        word: each
        for each in widget.findChildren(QAbstractButton)
        if each.isVisible()
        for word in (each.accessibleName(), each.text())
        if word
    }
    return found[words]


def buttons(widget: QWidget) -> list[str]:
    """The words on all buttons that are shown and have some."""
    return [b.text() for b in widget.findChildren(QAbstractButton) if b.isVisible() and b.text()]


def texts(widget: QWidget) -> list[str]:
    """All that is written."""
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible() and label.text()]
