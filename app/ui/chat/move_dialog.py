"""Asks with which engine a conversation goes on, and says before it does what becomes different."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.services.moving import Move, Step
from app.ui import icons, theme
from app.ui.announce import announce
from app.ui.chat.move_row import HEIGHT, MoveRow
from app.ui.engines.wrapped import Wrapped
from app.ui.spinner import Spinner

_WIDTH, _HEIGHT = 640, 600
_LEAST_WIDTH = 420
_MOST_ROWS = 4
"""More of them scroll, so that what is said of one stays in view."""
_ICON = 16
_DEEDS = {
    Step.INSTALL: "Install {engine}…",
    Step.DOWNLOAD: "Look for it on the hub…",
    Step.CONVERT: "Convert to GGUF…",
}
_ABOUT = (
    "The conversation stays as it is, and its messages keep by whom they were made. The next reply comes from"
    " what you choose here."
)


class MoveDialog(QDialog):
    """Begins empty and busy; `set_ways` or `set_problem` fill it."""

    chosen = Signal(object)
    """The `Move` to go."""
    step_requested = Signal(object)
    """The `Move` whose step a person wants to take first."""

    def __init__(self, model: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[MoveRow] = []
        self.setWindowTitle("Continue with another engine")
        self.setMinimumWidth(_LEAST_WIDTH)
        title = Wrapped(self, f"{model} on another engine" if model else "Another engine")
        title.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        self._spinner = Spinner(self)
        self._state = Wrapped(
            self, "Looking at the engines, and at the forms of this model here…", quiet=True
        )
        self._group = QButtonGroup(self)
        self._group.buttonToggled.connect(lambda _, on: self._show_chosen() if on else None)
        self._list = _Scroll(self)
        self._list.setAccessibleName("Ways to go on")
        self._ways = QVBoxLayout(self._list.page)
        self._ways.setContentsMargins(0, 0, 0, 0)
        self._ways.setSpacing(2)
        self._told = _Scroll(self)
        self._told.setAccessibleName("What becomes different")
        self._said = QVBoxLayout(self._told.page)
        self._said.setContentsMargins(theme.SPACE_M, 0, theme.SPACE_M, 0)
        self._said.setSpacing(theme.SPACE_XS)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = buttons.addButton("Continue", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.go.clicked.connect(self._go)
        buttons.rejected.connect(self.reject)
        state = QHBoxLayout()
        state.setSpacing(theme.SPACE_S)
        state.addWidget(self._spinner, 0, Qt.AlignmentFlag.AlignTop)
        state.addWidget(self._state, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(title)
        layout.addWidget(Wrapped(self, _ABOUT, quiet=True))
        layout.addLayout(state)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._told, 1)
        layout.addWidget(buttons)
        self._list.hide()
        self.resize(_WIDTH, _HEIGHT)
        self._spinner.set_busy(True)

    @property
    def told(self) -> str:
        """What is said of the way that is chosen."""
        labels = self._told.page.findChildren(Wrapped)
        return "\n".join(label.text() for label in labels if not label.isHidden())

    @property
    def state(self) -> str:
        """What is said in the place of ways, empty where there are some."""
        return "" if self._state.isHidden() else self._state.text()

    def set_ways(self, ways: Sequence[Move]) -> None:
        """The ways there are, the best first."""
        self._spinner.set_busy(False)
        self._spinner.hide()
        if not ways:
            self._say_state(
                "There is no other engine for this model, and no other form of it on this machine. The Models"
                " page has more forms, the Engines page more engines."
            )
            return
        self._state.hide()
        for way in ways:
            row = MoveRow(way, self._list.page)
            self.rows.append(row)
            self._group.addButton(row)
            self._ways.addWidget(row)
        self._ways.addStretch(1)
        self._list.setMinimumHeight(HEIGHT)
        self._list.setMaximumHeight(min(len(ways), _MOST_ROWS) * (HEIGHT + 2))
        self._list.show()
        self.rows[0].setChecked(True)
        self.rows[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def set_problem(self, sentence: str) -> None:
        """Why there are none."""
        self._spinner.set_busy(False)
        self._spinner.hide()
        self._say_state(sentence)

    def _say_state(self, sentence: str) -> None:
        self._state.setText(sentence)
        self._state.set_quiet(False)
        announce(self, sentence)

    def _chosen(self) -> Move | None:
        row = self._group.checkedButton()
        return row.way if isinstance(row, MoveRow) else None

    def _show_chosen(self) -> None:
        way = self._chosen()
        if way is None:
            return
        while (item := self._said.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.setParent(None)
                widget.deleteLater()
        if way.why_not:
            self._add(way.why_not, "tight", "secondary")
        if way.kept and not (way.why_not and way.step is None):
            self._head("What goes along")
            for sentence in way.kept:
                self._add(sentence, "check", "ready")
        if way.differences and not (way.why_not and way.step is None):
            self._head("What becomes different")
            for sentence in way.differences:
                self._add(sentence, "warning", "busy")
        self._said.addStretch(1)
        self._told.verticalScrollBar().setValue(0)
        deed = _DEEDS.get(way.step, "") if way.step is not None else "Continue with {engine}"
        self.go.setText(deed.format(engine=way.engine).replace("&", "&&"))
        self.go.setEnabled(way.is_ready or way.step is not None)
        self.go.setAccessibleDescription(" ".join((way.why_not, *way.differences)))
        if (row := self._group.checkedButton()) is not None:
            self._list.ensureWidgetVisible(row)
            row.setAccessibleDescription(self.told)

    def _head(self, words: str) -> None:
        label = Wrapped(self._told.page, words)
        label.setFont(theme.body_font(semibold=True))
        label.setContentsMargins(0, theme.SPACE_XS, 0, 0)
        self._said.addWidget(label)
        label.show()

    def _add(self, sentence: str, icon: str, role: str) -> None:
        line = _Line(sentence, icon, role, self._told.page)
        self._said.addWidget(line)
        line.show()

    def _go(self) -> None:
        way = self._chosen()
        if way is None:
            return
        self.accept()
        (self.chosen if way.is_ready else self.step_requested).emit(way)


class _Line(QWidget):
    """A sentence with the icon of what it is."""

    def __init__(self, sentence: str, icon: str, role: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name, self._role = icon, role
        self._icon = QLabel(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(Wrapped(self, sentence, size=theme.SIZE_MONO), 1)
        theme.source().changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        ink = getattr(theme.current(), self._role)
        self._icon.setPixmap(icons.pixmap(self._name, ink, _ICON, self.devicePixelRatioF()))


class _Scroll(QScrollArea):
    """Its page is as wide as it is, and scrolls where it is higher."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page = QWidget(self)
        self.setWidget(self.page)
