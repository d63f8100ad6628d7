from __future__ import annotations

import pytest
from PySide6.QtWidgets import QProxyStyle, QStyle, QWidget

from app.ui import motion, theme


class Wishing(QProxyStyle):
    """A style that asks for so many milliseconds."""

    def __init__(self, milliseconds: int) -> None:
        super().__init__("Fusion")
        self.milliseconds = milliseconds

    def styleHint(self, hint, option=None, widget=None, returnData=None):  # noqa: N803
        if hint is QStyle.StyleHint.SH_Widget_Animation_Duration:
            return self.milliseconds
        return super().styleHint(hint, option, widget, returnData)


@pytest.mark.parametrize(("wished", "given"), [(0, 0), (80, 80), (1000, theme.MOTION_MS), (-5, 0)])
def test_as_the_system_asks_and_never_longer_than_the_measure(qtbot, qapp, wished, given) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    style = Wishing(wished)
    style.setParent(widget)
    sheet = qapp.styleSheet()
    qapp.setStyleSheet("")  # a sheet's own style stands before the widget's
    try:
        widget.setStyle(style)
        assert motion.duration(widget) == given
    finally:
        qapp.setStyleSheet(sheet)
