"""Names on one side, what is known on the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QSizePolicy, QWidget

from app.ui import theme
from app.ui.engines.wrapped import Wrapped

_NAME_WIDTH = 124


class Facts(QWidget):
    """Updated in place: a text that a person has selected stays selected while figures beside it change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._values: list[Wrapped] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(theme.SPACE_M)
        self._form.setVerticalSpacing(theme.SPACE_XS)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show these."""
        names = tuple(name for name, _ in rows)
        if names != self._names:
            self._names = names
            self._make(names)
        for label, (name, value) in zip(self._values, rows, strict=True):
            if label.text() != value:
                label.setText(value)
                label.setAccessibleName(f"{name}: {value}")

    def _make(self, names: Sequence[str]) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self._values = []
        for name in names:
            label = Wrapped(self, name, size=theme.SIZE_MONO, quiet=True)
            value = Wrapped(self, size=theme.SIZE_MONO)
            label.setFixedWidth(_NAME_WIDTH)
            # As high as the row: else the form puts it beside the middle of a value of two lines.
            label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.MinimumExpanding)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._form.addRow(label, value)
            self._values.append(value)
