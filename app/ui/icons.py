"""The app's own icons: thin strokes on a 24-unit grid, tinted by role when they are made."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from app.ui import theme

_SHAPES = {
    "chat": '<path d="M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z"/>',
    "settings": (
        '<path d="M10 5.6L10.2 3L13.8 3L14 5.6L15.1 6.1L17.1 4.3L19.7 6.9L17.9 8.9L18.4 10L21 10.2'
        'L21 13.8L18.4 14L17.9 15.1L19.7 17.1L17.1 19.7L15.1 17.9L14 18.4L13.8 21L10.2 21L10 18.4'
        'L8.9 17.9L6.9 19.7L4.3 17.1L6.1 15.1L5.6 14L3 13.8L3 10.2L5.6 10L6.1 8.9L4.3 6.9L6.9 4.3'
        'L8.9 6.1z"/>'
        '<circle cx="12" cy="12" r="3"/>'
    ),
    "sliders": (
        '<path d="M4 7h9M19 7h1M4 17h1M11 17h9"/><circle cx="16" cy="7" r="2.6"/>'
        '<circle cx="8" cy="17" r="2.6"/>'
    ),
    "models": (
        '<path d="M12 3l8.5 4.6v8.8L12 21l-8.5-4.6V7.6z"/><path d="M3.8 7.8L12 12.2l8.2-4.4M12 12.2V21"/>'
    ),
    "engines": (
        '<rect x="6.5" y="6.5" width="11" height="11" rx="2"/>'
        '<path d="M9.5 3v3.5M14.5 3v3.5M9.5 17.5V21M14.5 17.5V21"/>'
        '<path d="M3 9.5h3.5M3 14.5h3.5M17.5 9.5H21M17.5 14.5H21"/>'
    ),
    "speed": (
        '<path d="M5.6 19a9 9 0 1 1 12.8 0"/><path d="M12 13.5l4-4.6"/><circle cx="12" cy="13.5" r="1.2"/>'
    ),
    "advisor": (
        '<circle cx="12" cy="12" r="9"/><path d="M15.8 8.2l-2.2 5.4-5.4 2.2 2.2-5.4z"/>'
    ),
    "send": '<path d="M12 19.5V5M5.5 11.2L12 4.7l6.5 6.5"/>',
    "stop": '<rect x="6.5" y="6.5" width="11" height="11" rx="2" fill="{ink}"/>',
    "copy": (
        '<rect x="8.5" y="8.5" width="12" height="12" rx="2.5"/>'
        '<path d="M15.5 5.5V6a2.5 2.5 0 0 0-2.5-2.5H6A2.5 2.5 0 0 0 3.5 6v7A2.5 2.5 0 0 0 6 15.5"/>'
    ),
    "regenerate": '<path d="M20 11.5A8 8 0 1 0 18 17.3"/><path d="M20.5 5.5v6h-6"/>',
    "edit": (
        '<path d="M4 20l1-4.6L16.4 4a2 2 0 0 1 2.8 0l.8.8a2 2 0 0 1 0 2.8L8.6 19z"/>'
        '<path d="M14.5 6l3.5 3.5"/>'
    ),
    "new-chat": '<path d="M12 5v14M5 12h14"/>',
    "more": (
        '<g fill="{ink}" stroke="none"><circle cx="5.5" cy="12" r="1.6"/><circle cx="12" cy="12" r="1.6"/>'
        '<circle cx="18.5" cy="12" r="1.6"/></g>'
    ),
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "sidebar": '<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><path d="M9.5 4.5v15"/>',
    "search": '<circle cx="10.8" cy="10.8" r="6.3"/><path d="M15.5 15.5l5 5"/>',
    "check": '<path d="M5 12.5l4.8 4.8L19.5 7"/>',
    "warning": (
        '<path d="M10.3 4.4L2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.4a2 2 0 0 0-3.4 0z"/>'
        '<path d="M12 9.5v4.2M12 16.7v.1"/>'
    ),
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "trash": '<path d="M4 6.5h16M9 6.5V4.5h6v2M6.2 6.5L7 20h10l.8-13.5M10 10.5v5.5M14 10.5v5.5"/>',
    "down": '<path d="M12 4.5V19M5.5 12.8L12 19.3l6.5-6.5"/>',
    "chevron-down": '<path d="M6 9.5l6 6 6-6"/>',
    "chevron-up": '<path d="M6 14.5l6-6 6 6"/>',
    "chevron-right": '<path d="M9.5 6l6 6-6 6"/>',
    "chevron-left": '<path d="M14.5 6l-6 6 6 6"/>',
    "back": '<path d="M19.5 12H5M11.2 5.5L4.7 12l6.5 6.5"/>',
    "star": (
        '<path d="M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.6 9.7l5.8-.8z" fill="{ink}"/>'
    ),
    "download": '<path d="M12 4v11M6.8 10.2L12 15.4l5.2-5.2M4.5 19.5h15"/>',
    "on-disk": (
        '<path d="M4 13.5L6.3 6.3A2 2 0 0 1 8.2 5h7.6a2 2 0 0 1 1.9 1.3L20 13.5"/>'
        '<rect x="3.5" y="13.5" width="17" height="6" rx="1.5"/><path d="M16.5 16.5h.1"/>'
    ),
    "blocked": '<circle cx="12" cy="12" r="8.5"/><path d="M6.2 6.2l11.6 11.6"/>',
    "tight": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5v5.2M12 16.2v.1"/>',
    "pause": '<path d="M8.5 5.5v13M15.5 5.5v13"/>',
    "play": '<path d="M8 5.2v13.6L19 12z"/>',
    "folder": (
        '<path d="M3.5 18V6.5a1.5 1.5 0 0 1 1.5-1.5h4.4l2 2.5H19a1.5 1.5 0 0 1 1.5 1.5v9'
        'a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18z"/>'
    ),
    "lock": '<rect x="5" y="10.5" width="14" height="9.5" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.6v.1"/>',
    "book": (
        '<path d="M12 6.2C9.8 4.8 7 4.4 3.8 4.6v13.6c3.2-.2 6 .2 8.2 1.6 2.2-1.4 5-1.8 8.2-1.6V4.6'
        'C17 4.4 14.2 4.8 12 6.2zM12 6.2v13.6"/>'
    ),
    "circle": '<circle cx="12" cy="12" r="8"/>',
    "forecast": '<path d="M4 4v16h16"/><path d="M7.5 15.5l3.6-4 3 2.6 5.4-6.6" stroke-dasharray="2.6 2.8"/>',
    "server": (
        '<rect x="4" y="4.5" width="16" height="6.5" rx="1.5"/>'
        '<rect x="4" y="13" width="16" height="6.5" rx="1.5"/>'
        '<path d="M7.5 7.8h.1M7.5 16.3h.1"/>'
    ),
    "outside": '<path d="M10 5.5H6A1.5 1.5 0 0 0 4.5 7v11A1.5 1.5 0 0 0 6 19.5h11a1.5 1.5 0 0 0 1.5-1.5v-4"/>'
    '<path d="M14 4.5h5.5V10M19 5l-8 8"/>',
    "verify": (
        '<path d="M12 3.5l7.5 2.7v5.3c0 4.6-3.1 7.7-7.5 9-4.4-1.3-7.5-4.4-7.5-9V6.2z"/>'
        '<path d="M8.6 11.8l2.5 2.5 4.5-4.6"/>'
    ),
    "offline": (
        '<path d="M3.5 9.8A12.5 12.5 0 0 1 8 7M12.5 6A12.5 12.5 0 0 1 20.5 9.8M6.8 13.2'
        'A8 8 0 0 1 10 11.3M15 11.8a8 8 0 0 1 2.2 1.4M10 16.5a3.3 3.3 0 0 1 4 0M4 4l16 16"/>'
    ),
}  # fmt: skip

NAMES = tuple(_SHAPES)
"""Every icon there is."""

_SCALES = (1.0, 1.5, 2.0, 3.0)


def pixmap(name: str, colour: QColor, size: int, scale: float) -> QPixmap:
    """The icon `name` in `colour`, `size` logical pixels wide, for a screen of `scale` pixels each."""
    return _drawn(name, colour.rgba(), size, scale)


def icon(name: str, role: str = "text", size: int = 20) -> QIcon:
    """The icon `name` in the colour that `role` (a field of `theme.Theme`) has now."""
    colours = theme.current()
    ink = getattr(colours, role)
    faint = theme.blend(ink, colours.window, 0.38)
    made = QIcon()
    for scale in _SCALES:
        made.addPixmap(pixmap(name, ink, size, scale), QIcon.Mode.Normal)
        made.addPixmap(pixmap(name, faint, size, scale), QIcon.Mode.Disabled)
    return made


def set_icon(button: QAbstractButton, name: str, role: str = "text", size: int = 20) -> None:
    """Give `button` an icon that follows the theme; calling it again changes the icon."""
    button.setIconSize(QSize(size, size))
    keeper = button.findChild(_Keeper, options=Qt.FindChildOption.FindDirectChildrenOnly)
    if not isinstance(keeper, _Keeper):
        keeper = _Keeper(button)
    keeper.show(name, role, size)


class _Keeper(QObject):
    """Redraws one button's icon when the theme changes; lives and dies with the button."""

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button)
        self._wanted = ("", "", 0)
        theme.source().changed.connect(self._redraw)

    def show(self, name: str, role: str, size: int) -> None:
        self._wanted = (name, role, size)
        self._redraw()

    def _redraw(self) -> None:
        button = self.parent()
        if isinstance(button, QAbstractButton):
            button.setIcon(icon(*self._wanted))


@lru_cache(maxsize=512)
def _drawn(name: str, rgba: int, size: int, scale: float) -> QPixmap:
    assert QGuiApplication.instance() is not None
    ink = QColor.fromRgba(rgba).name()
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<g fill="none" stroke="{ink}" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">'
        f"{_SHAPES[name].replace('{ink}', ink)}</g></svg>"
    )
    image = QPixmap(round(size * scale), round(size * scale))
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(drawing.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image
