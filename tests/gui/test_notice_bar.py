"""Notices: said once, with what can be done, and not lost to the next one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton

from app.ui import theme
from app.ui.notice_bar import NoticeBar


@pytest.fixture
def bar(qtbot) -> NoticeBar:
    widget = NoticeBar()
    qtbot.addWidget(widget)
    widget.resize(700, 60)
    return widget


def buttons(bar: NoticeBar) -> dict[str, QPushButton]:
    return {button.text(): button for button in bar.findChildren(QPushButton) if not button.isHidden()}


def dismiss(bar: NoticeBar, qtbot) -> None:
    cross = next(b for b in bar.findChildren(QAbstractButton) if b.accessibleName() == "Dismiss")
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)


def test_nothing_to_say_nothing_shown(bar) -> None:
    assert bar.isHidden()


def test_a_sentence_with_its_deeds(bar, qtbot) -> None:
    done: list[str] = []
    bar.say(
        "It broke.", [("Show log", lambda: done.append("log")), ("Try again", lambda: done.append("again"))]
    )
    assert bar.isVisible()
    assert bar.text == bar.accessibleName() == "It broke."
    assert list(buttons(bar)) == ["Show log", "Try again"]
    qtbot.mouseClick(buttons(bar)["Try again"], Qt.MouseButton.LeftButton)
    assert done == ["again"]
    assert bar.isHidden()


def test_a_deed_may_say_something_new(bar, qtbot) -> None:
    bar.say("First.", [("Go on", lambda: bar.say("Second."))])
    qtbot.mouseClick(buttons(bar)["Go on"], Qt.MouseButton.LeftButton)
    assert bar.isVisible()
    assert bar.text == "Second."
    assert buttons(bar) == {}


def test_dismissing(bar, qtbot) -> None:
    bar.say("It broke.")
    dismiss(bar, qtbot)
    assert bar.isHidden()


def test_what_stays_waits_for_what_came_later(bar, qtbot) -> None:
    bar.say("The database was damaged.")
    bar.say("It did not start.", about="engine")
    bar.say("“Boats” was deleted.", failed=False, ms=60_000)
    for sentence in ("“Boats” was deleted.", "It did not start.", "The database was damaged."):
        assert bar.text == sentence
        dismiss(bar, qtbot)
    assert bar.isHidden()


def test_a_matter_is_said_as_it_stands_now(bar, qtbot) -> None:
    bar.say("It did not start.", about="engine")
    bar.say("Something else.")
    bar.say("It stopped.", about="engine")
    bar.say("It stopped.", about="engine")
    dismiss(bar, qtbot)
    assert bar.text == "Something else."
    dismiss(bar, qtbot)
    assert bar.isHidden()


def test_a_matter_that_is_over_is_taken_back_even_while_it_waits(bar, qtbot) -> None:
    bar.say("It did not start.", about="engine")
    bar.say("Something else.")
    bar.settle("engine")
    assert bar.text == "Something else."
    dismiss(bar, qtbot)
    assert bar.isHidden()
    bar.say("It did not start.", about="engine")
    bar.settle("engine")
    assert bar.isHidden()


def test_settling_another_matter_changes_nothing(bar) -> None:
    bar.say("The database was damaged.")
    bar.settle("engine")
    assert bar.isVisible()


def test_an_offer_goes_by_itself_and_does_not_wait(bar, qtbot) -> None:
    bar.say("“Boats” was deleted.", failed=False, ms=60_000)
    bar.say("Something else.", ms=1)
    qtbot.waitUntil(bar.isHidden, timeout=5000)


def test_a_notice_that_stays_is_not_ended_by_the_clock_of_the_last(bar, qtbot) -> None:
    bar.say("Offer.", ms=1)
    bar.say("It broke.")
    bar.say("Offer again.", ms=1)
    qtbot.waitUntil(lambda: bar.text == "It broke.", timeout=5000)
    assert bar.isVisible()


def test_markup_in_a_sentence_stays_text(bar) -> None:
    bar.say("“<b>x</b>” was deleted.")
    words = next(label for label in bar.findChildren(QLabel) if label.text())
    assert words.textFormat() is Qt.TextFormat.PlainText


def has_colour(bar: NoticeBar, name: str) -> bool:
    image = bar.grab().toImage()
    return any(image.pixelColor(x, y).name() == name for x in range(12, 40) for y in range(image.height()))


def test_a_failure_has_an_icon_that_follows_the_theme(bar) -> None:
    bar.say("It broke.")
    assert has_colour(bar, theme.current().failed.name())
    theme.source().set_scheme("dark")
    assert has_colour(bar, theme.current().failed.name())
    bar.say("“Boats” was deleted.", failed=False)
    assert not has_colour(bar, theme.current().failed.name())


def test_a_matter_of_its_own_does_not_hide_an_offer(bar, qtbot) -> None:
    bar.say("“Boats” was deleted.", [("Undo", lambda: None)], failed=False, ms=60_000)
    bar.say("It did not start.", about="engine")
    assert list(buttons(bar)) == ["Undo"]
    dismiss(bar, qtbot)
    assert bar.text == "It did not start."


def test_looking_at_the_details_settles_nothing(bar, qtbot) -> None:
    seen: list[str] = []
    bar.say("It broke.", [("Try again", lambda: None)], details=("Show log", lambda: seen.append("log")))
    assert list(buttons(bar)) == ["Show log", "Try again"]
    qtbot.mouseClick(buttons(bar)["Show log"], Qt.MouseButton.LeftButton)
    assert seen == ["log"]
    assert list(buttons(bar)) == ["Show log", "Try again"]
