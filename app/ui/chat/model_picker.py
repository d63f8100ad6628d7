"""Names the conversation's model and its engine's state, and lets a person choose another."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QFontMetrics, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from app.domain.engine import EngineState, EngineStatus
from app.models.library import display_name
from app.services.engine_choice import ModelChoice
from app.ui import icons, theme, words

_WORDS = {
    EngineState.ABSENT: "not installed",
    EngineState.INSTALLING: "being installed",
    EngineState.STOPPED: "not loaded",
    EngineState.STARTING: "loading…",
    EngineState.READY: "",
    EngineState.BUSY: "",
    EngineState.FAILED: "not running",
}
_DOT = 8
_CHEVRON = 14
_AROUND = 66
"""What stands beside the words: air, dot, chevron."""


class ModelPicker(QToolButton):
    """A button such as "● SmolLM2 135M Instruct · Q4_1 · llama.cpp" with a menu of models and engines."""

    chosen = Signal(str, str)
    """Name of a model, id of the engine that is to run it."""
    about_to_open = Signal()
    more_requested = Signal()
    """None of these: see where more come from."""
    move_requested = Signal()
    """The same model with another engine."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoRaise(True)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setIconSize(QSize(_DOT + 4, _DOT + 4))
        self._menu = QMenu(self)
        self._group = QActionGroup(self._menu)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self.about_to_open)
        self.setMenu(self._menu)
        self._choices: list[ModelChoice] = []
        self._model: str | None = None
        self._engine: str | None = None
        self._full = ""
        self._status = EngineStatus(EngineState.STOPPED)
        theme.source().changed.connect(self._show)
        self._fill()
        self._show()

    def set_models(self, choices: list[ModelChoice]) -> None:
        """Offer these: what is best, then other engines, then what servers have."""
        if choices != self._choices:  # the menu may be open: what a person is about to choose stays
            self._choices = choices
            self._fill()

    def set_model(self, name: str | None, engine: str | None = None) -> None:
        """The conversation's model and the engine chosen for it; None if it has none yet."""
        self._model = name
        self._engine = engine
        self._show()
        for action in self._group.actions():
            action.setChecked(self._is_current(action.data()))

    def choice(self, name: str, engine: str | None) -> ModelChoice | None:
        """What is offered under that name, with that engine (None: the best)."""
        return next(
            (
                it
                for it in self._choices
                if it.name == name and (it.is_best if engine is None else it.engine_id == engine)
            ),
            None,
        )

    def set_status(self, status: EngineStatus) -> None:
        """Where the engine stands."""
        self._status = status
        self._show()

    def _fill(self) -> None:
        self._menu.clear()
        self._group.deleteLater()
        group = self._group = QActionGroup(self._menu)
        before: ModelChoice | None = None
        for choice in self._choices:
            if before is not None and _section(before) != _section(choice):
                self._menu.addSeparator()
            before = choice
            action = QAction(_label(choice).replace("&", "&&"), group)
            action.setCheckable(True)
            action.setChecked(self._is_current(choice))
            action.setData(choice)
            if not choice.is_best:
                action.setIcon(QIcon(self._dot(theme.engine_colour(choice.engine_id))))
            where = str(choice.model.path) if choice.model is not None else choice.engine
            action.setToolTip(f"{where}\nWhat is said to it leaves this machine" if choice.remote else where)
            self._menu.addAction(action)
        if not self._choices:
            self._menu.addAction("No model in the model folder").setEnabled(False)
        self._menu.addSeparator()
        if self._choices:
            self._menu.addAction("Continue with another engine…").triggered.connect(self.move_requested)
        self._menu.addAction("More models…").triggered.connect(self.more_requested)
        group.triggered.connect(self._choose)

    def _is_current(self, choice: ModelChoice) -> bool:
        return self._model is not None and self.choice(self._model, self._engine) == choice

    def _choose(self, action: QAction) -> None:
        choice: ModelChoice = action.data()
        self.chosen.emit(choice.name, choice.engine_id)

    def _dot(self, colour: QColor) -> QPixmap:
        scale = self.devicePixelRatioF()
        dot = QPixmap(round((_DOT + 4) * scale), round((_DOT + 4) * scale))
        dot.setDevicePixelRatio(scale)
        dot.fill(Qt.GlobalColor.transparent)
        painter = QPainter(dot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(2, 2, _DOT, _DOT)
        painter.end()
        return dot

    def _show(self) -> None:
        status = self._status
        mine = self._model is None or status.model in (None, self._model)
        state = status.state if mine else EngineState.STOPPED
        words = (state is EngineState.STARTING and status.progress and f"{status.progress}…") or _WORDS[state]
        name = self._model or status.model
        title, quantization = display_name(name) if name else ("No model", "")
        parts = (title, quantization, status.engine if name else "", words if name else "")
        self._full = " · ".join(part for part in parts if part)
        colours = theme.current()
        colour = {
            EngineState.READY: colours.ready,
            EngineState.BUSY: colours.ready,
            EngineState.STARTING: colours.busy,
            EngineState.INSTALLING: colours.busy,
            EngineState.FAILED: colours.failed,
        }.get(state, colours.secondary)
        self.setIcon(QIcon(self._dot(colour)))
        self.setAccessibleName(f"Model: {self._full}{'' if words else ', ready'}")
        self.setToolTip(f"{self._full}\nChoose another model")
        self._elide()
        self.updateGeometry()

    def _elide(self) -> None:
        room = max(80, self.width() - _AROUND)
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._full, Qt.TextElideMode.ElideRight, room).replace("&", "&&"))

    def sizeHint(self) -> QSize:
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self._full) + _AROUND + 2, 34)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 34)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._elide()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        x = theme.SPACE_S if mirrored else self.width() - theme.SPACE_S - _CHEVRON
        ink = theme.current().secondary
        drawn = icons.pixmap("chevron-down", ink, _CHEVRON, self.devicePixelRatioF())
        QPainter(self).drawPixmap(x, (self.height() - _CHEVRON) // 2 + 1, drawn)


def _section(choice: ModelChoice) -> int:
    if choice.model is None:
        return 2
    return 0 if choice.is_best else 1


def _label(choice: ModelChoice) -> str:
    """The best engine of a model goes without saying; servers say where they are."""
    if choice.model is None:
        return " · ".join(
            part for part in (choice.name, choice.engine, "remote" if choice.remote else "") if part
        )
    title, quantization = display_name(choice.name)
    size = words.size(choice.model.size)
    return " · ".join(
        part for part in (title, quantization, size if choice.is_best else choice.engine) if part
    )
