from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from app.domain.catalog import Purpose
from app.ui.models.filters import Filter, FilterBar


@pytest.fixture
def bar(qtbot) -> Iterator[FilterBar]:
    page = QWidget()  # a window of its own could not become narrower than its layout is now
    qtbot.addWidget(page)
    widget = FilterBar(page)
    widget.set_licences(["MIT", "Apache-2.0", "MIT"])
    widget.resize(1000, 60)
    page.resize(1000, 100)
    page.show()
    yield widget
    page.close()


def box(bar: FilterBar, name: str) -> QComboBox:
    return next(box for box in bar.findChildren(QComboBox) if box.accessibleName() == name)


def test_nothing_is_set_at_first(bar) -> None:
    assert bar.filter == Filter()


def test_each_field_is_told_at_once(bar, qtbot) -> None:
    told: list[Filter] = []
    bar.changed.connect(told.append)
    bar.findChild(QLineEdit).setText(" qwen ")
    bar.findChild(QCheckBox).click()
    box(bar, "Size").setCurrentText("Up to 5B")
    box(bar, "Purpose").setCurrentText("Code")
    box(bar, "Licence").setCurrentText("MIT")
    assert told[-1] == bar.filter == Filter("qwen", True, 5_000_000_000, Purpose.CODE, "MIT")
    assert len(told) == 5
    bar.clear()
    assert told[-1] == Filter()
    assert len(told) == 6


def test_licences_are_listed_once_and_the_chosen_one_stays(bar) -> None:
    licences = box(bar, "Licence")
    assert [licences.itemText(n) for n in range(licences.count())] == ["Any licence", "Apache-2.0", "MIT"]
    licences.setCurrentText("MIT")
    bar.set_licences(["GPL-3.0", "MIT"])
    assert bar.filter.licence == "MIT"


def test_it_breaks_into_two_rows_where_it_is_narrow(bar, qtbot) -> None:
    field, size = bar.findChild(QLineEdit), box(bar, "Size")
    assert field.y() < size.geometry().bottom()
    assert size.x() > field.geometry().right()
    bar.resize(616, 100)
    qtbot.waitUntil(lambda: size.y() > field.geometry().bottom())
    assert bar.minimumSizeHint().width() <= 616
