"""The thin bar: a share of the whole, told in whole percents."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from app.ui import theme
from app.ui.models.thin_bar import ThinBar


@pytest.fixture
def bar(qtbot) -> ThinBar:
    widget = ThinBar("Downloaded")
    qtbot.addWidget(widget)
    widget.resize(200, 4)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def filled(bar: ThinBar, colour: QColor) -> int:
    """Pixels of the middle line in this colour."""
    image = bar.grab().toImage()
    return sum(image.pixelColor(x, 2) == colour for x in range(image.width()))


@pytest.mark.parametrize(
    ("share", "value"), [(None, 0), (0.0, 0), (0.256, 26), (1.0, 100), (1.7, 100), (-1.0, 0)]
)
def test_the_share_in_percents(bar, share, value) -> None:
    bar.set_share(share)
    assert bar.value() == value
    assert bar.accessibleName() == "Downloaded"


def test_it_is_filled_as_far(bar) -> None:
    bar.set_share(0.5)
    assert 90 <= filled(bar, theme.current().accent) <= 100
    bar.set_share(0.5, "failed")
    assert 90 <= filled(bar, theme.current().failed) <= 100
    bar.set_share(None)
    assert filled(bar, theme.current().accent) == 0


def test_bytes_that_change_no_percent_are_not_told(bar, qtbot) -> None:
    bar.set_share(0.5)
    with qtbot.assertNotEmitted(bar.valueChanged):
        bar.set_share(0.5001)
