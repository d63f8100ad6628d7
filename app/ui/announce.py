"""What happened, said to a screen reader; nothing is shown and no focus moves."""

from __future__ import annotations

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget


def announce(about: QWidget, sentence: str) -> None:
    """Have `sentence` read out when the reader comes to it, without interrupting it."""
    event = QAccessibleAnnouncementEvent(about, sentence)
    event.setPoliteness(QAccessible.AnnouncementPoliteness.Polite)
    QAccessible.updateAccessibility(event)
