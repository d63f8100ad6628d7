"""All that somebody needs to do one engine's run again: versions, flags, the file's hash; and its log."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.domain.speed_test import ColumnResult
from app.ui import icons, theme
from app.ui.engines.dot import Dot
from app.ui.engines.facts import Facts
from app.ui.engines.wrapped import Wrapped
from app.ui.speed_test.case_words import case_words, column_name, seconds
from app.ui.words import size

_INDENT = 24 + theme.SPACE_XS + 10 + theme.SPACE_S


class ColumnDetails(QWidget):
    """Closed at first: a name, and the failure if there was one."""

    log_requested = Signal(str, str)
    """A sentence, and the log behind it."""

    def __init__(self, column: ColumnResult, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = column
        name = column_name(column.contender)
        self.toggle = QToolButton(self)
        self.toggle.setAutoRaise(True)
        self.toggle.setCheckable(True)
        self.toggle.setFixedSize(24, 28)
        self.toggle.toggled.connect(self._open)
        self._name = name
        label = QLabel(name, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setFont(theme.body_font(semibold=True))
        failure = Wrapped(self, column.failure, size=theme.SIZE_MONO)
        failure.setVisible(bool(column.failure))
        self.log = QPushButton("Show log", self)
        self.log.setAccessibleName(f"Show log of {name}")
        self.log.clicked.connect(lambda: self.log_requested.emit(column.failure, column.detail))
        self.log.setVisible(bool(column.detail))
        self._facts = Facts(self)
        self._facts.set_rows(facts_of(column))
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_XS)
        top.addWidget(self.toggle)
        top.addWidget(Dot(column.contender.engine_id, self))
        top.addSpacing(theme.SPACE_XS)
        top.addWidget(label)
        top.addStretch(1)
        top.addWidget(self.log)
        below = QVBoxLayout()
        below.setContentsMargins(_INDENT, 0, _INDENT, 0)
        below.addWidget(failure)
        below.addWidget(self._facts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.SPACE_S, 0, theme.SPACE_S)
        layout.setSpacing(theme.SPACE_XS)
        layout.addLayout(top)
        layout.addLayout(below)
        self._open(False)

    def _open(self, opened: bool) -> None:
        self._facts.setVisible(opened)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        closed = "chevron-left" if mirrored else "chevron-right"
        icons.set_icon(self.toggle, "chevron-down" if opened else closed, "secondary", 16)
        said = f"{'Hide' if opened else 'Show'} details of {self._name}"
        self.toggle.setToolTip(said)
        self.toggle.setAccessibleName(said)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


def facts_of(column: ColumnResult) -> list[tuple[str, str]]:
    """What is known of a run, by name; what is not known is left out."""
    facts = column.facts
    context = f"{facts.context_length:,} tokens" if facts.context_length else ""
    whole = [
        ("Model", column.contender.model),
        ("File", " · ".join(part for part in (facts.model_file, _size(facts.model_bytes)) if part)),
        ("SHA-256", facts.model_hash),
        ("Device", facts.device),
        ("Versions", "\n".join(f"{name} {version}" for name, version in facts.versions.items())),
        ("Flags", " ".join(facts.flags)),
        ("Context", context),
        ("At once", f"{facts.parallel}" if facts.parallel else ""),
        ("Threads", f"{facts.threads}" if facts.threads else ""),
        ("Load", seconds(column.load_s) if column.load_s is not None else ""),
        ("Memory", f"{size(column.memory)} once loaded" if column.memory else ""),
        ("Left out", "\n".join(f"{case_words(it.case)}: {it.reason}" for it in column.left_out)),
        (
            "Not counted",
            "\n".join(f"{case_words(it.case)}: {it.problem}" for it in column.cases if it.problem),
        ),
        ("Disturbed by", "\n".join(dict.fromkeys(_observed(column)))),
    ]
    return [(name, value) for name, value in whole if value]


def _observed(column: ColumnResult) -> list[str]:
    return [
        f"{case_words(result.case)}: {seen.kind.value}{f' ({seen.detail})' if seen.detail else ''}"
        for result in column.cases
        for seen in result.watched.observations
    ]


def _size(count: int) -> str:
    return size(count) if count else ""
