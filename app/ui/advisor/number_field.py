"""Fields for figures: a person's own, or empty, which says what is taken instead."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from app.ui import theme
from app.ui.chat.parameters import WheelGuard

WIDTH = 148
_LARGEST = 2**31 - 1


class DecimalField(QDoubleSpinBox):
    """A figure from `least` to `most`. With `empty` words, zero stands for none and is shown as those."""

    def __init__(
        self,
        name: str,
        explanation: str,
        most: float,
        *,
        least: float = 0.0,
        decimals: int = 2,
        suffix: str = "",
        empty: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._is_optional = bool(empty)
        self.setDecimals(decimals)
        self.setRange(least, most)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setGroupSeparatorShown(True)
        self.setSuffix(suffix)
        self.setSpecialValueText(empty)
        _prepare(self, name, explanation)

    @property
    def said(self) -> float | None:
        """The figure; None where none is said."""
        value = self.value()
        return None if self._is_optional and value == 0 else value


class WholeField(QSpinBox):
    """A whole number from `least` to `most`."""

    def __init__(
        self, name: str, explanation: str, least: int, most: int, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setRange(least, min(most, _LARGEST))
        self.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        self.setGroupSeparatorShown(True)
        _prepare(self, name, explanation)


def _prepare(field: QSpinBox | QDoubleSpinBox, name: str, explanation: str) -> None:
    field.setAccessibleName(name)
    field.setAccessibleDescription(explanation)
    field.setToolTip(explanation)
    field.setKeyboardTracking(False)
    field.setFixedWidth(WIDTH)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
    field.installEventFilter(WheelGuard(field))
