"""Names the conversation's model and its engine's state, and lets a person choose another."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics, QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from app.domain.engine import EngineState, EngineStatus
from app.domain.model import LocalModel
from app.models.library import display_name
from app.ui import icons, theme

_WORDS = {
    EngineState.STOPPED: "not loaded",
    EngineState.STARTING: "loading…",
    EngineState.READY: "",
    EngineState.FAILED: "not running",
}
_DOT = 8
_CHEVRON = 14
_AROUND = 66
"""What stands beside the words: air, dot, chevron."""


class ModelPicker(QToolButton):
    """A button such as "● SmolLM2 135M Instruct · Q4_1 · llama.cpp" with a menu of models."""

    chosen = Signal(str)
    about_to_open = Signal()

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
        self._models: list[LocalModel] = []
        self._model: str | None = None
        self._full = ""
        self._status = EngineStatus(EngineState.STOPPED)
        theme.source().changed.connect(self._show)
        self._fill()
        self._show()

    def set_models(self, models: list[LocalModel]) -> None:
        """Offer these."""
        if models != self._models:  # the menu may be open: what a person is about to choose stays
            self._models = models
            self._fill()

    def set_model(self, name: str | None) -> None:
        """The conversation's model; None if it has none yet."""
        self._model = name
        self._show()
        for action in self._group.actions():
            action.setChecked(action.data() == name)

    def set_status(self, status: EngineStatus) -> None:
        """Where the engine stands."""
        self._status = status
        self._show()

    def _fill(self) -> None:
        self._menu.clear()
        self._group.deleteLater()
        group = self._group = QActionGroup(self._menu)
        for model in self._models:
            title, quantization = display_name(model.name)
            size = f"{model.size / 1e9:.1f} GB" if model.size >= 1e9 else f"{model.size / 1e6:.0f} MB"
            label = " · ".join(part for part in (title, quantization, size) if part)
            action = QAction(label.replace("&", "&&"), group)
            action.setCheckable(True)
            action.setChecked(model.name == self._model)
            action.setData(model.name)
            action.setToolTip(str(model.path))
            self._menu.addAction(action)
        if not self._models:
            self._menu.addAction("No model in the model folder").setEnabled(False)
        group.triggered.connect(self._choose)

    def _choose(self, action: QAction) -> None:
        self.chosen.emit(action.data())

    def _show(self) -> None:
        status = self._status
        mine = self._model is None or status.model in (None, self._model)
        state = status.state if mine else EngineState.STOPPED
        name = self._model or status.model
        title, quantization = display_name(name) if name else ("No model", "")
        parts = (title, quantization, status.engine if name else "", _WORDS[state] if name else "")
        self._full = " · ".join(part for part in parts if part)
        colours = theme.current()
        colour = {
            EngineState.READY: colours.ready,
            EngineState.STARTING: colours.busy,
            EngineState.FAILED: colours.failed,
            EngineState.STOPPED: colours.secondary,
        }[state]
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
        self.setIcon(QIcon(dot))
        self.setAccessibleName(f"Model: {self._full}{'' if _WORDS[state] else ', ready'}")
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
