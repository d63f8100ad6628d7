"""A label that gives way: all its words for a screen reader, on the screen those there is room for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.ui.elided_label import ElidedLabel, direction_of


@pytest.fixture
def label(qtbot) -> ElidedLabel:
    widget = ElidedLabel()
    qtbot.addWidget(widget)
    widget.resize(120, 24)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_what_fits_is_shown_whole(label) -> None:
    label.setText("Short")
    assert not label.cut
    assert label.toolTip() == ""


def test_what_does_not_fit_is_told_by_the_tool_tip(label) -> None:
    long = "A name <b>as long</b> & longer than the room there is for it"
    label.setText(long)
    assert label.cut
    assert label.text() == long
    assert (
        label.toolTip()
        == "<p>A name &lt;b&gt;as long&lt;/b&gt; &amp; longer than the room there is for it</p>"
    )
    label.resize(2000, 24)
    assert label.toolTip() == ""


def test_it_can_become_narrow(label) -> None:
    label.setText("word " * 100)
    assert label.minimumSizeHint().width() < 60
    label.setText("x")
    assert label.minimumSizeHint().width() < 40


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("0.6 of 2.5 GB", Qt.LayoutDirection.LeftToRight),
        ("نموذج model", Qt.LayoutDirection.RightToLeft),
        ("12 · עברית", Qt.LayoutDirection.RightToLeft),
        ("模型", Qt.LayoutDirection.LeftToRight),
        ("", Qt.LayoutDirection.LeftToRight),
        ("12 %", Qt.LayoutDirection.LeftToRight),
    ],
)
def test_the_way_a_text_runs(text, direction) -> None:
    assert direction_of(text) is direction
