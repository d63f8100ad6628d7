"""One step of following the answer: what it is, and how far."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.advice_follower import FollowedStep, Stage
from app.ui import icons, theme
from app.ui.advisor.column import selectable
from app.ui.engines.wrapped import Wrapped
from app.ui.models.thin_bar import ThinBar
from app.ui.spinner import Spinner

_ICON = 18
_ICONS = {
    Stage.WAITING: ("circle", "secondary"),
    Stage.DONE: ("check", "ready"),
    Stage.STOPPED: ("pause", "busy"),
    Stage.FAILED: ("warning", "failed"),
    Stage.BY_HAND: ("edit", "secondary"),
}


class StepRow(QWidget):
    """Updated in place."""

    log_requested = Signal(str, str)
    """A sentence, and the log behind it."""

    def __init__(self, followed: FollowedStep, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._followed = followed
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _ICON)
        self._spinner = Spinner(self)
        self._words = selectable(Wrapped(self))
        self._state = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        self._bar = ThinBar("Progress", self)
        self._problem = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self.log = QPushButton("Show log", self)
        self.log.clicked.connect(lambda: self.log_requested.emit(self._followed.problem, self._followed.log))
        words = QVBoxLayout()
        words.setSpacing(theme.SPACE_XS)
        for part in (self._words, self._state, self._bar, self._problem):
            words.addWidget(part)
        words.addWidget(self.log, 0, Qt.AlignmentFlag.AlignLeading)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, theme.SPACE_XS, 0, theme.SPACE_XS)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._spinner, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        theme.source().changed.connect(self._draw)
        self.set_followed(followed)

    @property
    def text(self) -> str:
        """All that it says."""
        parts = (self._words.text(), self._state.text(), self._problem.text())
        return " ".join(part for part in parts if part)

    def set_followed(self, followed: FollowedStep) -> None:
        """The step as it stands now."""
        self._followed = followed
        running = followed.stage is Stage.RUNNING
        self._words.setText(followed.step.words)
        self._words.set_quiet(followed.stage is Stage.DONE)
        self._state.setText(_state(followed))
        self._state.setVisible(bool(self._state.text()))
        self._bar.setVisible(running and followed.share is not None)
        self._bar.set_share(followed.share)
        self._bar.setAccessibleName(f"Progress: {followed.step.words}")
        self._problem.setText(followed.problem)
        self._problem.setVisible(bool(followed.problem))
        self.log.setVisible(bool(followed.log))
        self.log.setAccessibleDescription(followed.problem)
        self._icon.setVisible(not running)
        self._spinner.setVisible(running)
        self._spinner.set_busy(running)
        self._icon.setAccessibleName(followed.stage.value)
        self._draw()

    def _draw(self) -> None:
        if self._followed.stage in _ICONS:
            name, role = _ICONS[self._followed.stage]
            colour = getattr(theme.current(), role)
            self._icon.setPixmap(icons.pixmap(name, colour, _ICON, self.devicePixelRatioF()))


def _state(followed: FollowedStep) -> str:
    if followed.stage is Stage.RUNNING:
        return followed.words or "Under way"
    if followed.stage in (Stage.STOPPED, Stage.FAILED, Stage.BY_HAND, Stage.DONE):
        return followed.stage.value.capitalize()
    return followed.step.blocked
