"""One engine to take part or not, with the form of the model it would run."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.services.speed_test_offer import EngineOffer, FormOffer, Pick
from app.ui import theme
from app.ui.chat.parameters import WheelGuard
from app.ui.choice import Choice
from app.ui.engines.wrapped import Wrapped

_FORM_WIDTH = 132
_DOT = 10
_SCALE = 3


class EntrantRow(QWidget):
    """A check, the engine's colour and name, and its form; what cannot take part says why."""

    changed = Signal()
    """Whether it takes part, or as what."""
    install_requested = Signal(str)
    """The engine's id."""

    def __init__(self, offer: EngineOffer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offer = offer
        self.check = QCheckBox(self)
        self.check.setText(offer.name.replace("&", "&&"))
        self.check.setIconSize(QSize(_DOT, _DOT))
        self.check.toggled.connect(lambda _: self.changed.emit())
        self._only = QLabel(self)
        self._only.setTextFormat(Qt.TextFormat.PlainText)
        self._only.setFont(theme.tabular_font(theme.SIZE_MONO))
        self._only.setForegroundRole(self._only.foregroundRole().PlaceholderText)
        self.form = Choice(self)
        self.form.setMinimumWidth(_FORM_WIDTH)
        self.form.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.form.installEventFilter(WheelGuard(self.form))
        self.form.activated.connect(lambda _: self.changed.emit())
        self.install = QPushButton("Install…", self)
        self.install.clicked.connect(lambda: self.install_requested.emit(self._offer.id))
        self._why = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(self.check)
        top.addStretch(1)
        top.addWidget(self._only)
        top.addWidget(self.form)
        top.addWidget(self.install)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.SPACE_S, 0, theme.SPACE_S)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self._why)
        self.set_offer(offer)

    @property
    def offer(self) -> EngineOffer:
        """What is shown."""
        return self._offer

    @property
    def can_take_part(self) -> bool:
        """Whether there is anything it could run now."""
        return self._offer.is_installed and bool(self._offer.forms)

    @property
    def pick(self) -> Pick | None:
        """What a person chose here; None if the engine takes no part."""
        if not (self.can_take_part and self.check.isChecked()):
            return None
        chosen = self.form.currentData()
        return Pick(self._offer, chosen if isinstance(chosen, FormOffer) else self._offer.forms[0])

    def set_offer(self, offer: EngineOffer) -> None:
        """The same engine as it stands now; what was chosen of it stays if it is still there."""
        before = self.form.currentData()
        self._offer = offer
        blocked = self.form.blockSignals(True)
        self.form.clear()
        for form in offer.forms:
            self.form.addItem(form.name, form)
        kept = offer.forms.index(before) if before in offer.forms else offer.best
        self.form.setCurrentIndex(kept if offer.forms else -1)
        self.form.blockSignals(blocked)
        able = self.can_take_part
        self.check.setEnabled(able)
        self.check.setIcon(_dot(offer.id, hollow=not able))
        self.form.setVisible(able and len(offer.forms) > 1)
        self.form.setAccessibleName(f"Form of the model for {offer.name}")
        self._only.setVisible(able and len(offer.forms) == 1)
        self._only.setText(offer.forms[0].name if offer.forms else "")
        self.install.setVisible(not offer.is_installed)
        self.install.setAccessibleName(f"Install {offer.name}")
        self._why.setText(offer.why_not)
        self._why.setVisible(bool(offer.why_not))
        said = offer.name
        if able and len(offer.forms) == 1:
            said += f", {offer.forms[0].name}"
        self.check.setAccessibleName(said)
        self.check.setAccessibleDescription(offer.why_not)

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [self.check, self.form, self.install]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


def _dot(engine_id: str, *, hollow: bool) -> QIcon:
    """The engine's colour, as beside its name elsewhere."""
    image = QPixmap(_DOT * _SCALE, _DOT * _SCALE)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(_SCALE, _SCALE)
    colour = theme.engine_colour(engine_id)
    painter.setPen(QPen(colour, 2) if hollow else Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else colour)
    edge = 1.0 if hollow else 0.0
    painter.drawEllipse(QRectF(0, 0, _DOT, _DOT).adjusted(edge, edge, -edge, -edge))
    painter.end()
    image.setDevicePixelRatio(_SCALE)
    icon = QIcon(image)
    icon.addPixmap(image, QIcon.Mode.Disabled)  # else the style would grey it
    return icon
