"""One repository that a search found: a line to open, and below it what there is to download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QStyle, QVBoxLayout, QWidget

from app.domain.download import Download
from app.domain.hub import Access, HubModel, Variant
from app.domain.model import LocalModel
from app.ui import icons, theme, words
from app.ui.elided_label import direction_of
from app.ui.models.repository_panel import RepositoryPanel
from app.ui.models.variant_list import Key

_HEIGHT = 56
_LINE = 20
_ICON = 14
_LOCK = {Access.GATED: "Gated", Access.PRIVATE: "Private"}


class SearchResult(QWidget):
    """Closed at first; its variants are asked for when it is opened."""

    opened = Signal(str)
    """Repository whose variants are wanted."""
    download_requested = Signal(object, str)
    advice_requested = Signal(str)
    token_requested = Signal(str)
    log_requested = Signal(str, str)
    walked = Signal(int)
    """The arrow down (1) or up (-1) was pressed."""

    def __init__(self, found: HubModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.found = found
        self._has_token = False
        self._downloads: Mapping[Key, Download] = {}
        self._local: Sequence[LocalModel] = ()
        self._panel: RepositoryPanel | None = None
        self.header = _Header(found, self)
        self.header.toggled.connect(self._toggle)
        self.header.walked.connect(self.walked)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(self.header)

    def set_has_token(self, has_token: bool) -> None:
        """Whether there is a token to try a gated repository with."""
        self._has_token = has_token
        self.header.set_has_token(has_token)
        if self._panel is not None:
            self._panel.set_has_token(has_token)

    def set_downloads(self, downloads: Mapping[Key, Download]) -> None:
        """What is on its way or done."""
        self._downloads = downloads
        if self._panel is not None:
            self._panel.set_downloads(downloads)

    def set_local(self, models: Sequence[LocalModel]) -> None:
        """The models on this machine."""
        self._local = models
        if self._panel is not None:
            self._panel.set_local(models)

    def set_variants(self, variants: Sequence[Variant]) -> None:
        """What there is to download; nothing happens before it was asked for."""
        if self._panel is not None:
            self._panel.set_variants(variants)

    def set_failed(self, sentence: str, *, needs_token: bool, detail: str = "") -> None:
        """Its files could not be listed."""
        if self._panel is not None:
            self._panel.set_failed(sentence, needs_token=needs_token, detail=detail)

    def _toggle(self, is_open: bool) -> None:
        if self._panel is None:
            self._panel = panel = RepositoryPanel(self.found, self)
            panel.set_has_token(self._has_token)
            panel.set_downloads(self._downloads)
            panel.set_local(self._local)
            panel.wanted.connect(self.opened)
            panel.download_requested.connect(self.download_requested)
            panel.advice_requested.connect(self.advice_requested)
            panel.token_requested.connect(self.token_requested)
            panel.log_requested.connect(self.log_requested)
            self._layout.addWidget(panel)
        self._panel.setVisible(is_open)
        if is_open and not self._panel.filled:
            self._panel.ask()


class _Header(QAbstractButton):
    """The line itself: a button that opens and closes what is below it."""

    walked = Signal(int)

    def __init__(self, found: HubModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._found = found
        self._lock = ""
        self._second = _facts(found)
        self.setCheckable(True)
        self.setFixedHeight(_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.toggled.connect(self._name)
        self.set_has_token(False)

    def set_has_token(self, has_token: bool) -> None:
        word = _LOCK.get(self._found.access, "")
        self._lock = f"{word}: {'uses your' if has_token else 'needs a'} token" if word else ""
        self._name()
        self.update()

    def _name(self) -> None:
        state = "open" if self.isChecked() else "closed"
        said = (self._found.repository, self._second.replace(" · ", ", "), self._lock, state)
        self.setAccessibleName(", ".join(part for part in said if part))

    def sizeHint(self) -> QSize:
        return QSize(320, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, _HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down:
                self.walked.emit(1)
            case Qt.Key.Key_Up:
                self.walked.emit(-1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.click()
            case Qt.Key.Key_Escape if self.isChecked():
                self.setChecked(False)
            case _:
                super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        around = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.09 if self.isDown() else 0.05))
            painter.drawRoundedRect(around, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = around.adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(ring, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        inner = self.rect().adjusted(theme.SPACE_S, 0, -theme.SPACE_S, 0)
        top = (_HEIGHT - 2 * _LINE) // 2
        arrow = "chevron-down" if self.isChecked() else "chevron-right"
        self._draw_icon(painter, arrow, QRect(inner.left(), top, _ICON, _LINE), "secondary")
        first = QRect(inner.left() + _ICON + theme.SPACE_S, top, inner.width() - _ICON - theme.SPACE_S, _LINE)
        second = first.translated(0, _LINE)
        if self._lock:
            first = self._draw_lock(painter, first)
        painter.setPen(colours.text)
        painter.setFont(theme.body_font())
        self._write(painter, first, self._found.repository)
        painter.setPen(colours.secondary)
        painter.setFont(theme.tabular_font())
        self._write(painter, second, self._second)

    def _draw_lock(self, painter: QPainter, where: QRect) -> QRect:
        """At the line's end; returns what is left of it."""
        painter.setFont(theme.body_font(theme.SIZE_SECONDARY))
        painter.setPen(theme.current().busy)
        width = painter.fontMetrics().horizontalAdvance(self._lock)
        room = width + _ICON + theme.SPACE_XS
        at = QRect(where.right() - room, where.top(), _ICON, _LINE)
        self._draw_icon(painter, "lock", at, "busy")
        self._write(
            painter, QRect(at.right() + theme.SPACE_XS + 1, where.top(), width + 1, _LINE), self._lock
        )
        return where.adjusted(0, 0, -room - theme.SPACE_M, 0)

    def _draw_icon(self, painter: QPainter, name: str, where: QRect, role: str) -> None:
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        at = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        y = at.center().y() - _ICON // 2 + 1
        drawn = icons.pixmap(name, getattr(theme.current(), role), _ICON, self.devicePixelRatioF())
        if mirrored and name == "chevron-right":
            painter.save()
            painter.translate(at.left() + _ICON, y)
            painter.scale(-1, 1)
            painter.drawPixmap(0, 0, drawn)
            painter.restore()
        else:
            painter.drawPixmap(at.left(), y, drawn)

    def _write(self, painter: QPainter, where: QRect, said: str) -> None:
        cut = painter.fontMetrics().elidedText(said, Qt.TextElideMode.ElideRight, where.width())
        side = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        painter.setLayoutDirection(direction_of(said))
        at = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        painter.drawText(at, side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute, cut)


def _facts(found: HubModel) -> str:
    """What the hub says of it, in the order in which a person chooses; unknown things are left out."""
    updated = words.iso_days_ago(found.updated, date.today())
    said = (
        " and ".join(found.formats),
        f"{words.parameters(found.parameters)} parameters" if found.parameters else "",
        f"{words.count(found.downloads)} downloads" if found.downloads is not None else "",
        f"{words.count(found.likes)} likes" if found.likes else "",
        found.licence or "",
        f"updated {updated}" if updated != words.UNKNOWN else "",
    )
    return " · ".join(part for part in said if part)
