"""The cost tab: what a person says, and what follows from it, beside each other or below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.advisor.figure import RefusedFigure
from app.services.cost_reckoning import CostInputs, Reckoned
from app.ui import theme
from app.ui.advisor.column import Column, title
from app.ui.advisor.cost_form import CostForm
from app.ui.advisor.cost_result import CostResult
from app.ui.engines.wrapped import Wrapped

_WIDE = 1160
_BESIDE_FROM = 860
_FORM = 312


class CostView(Column):
    """Reckons anew once a person rests."""

    asked = Signal(object)
    """`CostInputs`: what follows is awaited by `set_reckoned`."""
    speed_test_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, widest=_WIDE)
        column = self.content
        self.form = CostForm(column)
        self.result = CostResult(column)
        self.result.speed_test_requested.connect(self.speed_test_requested)
        self.form.changed.connect(self.ask)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(theme.SPACE_XL)
        self._beside.addWidget(self.form)
        self._beside.addWidget(self.result, 1)
        self.rows.addWidget(title(column, "What tokens cost"))
        self.rows.addWidget(
            Wrapped(
                column,
                "This machine beside rented ones and an API. Prices are examples until you put in yours.",
                quiet=True,
            )
        )
        self.rows.addSpacing(theme.SPACE_S)
        self.rows.addLayout(self._beside)
        self.rows.addStretch(1)
        QWidget.setTabOrder(self.form.reset, self.result.test)
        QWidget.setTabOrder(self.result.test, self.result.chart)
        self._arrange()

    def ask(self) -> None:
        """Have what the fields say reckoned."""
        try:
            inputs: CostInputs = self.form.inputs
        except RefusedFigure as error:
            self.result.set_problem(error.message)
        else:
            self.asked.emit(inputs)

    def set_reckoned(self, it: Reckoned) -> None:
        """Show what follows."""
        self.result.set_reckoned(it)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        beside = self.viewport().width() >= _BESIDE_FROM
        direction = QBoxLayout.Direction
        self._beside.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
        self.form.setFixedWidth(_FORM) if beside else self.form.setMaximumWidth(16_777_215)
        if not beside:
            self.form.setMinimumWidth(0)
