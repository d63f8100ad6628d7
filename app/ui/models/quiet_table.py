"""A table without lines or boxes: rows to walk with the arrows, columns that go where there is no room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QMouseEvent, QPainter, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from app.ui import icons, theme

_HEADER_HEIGHT, _HEADER_HEIGHT_OF_TWO = 32, 44
"""With headings of one line, and with any of two ("Memory\nforecast")."""
_SCROLL_BAR = 12
_ARROW = 12
_AIR = theme.SPACE_S
_BELOW = 7

Index = QModelIndex | QPersistentModelIndex


class QuietTable(QTreeView):
    """Rows are chosen as a whole. The first column takes what the others leave.

    `widths` are those of the other columns; `least` is what the first one needs, and `goes_first` the columns
    that give their place up for it, the least important first.
    """

    hovered = Signal(int)
    """Another row is under the pointer, or none (-1)."""

    def __init__(
        self, name: str, widths: Sequence[int], least: int, goes_first: Sequence[int], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._widths = widths
        self._least = least
        self._goes_first = goes_first
        self.setAccessibleName(name)
        self.setHeader(_Header(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.viewport().setAutoFillBackground(False)
        # The rows paint their own selection and focus; the style's would lie above them.
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Highlight, Qt.GlobalColor.transparent)
        self.setPalette(palette)
        self._hovered = -1

    @property
    def hovered_row(self) -> int:
        """The row under the pointer, -1 if there is none."""
        return self._hovered

    def set_column_widths(self) -> None:
        """Once there is a model: lay its columns out."""
        header = self.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setMinimumSectionSize(1)
        self._lay_out()

    @property
    def hidden_columns(self) -> tuple[int, ...]:
        """Those that gave their place up."""
        return tuple(column for column in self._goes_first if self.isColumnHidden(column))

    def _lay_out(self) -> None:
        if self.model() is None:
            return
        room = self.viewport().width()
        if not self.verticalScrollBar().isVisible():
            room -= _SCROLL_BAR  # it may come: columns that jump when it does are worse than a gap
        shown = dict(enumerate(self._widths, 1))
        for column in self._goes_first:
            if room - sum(shown.values()) >= self._least:
                break
            shown.pop(column)
        for column, width in enumerate(self._widths, 1):
            self.setColumnHidden(column, column not in shown)
            if column in shown:
                self.setColumnWidth(column, width)
        self.setColumnWidth(0, max(1, room - sum(shown.values())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self._hover(-1)
        return super().viewportEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()
            self.hovered.emit(row)

    def drawRow(self, painter: QPainter, options: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.current()
        row = QRectF(options.rect)
        state = options.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = self.selectionModel().isRowSelected(index.row(), index.parent())
        if selected or index.row() == self._hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.09 if selected else 0.05))
            painter.drawRoundedRect(row, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if (
            self.hasFocus()
            and self.currentIndex().row() == index.row()
            and state & QStyle.StateFlag.State_Enabled
        ):
            painter.setPen(QPen(colours.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(
                row.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS_CONTROL, theme.RADIUS_CONTROL
            )
        painter.restore()
        super().drawRow(painter, options, index)


class _Header(QHeaderView):
    """Small grey names; the sorted column has an arrow. A click sorts."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setSortIndicatorShown(True)
        self.setHighlightSections(False)
        self.setStretchLastSection(False)
        self.viewport().setAutoFillBackground(False)

    def sizeHint(self) -> QSize:
        headings = [str(self.model().headerData(n, self.orientation())) for n in range(self.count())]
        height = _HEADER_HEIGHT_OF_TWO if any("\n" in one for one in headings) else _HEADER_HEIGHT
        return QSize(super().sizeHint().width(), height)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:  # noqa: N803
        colours = theme.current()
        words = self.model().headerData(logicalIndex, self.orientation()) or ""
        alignment = self.model().headerData(
            logicalIndex, self.orientation(), Qt.ItemDataRole.TextAlignmentRole
        ) or int(Qt.AlignmentFlag.AlignLeading)
        is_sorted = (
            bool(words) and self.isSortIndicatorShown() and self.sortIndicatorSection() == logicalIndex
        )
        painter.save()
        painter.setFont(theme.body_font(theme.SIZE_SECONDARY, semibold=is_sorted))
        painter.setPen(colours.text if is_sorted else colours.secondary)
        side = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag(int(alignment)))
        inner = rect.adjusted(_AIR, 0, -_AIR, -_BELOW)
        metrics = painter.fontMetrics()
        lines = [
            metrics.elidedText(line, Qt.TextElideMode.ElideRight, inner.width()) for line in words.split("\n")
        ]
        flags = side | Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(inner, flags, "\n".join(lines))
        if is_sorted:
            self._draw_arrow(painter, inner, side, metrics.horizontalAdvance(lines[-1]), metrics.height())
        painter.setPen(colours.hairline)
        painter.drawLine(rect.left(), rect.bottom(), rect.right() + 1, rect.bottom())
        painter.restore()

    def _draw_arrow(
        self, painter: QPainter, inner: QRect, side: Qt.AlignmentFlag, width: int, height: int
    ) -> None:
        """Outside of the words, so that figures stay in line under their heading."""
        ascending = self.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        name = "chevron-up" if ascending else "chevron-down"
        arrow = icons.pixmap(name, theme.current().secondary, _ARROW, self.devicePixelRatioF())
        if side & Qt.AlignmentFlag.AlignRight:
            x = inner.right() - width - _ARROW - 1
        else:
            x = inner.left() + width + 2
        painter.drawPixmap(QPoint(x, inner.bottom() - height + (height - _ARROW) // 2 + 1), arrow)


class FigureDelegate(QStyledItemDelegate):
    """One line of small quiet text, figures of one width, in the colour a model's ForegroundRole names."""

    def __init__(self, height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._height = height

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        return QSize(40, self._height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        words = index.data() or ""
        if not words:
            return
        painter.save()
        painter.setFont(theme.tabular_font())
        role = index.data(Qt.ItemDataRole.ForegroundRole) or "secondary"
        painter.setPen(getattr(theme.current(), role))
        alignment = index.data(Qt.ItemDataRole.TextAlignmentRole) or int(Qt.AlignmentFlag.AlignLeading)
        side = QStyle.visualAlignment(option.direction, Qt.AlignmentFlag(int(alignment)))
        inner = option.rect.adjusted(_AIR, 0, -_AIR, 0)
        words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute, words)
        painter.restore()
