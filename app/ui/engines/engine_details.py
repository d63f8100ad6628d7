"""All that is known of one engine: strengths, weaknesses, facts; and how it is started."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.domain.engine import EngineProfile
from app.services.engine_card import EngineCard, Planned
from app.ui import icons, theme
from app.ui.engines.facts import Facts
from app.ui.engines.load_options import LoadOptionsForm
from app.ui.engines.row_words import facts_of
from app.ui.engines.wrapped import Wrapped

_BESIDE_FROM = 560


class EngineDetails(QWidget):
    """Its options are behind a button: who never opens them gets what was chosen for this machine."""

    model_chosen = Signal(str)
    wishes_changed = Signal(object)
    """`LoadWishes`."""

    def __init__(self, profile: EngineProfile, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strengths = _List("Strengths", profile.strengths, self)
        self._weaknesses = _List("Weaknesses", profile.weaknesses, self)
        self._facts = Facts(self)
        self._toggle = QPushButton("Options", self)
        self._toggle.setCheckable(True)
        self._toggle.setAccessibleDescription(f"How {profile.name} loads a model")
        self._toggle.toggled.connect(self._open_options)
        self.options = LoadOptionsForm(self)
        self.options.hide()
        self.options.model_chosen.connect(self.model_chosen)
        self.options.wishes_changed.connect(self.wishes_changed)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(theme.SPACE_XL)
        self._beside.addWidget(self._strengths, 1)
        self._beside.addWidget(self._weaknesses, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_M)
        layout.addLayout(self._beside)
        layout.addWidget(self._facts)
        layout.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addWidget(self.options)
        self._open_options(False)

    def set_card(self, card: EngineCard) -> None:
        """What is known of it now."""
        self._facts.set_rows(facts_of(card))
        self._toggle.setVisible(card.is_installed)
        self.options.setVisible(card.is_installed and self._toggle.isChecked())
        self.options.set_card(card)

    def set_planned(self, planned: Planned | None) -> None:
        """What a start would do now."""
        self.options.set_planned(planned)

    def show_options(self) -> None:
        """Open them."""
        self._toggle.setChecked(True)

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [self._toggle, *self.options.tab_order()]

    def _open_options(self, opened: bool) -> None:
        self.options.setVisible(opened)
        icons.set_icon(self._toggle, "chevron-up" if opened else "sliders", "secondary", 16)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        beside = self.width() >= _BESIDE_FROM
        self._beside.setDirection(direction.LeftToRight if beside else direction.TopToBottom)


class _List(QWidget):
    """A heading and what stands below it, each with a dot before it."""

    def __init__(self, heading: str, items: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        title = Wrapped(self, heading)
        title.setFont(theme.body_font(theme.SIZE_MONO, semibold=True))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addWidget(title)
        for item in items:
            bullet = Wrapped(self, "•", size=theme.SIZE_MONO, quiet=True)
            label = Wrapped(self, item, size=theme.SIZE_MONO)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            line = QHBoxLayout()
            line.setSpacing(theme.SPACE_S)
            line.addWidget(bullet)
            line.addWidget(label, 1)
            layout.addLayout(line)
        layout.addStretch(1)
