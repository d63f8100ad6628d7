"""What was forecast of each load beside what was measured, and how good the forecasts were."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.domain.ledger import LedgerEntry


class LedgerView(QWidget):
    """A sentence on top, a table below, the newest load first."""

    def set_entries(self, entries: Sequence[LedgerEntry]) -> None:
        """Show these loads."""
