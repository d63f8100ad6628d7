"""A part of a form that stays closed for whoever does not need it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QPushButton, QVBoxLayout, QWidget

from app.ui import icons, theme
from app.ui.engines.wrapped import Wrapped


class Fold(QWidget):
    """A button with a chevron, and the rows behind it."""

    def __init__(self, name: str, parent: QWidget | None = None, *, opened: bool = False) -> None:
        super().__init__(parent)
        self.toggle = QPushButton(name, self)
        self.toggle.setCheckable(True)
        self._inside = QWidget(self)
        self.form = QFormLayout(self._inside)
        self.form.setContentsMargins(0, theme.SPACE_XS, 0, theme.SPACE_S)
        self.form.setHorizontalSpacing(theme.SPACE_M)
        self.form.setVerticalSpacing(theme.SPACE_S)
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        layout.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addWidget(self._inside)
        self.toggle.toggled.connect(self._open)
        self.toggle.setChecked(opened)
        self._open(opened)

    def add(self, field: QWidget) -> None:
        """A row with the field's accessible name before it."""
        label = Wrapped(self._inside, field.accessibleName(), size=theme.SIZE_MONO)
        label.setBuddy(field)
        label.setMinimumHeight(field.sizeHint().height())
        label.setAlignment(label.alignment() | Qt.AlignmentFlag.AlignVCenter)
        self.form.addRow(label, field)

    def add_words(self, said: str) -> Wrapped:
        """A sentence over the whole width."""
        label = Wrapped(self._inside, said, size=theme.SIZE_SECONDARY, quiet=True)
        self.form.addRow(label)
        return label

    def _open(self, opened: bool) -> None:
        self._inside.setVisible(opened)
        icons.set_icon(self.toggle, "chevron-up" if opened else "chevron-down", "secondary", 14)
