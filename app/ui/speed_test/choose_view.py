"""What is to be tested: a model, engines, and how much is asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.domain.speed_test import Workload
from app.services.speed_test_offer import FamilyOffer, Offer, Pick
from app.ui import icons, theme
from app.ui.chat.parameters import WheelGuard
from app.ui.choice import Choice
from app.ui.engines.wrapped import Wrapped
from app.ui.models.invitation import Invitation
from app.ui.speed_test.entrant_row import EntrantRow
from app.ui.speed_test.workload_form import WorkloadForm

_COLUMN = 760
_SEE_MODELS = "See the models"
_LOOK_AGAIN = "Look again"
_ICON = 18


class ChooseView(QStackedWidget):
    """Until there is a model it says how to get one."""

    started = Signal(object, object)
    """A tuple of `Pick`s in the order they stand, and the `Workload`."""
    changed = Signal(object)
    """The `Pick`s are others: what is not like for like is awaited by `set_differences`."""
    install_requested = Signal(str)
    """An engine's id."""
    models_requested = Signal()
    look_again_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offer: Offer | None = None
        self._busy = False
        self.rows: dict[str, EntrantRow] = {}
        self._picked: tuple[Pick, ...] | None = None
        self._order: list[str] = []
        """Engines in the order in which they were checked: so their columns stand."""
        self.empty = Invitation(self)
        self.empty.say("Looking for models and engines…", "")
        self.empty.chosen.connect(self._help)
        self._page = QWidget(self)
        self.area = QScrollArea(self._page)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QWidget(self)
        column.setMaximumWidth(_COLUMN)
        self.family = Choice(column)
        self.family.setAccessibleName("Model")
        self.family.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.family.installEventFilter(WheelGuard(self.family))
        self.family.activated.connect(lambda _: self._show_family())
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self._one = Wrapped(column, size=theme.SIZE_MONO, quiet=True)
        self.work = WorkloadForm(column)
        self.work.changed.connect(self._show_start)
        self._warning = QLabel(column)
        self._unlike = Wrapped(column, size=theme.SIZE_MONO)
        foot = _Foot(self._page)
        self._first = Wrapped(foot, size=theme.SIZE_MONO, quiet=True)
        self.start = QPushButton("Start", foot)
        self.start.setDefault(True)
        self.start.setAutoDefault(True)
        self.start.clicked.connect(self._start)
        self._arrange(column, foot)
        self.addWidget(self.empty)
        self.addWidget(self._page)
        self.setFocusProxy(self.family)
        theme.source().changed.connect(self._draw_icon)
        self._draw_icon()
        self.set_differences(())

    def _arrange(self, column: QWidget, foot: QWidget) -> None:
        title = Wrapped(column, "Speed test")
        title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        intro = Wrapped(
            column,
            "Engines run the same model here, one after the other, and are measured in the same way.",
            quiet=True,
        )
        unlike = QHBoxLayout()
        unlike.setSpacing(theme.SPACE_S)
        unlike.addWidget(self._warning, 0, Qt.AlignmentFlag.AlignTop)
        unlike.addWidget(self._unlike, 1)
        words = QWidget(foot)
        words.setMaximumWidth(_COLUMN)
        beside = QHBoxLayout(words)
        beside.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, theme.SPACE_M)
        beside.setSpacing(theme.SPACE_L)
        beside.addWidget(self.start)
        beside.addWidget(self._first, 1, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(title)
        layout.addWidget(intro)
        layout.addSpacing(theme.SPACE_M)
        layout.addWidget(_heading("Model", column, self.family))
        layout.addWidget(self.family)
        layout.addSpacing(theme.SPACE_M)
        layout.addWidget(_heading("Engines", column))
        layout.addLayout(self._rows)
        layout.addWidget(self._one)
        layout.addLayout(unlike)
        layout.addSpacing(theme.SPACE_M)
        layout.addWidget(_heading("How much", column))
        layout.addWidget(self.work)
        layout.addStretch(1)
        content = QWidget(self.area)
        _centre(content, column)
        self.area.setWidget(content)
        _centre(foot, words)
        below = QVBoxLayout(self._page)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.area, 1)
        below.addWidget(foot)

    @property
    def picks(self) -> tuple[Pick, ...]:
        """What a person chose, in the order of choosing."""
        chosen = {engine: row.pick for engine, row in self.rows.items()}
        return tuple(pick for engine in self._order if (pick := chosen.get(engine)) is not None)

    def set_offer(self, offer: Offer) -> None:
        """What there is to choose from now; choices stay where they still can."""
        self._offer = offer
        if not offer.families:
            self.empty.say(
                "No model to test yet",
                "A speed test runs one model in several engines. Get a model first, or add one you have.",
                [_SEE_MODELS],
            )
            self.setCurrentWidget(self.empty)
            self.setFocusProxy(self.empty)
            return
        before = self.family.currentData()
        names = [family.name for family in offer.families]
        self.family.clear()
        for name in names:
            self.family.addItem(name, name)
        wanted = before if before in names else offer.proposed
        self.family.setCurrentIndex(names.index(wanted) if wanted in names else 0)
        self.setFocusProxy(self.family)
        self.setCurrentWidget(self._page)
        self._show_family()

    def set_failed(self, sentence: str) -> None:
        """What there is cannot be said, and why. What was shown before stays."""
        if self._offer is None:
            self.empty.say("Models and engines cannot be listed", sentence, [_LOOK_AGAIN])

    def set_differences(self, sentences: Sequence[str]) -> None:
        """What is not like for like among those that are chosen."""
        self._unlike.setText("\n".join(sentences))
        for part in (self._unlike, self._warning):
            part.setVisible(bool(sentences))

    def set_busy(self, busy: bool) -> None:
        """A test is being got ready or runs: no other one is started."""
        self._busy = busy
        self._show_start()

    def _show_family(self) -> None:
        family = self._family()
        if family is None:
            return
        for gone in self.rows.keys() - {engine.id for engine in family.engines}:
            row = self.rows.pop(gone)
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        fresh = not self.rows
        for place, engine in enumerate(family.engines):
            if engine.id in self.rows:
                row = self.rows[engine.id]
                row.set_offer(engine)
            else:
                row = self.rows[engine.id] = EntrantRow(engine, self.area.widget())
                row.changed.connect(self._changed)
                row.install_requested.connect(self.install_requested)
                row.check.setChecked(fresh and row.can_take_part and not engine.is_attached)
            self._rows.insertWidget(place, row)
            row.show()
        self.rows = {engine.id: self.rows[engine.id] for engine in family.engines}
        usable = len(family.usable)
        self._one.setText(
            "One engine alone can be tested, too. Install a second one to compare them."
            if usable == 1
            else "No installed engine takes this model. Install one that does, or choose another model."
        )
        self._one.setVisible(usable < 2)
        self._set_order()
        self._changed()

    def _help(self, words: str) -> None:
        (self.look_again_requested if words == _LOOK_AGAIN else self.models_requested).emit()

    def _family(self) -> FamilyOffer | None:
        families = self._offer.families if self._offer is not None else ()
        return next((family for family in families if family.name == self.family.currentData()), None)

    def _changed(self) -> None:
        checked = [engine for engine, row in self.rows.items() if row.pick is not None]
        self._order = [engine for engine in self._order if engine in checked]
        self._order += [engine for engine in checked if engine not in self._order]
        picks = self.picks
        if picks != self._picked:
            self._picked = picks
            if len(picks) < 2:
                self.set_differences(())
            self.changed.emit(picks)
        self._show_start()

    def _show_start(self) -> None:
        picks = self.picks
        self.start.setEnabled(bool(picks) and self.work.workload is not None and not self._busy)
        loaded = self._offer.loaded if self._offer is not None else ()
        if not picks:
            said = "Choose one engine at least."
        elif self._busy:
            said = "A test runs already."
        elif loaded:
            verb = "is" if len(loaded) == 1 else "are"
            said = f"{' and '.join(loaded)} {verb} unloaded first, so that nothing else holds memory."
        else:
            said = ""
        self._first.setText(said)
        self.start.setAccessibleDescription(said)

    def _start(self) -> None:
        workload, picks = self.work.workload, self.picks
        if isinstance(workload, Workload) and picks:
            self.started.emit(picks, workload)

    def _set_order(self) -> None:
        """Tab reads the page downwards."""
        rows = [part for row in self.rows.values() for part in row.tab_order()]
        for before, after in pairwise([self.family, *rows, *self.work.tab_order(), self.start]):
            QWidget.setTabOrder(before, after)

    def _draw_icon(self) -> None:
        colour = theme.current().busy
        self._warning.setPixmap(icons.pixmap("warning", colour, _ICON, self.devicePixelRatioF()))


class _Foot(QWidget):
    """Below what scrolls, so that Start is always there."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, 0, self.width(), 1, theme.current().hairline)


def _centre(page: QWidget, column: QWidget) -> None:
    centred = QHBoxLayout(page)
    centred.setContentsMargins(0, 0, 0, 0)
    centred.addStretch(1)
    centred.addWidget(column, 1000)
    centred.addStretch(1)


def _heading(said: str, parent: QWidget, buddy: QWidget | None = None) -> QLabel:
    label = Wrapped(parent, said)
    label.setFont(theme.body_font(semibold=True))
    if buddy is not None:
        label.setBuddy(buddy)
    return label
