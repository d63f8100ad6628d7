"""A page of text to scroll: one centred column, as wide as is good to read."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.engines.wrapped import Wrapped

READABLE = 760
"""Logical pixels of a column of text."""


class Column(QScrollArea):
    """Its `content` is what stands in it, `rows` the layout of that."""

    def __init__(self, parent: QWidget | None = None, *, widest: int = READABLE) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.content = QWidget(self)
        self.content.setMaximumWidth(widest)
        self.rows = QVBoxLayout(self.content)
        self.rows.setContentsMargins(theme.SPACE_XL, theme.SPACE_L, theme.SPACE_XL, theme.SPACE_XL)
        self.rows.setSpacing(theme.SPACE_S)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(self.content, 1000)
        centred.addStretch(1)
        self.setWidget(page)

    def show_child(self, child: QWidget) -> None:
        """Scroll to what has the keyboard."""
        self.ensureWidgetVisible(child, 0, theme.SPACE_L)


def title(parent: QWidget, said: str = "") -> Wrapped:
    """The heading of a page."""
    label = Wrapped(parent, said)
    label.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
    return label


def heading(parent: QWidget, said: str) -> Wrapped:
    """The heading of a section."""
    label = Wrapped(parent, said)
    label.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
    return label


def strong(parent: QWidget, said: str = "") -> Wrapped:
    """Words in bold, as long as a line."""
    label = Wrapped(parent, said)
    label.setFont(theme.body_font(semibold=True))
    return label


def selectable(label: Wrapped) -> Wrapped:
    """The same label, its text to be marked with the mouse."""
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
