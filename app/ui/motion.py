"""How long things may move."""

from __future__ import annotations

from PySide6.QtWidgets import QStyle, QWidget

from app.ui import theme


def duration(widget: QWidget) -> int:
    """Milliseconds for one movement of `widget`; 0 where the system asks for none.

    Qt tells of the system's wish by the style's own animations (macOS' and Windows' "reduce motion", KDE's
    animation speed; QStyle::SH_Widget_Animation_Duration).
    """
    wished = widget.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, widget)
    return max(0, min(theme.MOTION_MS, wished))
