"""What both kinds of chart share: laid out once, walked with the keyboard, read out, exported."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from app.ui import theme
from app.ui.announce import announce
from app.ui.charts.lettering import Lettering, Words, masthead, write
from app.ui.elided_label import plain_tip

NOTHING = "Nothing was measured yet."
NARROWEST = 160
"""Width below which a chart is not made smaller, in logical pixels."""


class Chart(QWidget):
    """A picture of figures. Left, Right, Up, Down, Home and End walk its figures; each is read out.

    A kind of chart says how it is arranged, painted, walked and told in words.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.empty_text = NOTHING
        self._fonts: Lettering | None = None
        self._stop: int | None = None
        """The figure that is pointed at, by the keyboard or the pointer."""
        self._walked = False
        """Whether the keyboard went there: then it stays when the pointer leaves."""
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.source().changed.connect(self.update)

    # What a kind of chart says.

    @property
    def empty(self) -> bool:
        """Whether there is no figure to show."""
        raise NotImplementedError

    def as_text(self) -> str:
        """All its figures as a table in plain text."""
        raise NotImplementedError

    def heightForWidth(self, width: int) -> int:
        """What it takes to show everything, in logical pixels."""
        raise NotImplementedError

    def _rearrange(self) -> None:
        """Forget where things are: data, size, font or direction are others now."""
        raise NotImplementedError

    def _draw(self, painter: QPainter, size: QSize, region: QRectF, *, live: bool) -> None:
        """Paint what lies in `region`; `live`: with what the keyboard and the pointer point at."""
        raise NotImplementedError

    def _stops(self) -> int:
        """How many figures can be walked to."""
        raise NotImplementedError

    def _told(self, stop: int) -> str:
        """One of them, in words."""
        raise NotImplementedError

    def _place(self, stop: int) -> QRect:
        """Where it is."""
        raise NotImplementedError

    def _stop_at(self, at: QPointF) -> int | None:
        """The one that a pointer there means."""
        raise NotImplementedError

    def _beside(self, stop: int, key: Qt.Key) -> int:
        """The one that lies in the direction of an arrow key; `stop` itself at the end."""
        raise NotImplementedError

    # What they share.

    @property
    def fonts(self) -> Lettering:
        """As the widget's own font asks."""
        if self._fonts is None:
            self._fonts = Lettering.of(self.font())
        return self._fonts

    @property
    def read_out(self) -> str:
        """The figure that is pointed at, in words; empty without one."""
        return "" if self._stop is None else self._told(self._stop)

    def to_image(self, scale: float = 2.0, width: int | None = None) -> QImage:
        """The chart as a picture on the page's colour, `scale` pixels to a logical one.

        It is `width` logical pixels wide and as high as that takes, or without one as large as it is now.
        """
        size = self.size() if width is None else QSize(width, self.heightForWidth(width))
        image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(theme.current().window)
        painter = QPainter(image)
        self._paint(painter, size, live=False)
        painter.end()
        return image

    def hasHeightForWidth(self) -> bool:
        return True

    def minimumSizeHint(self) -> QSize:
        return QSize(NARROWEST, self.heightForWidth(max(NARROWEST, self.width())))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        self._paint(painter, self.size(), live=True, region=event.rect())
        if self.hasFocus() and self._stop is None:
            painter.setPen(theme.current().accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)  # else the ring is filled as the last bar was
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._changed()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.LayoutDirectionChange):
            self._fonts = None
            self._changed()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = Qt.Key(event.key()), self._stops() - 1
        arrows = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
        target: int | None = None
        if last >= 0 and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            if key in arrows:
                target = 0 if self._stop is None else self._beside(self._stop, key)
            elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
                target = 0 if key == Qt.Key.Key_Home else last
            elif key == Qt.Key.Key_Escape and self._stop is not None:
                self._point_at(None)
                return
        if target is None or target == self._stop:  # the page may scroll by it
            super().keyPressEvent(event)
            return
        self._point_at(target, walked=True)
        self.setAccessibleDescription(self.read_out)
        announce(self, self.read_out)
        self._keep_in_sight(target)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._described()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._point_at(None)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self._stop_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self._walked:
            self._point_at(None)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            stop = self._stop_at(QPointF(event.pos()))
            tip = self._tip(stop) if stop is not None else ""
            if tip:
                QToolTip.showText(event.globalPos(), plain_tip(tip), self)
            else:
                QToolTip.hideText()
                event.ignore()
            return True
        return super().event(event)

    def _tip(self, stop: int) -> str:
        """What its tool tip says."""
        return self._told(stop)

    def _changed(self) -> None:
        """Arrange it anew, and ask the page for the height that it takes."""
        self._rearrange()
        if self._stop is not None and self._stop >= self._stops():
            self._stop = None
        needed = self.heightForWidth(max(NARROWEST, self.width()))
        if needed != self.minimumHeight():
            self.setMinimumHeight(needed)
        self.updateGeometry()
        self.update()

    def _described(self) -> None:
        """What a screen reader hears of it first: how many figures there are, or that there are none."""
        count = self._stops()
        figures = "1 figure" if count == 1 else f"{count} figures"
        told = f"{figures}. The arrow keys go from one to the next."
        self.setAccessibleDescription(self.empty_text if self.empty else told)

    def _point_at(self, stop: int | None, *, walked: bool = False) -> None:
        if stop == self._stop:
            return
        self._stop, self._walked = stop, walked
        self.update()

    def _keep_in_sight(self, stop: int) -> None:
        """Scroll the page, where it is in one that scrolls."""
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        content = above.widget() if isinstance(above, QScrollArea) else None
        if isinstance(above, QScrollArea) and content is not None:
            middle = self.mapTo(content, self._place(stop).center())
            above.ensureVisible(middle.x(), middle.y(), 0, self._place(stop).height())

    def _paint(self, painter: QPainter, size: QSize, *, live: bool, region: QRect | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        whole = QRectF(0, 0, size.width(), size.height())
        if not self.empty:
            self._draw(painter, size, QRectF(region) if region is not None else whole, live=live)
            return
        fonts = self.fonts
        head, top = masthead(self.title, "", size.width(), fonts)
        lines = fonts.wrapped(self.empty_text, size.width())
        top = max(top, (size.height() - len(lines) * fonts.line) / 2)
        for line in lines:
            where = QRectF(0, top, size.width(), fonts.line)
            head.append(Words(where, line, fonts.small, side=Qt.AlignmentFlag.AlignHCenter))
            top += fonts.line
        for words in head:
            write(painter, self._as_read(words, size.width()), theme.current())

    def _as_read(self, words: Words, width: float) -> Words:
        """On the side where the page has it."""
        rightwards = self.layoutDirection() is Qt.LayoutDirection.LeftToRight
        return words if rightwards else words.mirrored(width)
