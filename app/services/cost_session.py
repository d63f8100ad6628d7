"""What the cost tab of the advisor page asks for. Nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.services.background import Background
from app.services.cost_reckoning import CostInputs, Reckoned, reckon
from app.services.costs import MeasuredForm
from app.services.latest import Latest


class CostSession(QObject):
    """Lives on the window's thread; its signals arrive there. The newest inputs are answered."""

    forms_known = Signal(object)
    """A tuple of `MeasuredForm`: what speed tests on this machine measured."""
    reckoned = Signal(object)
    """`Reckoned`."""
    refused = Signal(object)
    """`RefusedFigure`: with these inputs nothing can be reckoned."""
    failed = Signal(object)
    """`EdgewiseError`: the speed tests cannot be read."""

    def __init__(
        self,
        forms: Callable[[], Sequence[MeasuredForm]],
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._read = forms
        self._background = background
        self._forms: tuple[MeasuredForm, ...] = ()
        self._inputs: CostInputs | None = None
        self._asks: Latest[Reckoned] = Latest(background)

    @property
    def forms(self) -> tuple[MeasuredForm, ...]:
        """As they were read last."""
        return self._forms

    def look(self) -> None:
        """Read what was measured; what was asked is reckoned again if that is another one."""
        self._background.run(lambda: tuple(self._read()), self._know, self.failed.emit)

    def reckon(self, inputs: CostInputs) -> None:
        """What follows from these; `reckoned` or `refused` tells."""
        self._inputs = inputs
        forms = self._forms
        self._asks.ask(lambda: reckon(inputs, forms), self.reckoned.emit, self.refused.emit)

    def _know(self, forms: tuple[MeasuredForm, ...]) -> None:
        if forms == self._forms:
            return
        self._forms = forms
        self.forms_known.emit(forms)
        if self._inputs is not None:
            self.reckon(replace(self._inputs))
