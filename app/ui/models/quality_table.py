"""What was measured of each form of a model, row by row."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from app.domain.model_quality import Estimate, QualityReport, VariantQuality
from app.models.library import display_name
from app.ui.elided_label import plain_tip
from app.ui.models.quiet_table import FigureDelegate, QuietTable
from app.ui.words import UNKNOWN, decode_speed, signed_percent, size

Index = QModelIndex | QPersistentModelIndex

_ROW = 36
_HEADER = 48
HEADINGS = (
    "Form",
    "Quality",
    "Perplexity",
    "Increase",
    "KL divergence\n(nats a token)",
    "Same token\nas likeliest",
    "Size",
    "Reading\na prompt",
    "Replying",
)
_WIDTHS = (172, 104, 80, 116, 100, 72, 92, 92)
_LEAST = 96
_GOES_FIRST = (7, 2, 1, 3)
_WORDS = 2
"""Columns of words; the rest are figures."""


class QualityTable(QuietTable):
    """As high as its rows."""

    def __init__(self, report: QualityReport, parent: QWidget) -> None:
        super().__init__("What was measured of each form", _WIDTHS, _LEAST, _GOES_FIRST, parent)
        self._figures = _Model(report, self)
        self.setModel(self._figures)
        delegate = FigureDelegate(_ROW, self)
        for column in range(len(HEADINGS)):
            self.setItemDelegateForColumn(column, delegate)
        self.setSortingEnabled(False)
        self.header().setSortIndicatorShown(False)
        self.header().setSectionsClickable(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.set_column_widths()
        self.setFixedHeight(_HEADER + _ROW * self._figures.rowCount())

    @property
    def rows(self) -> list[list[str]]:
        """What is written, row by row."""
        return self._figures.cells


class _Model(QAbstractTableModel):
    def __init__(self, report: QualityReport, parent: QObject) -> None:
        super().__init__(parent)
        every = (report.original, *report.variants)
        self.cells = [_cells(each, is_original=each is report.original) for each in every]
        self._names = [each.name for each in every]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.cells)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADINGS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.cells[row][column]
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole if column == 0:
                return "text"
            case Qt.ItemDataRole.ToolTipRole if column == 0:
                return plain_tip(self._names[row])
            case Qt.ItemDataRole.AccessibleTextRole if column == 0:
                pairs = zip(HEADINGS[1:], self.cells[row][1:], strict=True)
                said = [f"{head.replace(chr(10), ' ')}: {cell}" for head, cell in pairs if cell != UNKNOWN]
                return ". ".join((self._names[row], *said))
        return None


def form_of(quality: VariantQuality) -> str:
    """Which form it is: "Q4_K_M"; its whole name where that does not say."""
    return quality.quantization or display_name(quality.name)[1] or quality.name


def _cells(quality: VariantQuality, *, is_original: bool) -> list[str]:
    divergence, speed = quality.divergence, quality.speed
    increase = quality.perplexity_increase_percent
    return [
        form_of(quality),
        "the original" if is_original else quality.quality.value,
        _estimate(quality.perplexity, 2),
        UNKNOWN if increase is None else signed_percent(increase / 100),
        UNKNOWN if divergence is None else _estimate(divergence.divergence, 4),
        UNKNOWN if divergence is None else f"{divergence.same_top.value:.1f} %",
        size(quality.size),
        decode_speed(speed.prompt.value if speed is not None else None),
        decode_speed(speed.generation.value if speed is not None else None),
    ]


def _estimate(estimate: Estimate, digits: int) -> str:
    return f"{estimate.value:.{digits}f} ± {estimate.error:.{digits}f}"


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignTrailing if column >= _WORDS else Qt.AlignmentFlag.AlignLeading
    return int(side)
