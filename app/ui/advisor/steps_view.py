"""The one button that does what the answer says, and each of its steps with how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.advisor.guide_answer import StepKind
from app.services.advice_follower import FollowedStep, Stage
from app.ui import icons, theme
from app.ui.advisor.step_row import StepRow
from app.ui.announce import announce

_DEEDS = {
    StepKind.INSTALL: "install",
    StepKind.DOWNLOAD: "download",
    StepKind.START: "start",
    StepKind.CHAT: "chat",
}


class StepsView(QWidget):
    """Rows stay where they are while their words change."""

    follow_requested = Signal()
    stop_requested = Signal()
    attach_requested = Signal()
    """A server is to be attached, which only a person can do."""
    settings_requested = Signal()
    """Something there stands in the way."""
    log_requested = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[StepRow] = []
        self._steps: tuple[FollowedStep, ...] = ()
        self._running = False
        self.follow = QPushButton(self)
        self.follow.setDefault(True)
        self.follow.clicked.connect(self._do)
        self.stop = QPushButton("Cancel", self)
        self.stop.setAccessibleDescription("What was fetched is kept")
        self.stop.clicked.connect(self.stop_requested)
        self.settings = QPushButton("Open settings", self)
        self.settings.clicked.connect(self.settings_requested)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        for button in (self.follow, self.stop, self.settings):
            deeds.addWidget(button)
        deeds.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(deeds)
        layout.addLayout(self._list)
        self.set_steps((), running=False)

    def set_steps(self, steps: Sequence[FollowedStep], *, running: bool) -> None:
        """Where each stands now."""
        had_focus = self.follow.hasFocus() or self.stop.hasFocus()
        before = {it.step.kind: it.stage for it in self._steps}
        self._steps, self._running = tuple(steps), running
        if len(self.rows) != len(steps):
            self._make(steps)
        for row, followed in zip(self.rows, steps, strict=True):
            row.set_followed(followed)
        self._show_buttons(with_focus=had_focus)
        for followed in steps:
            if before.get(followed.step.kind) is Stage.RUNNING and followed.stage is not Stage.RUNNING:
                announce(self, f"{followed.step.words} {followed.stage.value}. {followed.problem}".strip())

    @property
    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, from the top."""
        return [self.follow, self.stop, self.settings, *(row.log for row in self.rows)]

    def _make(self, steps: Sequence[FollowedStep]) -> None:
        for row in self.rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [StepRow(followed, self) for followed in steps]
        for row in self.rows:
            row.log_requested.connect(self.log_requested)
            self._list.addWidget(row)
            row.show()

    def _show_buttons(self, *, with_focus: bool) -> None:
        upcoming = self._next()
        blocked = upcoming.step.blocked if upcoming is not None else ""
        self.follow.setText(self._words(upcoming))
        self.follow.setEnabled(not blocked)
        self.follow.setAccessibleDescription(blocked)
        shown, hidden = (self.stop, self.follow) if self._running else (self.follow, self.stop)
        shown.setVisible(bool(self._steps))
        if with_focus:  # before the other goes: the page would scroll to whatever comes next, far below
            shown.setFocus()
        hidden.hide()
        self.settings.setVisible(blocked.startswith("Offline mode") and not self._running)
        icons.set_icon(self.follow, "server" if self._to_attach() else "play", "on_accent", 16)

    def _words(self, upcoming: FollowedStep | None) -> str:
        if self._to_attach():
            return "Attach a server…"
        left = [it.step.kind for it in self._steps if it.stage not in (Stage.DONE, Stage.BY_HAND)]
        if upcoming is None:
            return "Open the chat"
        if upcoming.stage in (Stage.STOPPED, Stage.FAILED):
            return "Go on" if upcoming.stage is Stage.STOPPED else "Try again"
        deeds = [_DEEDS[kind] for kind in left if kind in _DEEDS]
        if deeds == ["chat"]:
            return "Open the chat"
        said = f"{', '.join(deeds[:-1])} and {deeds[-1]}" if len(deeds) > 1 else deeds[0]
        return said.capitalize()

    def _next(self) -> FollowedStep | None:
        return next((it for it in self._steps if it.stage not in (Stage.DONE, Stage.BY_HAND)), None)

    def _to_attach(self) -> bool:
        return any(it.step.kind is StepKind.ATTACH and it.stage is Stage.BY_HAND for it in self._steps)

    def _do(self) -> None:
        (self.attach_requested if self._to_attach() else self.follow_requested).emit()
