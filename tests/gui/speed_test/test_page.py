"""The page as a whole: from the choice over a running test to its result, and the history."""

from __future__ import annotations

import csv
import json

import pytest
from PySide6.QtGui import QAccessible, QGuiApplication, QImage
from PySide6.QtWidgets import QPushButton

from app.benchmark.progress import ColumnStage, Stage, TestBegan, TestEnded
from app.domain.errors import EngineMissing, StorageError
from app.domain.speed_test import SpeedTest, TestState
from app.services.background import Background
from app.services.model_forms import differences
from app.services.speed_test_session import SpeedTestSession
from app.storage.database import Database
from app.storage.speed_tests import SpeedTests
from app.ui.log_dialog import LogDialog
from app.ui.speed_test.page import HISTORY, TEST, SpeedTestPage
from tests.gui.engines.looking import button
from tests.gui.speed_test import values
from tests.gui.speed_test.stand_in import Running, StandIn
from tests.gui.test_accessibility import controls, interface


@pytest.fixture
def tester() -> StandIn:
    made = StandIn()
    made.made = values.OFFER
    return made


@pytest.fixture
def store(tmp_path):
    with Database.open(tmp_path / "db.sqlite") as database:
        yield SpeedTests(database)


@pytest.fixture
def session(qapp, tester, store):
    background = Background()
    made = SpeedTestSession(store, tester, background)
    yield made
    made.close()
    background.finish()


@pytest.fixture
def page(qtbot, session) -> SpeedTestPage:
    made = SpeedTestPage(session, differences)
    qtbot.addWidget(made)
    made.resize(1144, 760)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    qtbot.waitUntil(lambda: bool(made.choose.rows))
    return made


def start(page: SpeedTestPage, tester: StandIn, qtbot) -> Running:
    page.choose.start.click()
    qtbot.waitUntil(lambda: tester.running is not None)
    assert tester.running is not None
    return tester.running


def finish(page: SpeedTestPage, running: Running, qtbot, test: SpeedTest = values.TEST) -> None:
    running.tell(TestBegan(test))
    running.tell(TestEnded(test))
    qtbot.waitUntil(lambda: page.view is page.result)


def keep(store: SpeedTests, *tests: SpeedTest) -> list[int]:
    ids = [store.begin(test).result() for test in tests]
    for number in ids:
        store.finish(number, TestState.DONE, (0, 1)).result()
    return ids


def history(page: SpeedTestPage, qtbot, count: int) -> None:
    page.tabs.choose(HISTORY)
    page._session.read_history()
    qtbot.waitUntil(lambda: page.history.rows.model().rowCount() == count)


def notice(page: SpeedTestPage, words: str) -> QPushButton:
    return next(b for b in page.notice.findChildren(QPushButton) if b.text() == words and not b.isHidden())


def test_from_the_choice_to_the_result(page, tester, qtbot) -> None:
    qtbot.waitUntil(lambda: page.choose._unlike.text() == "2 differ.")
    running = start(page, tester, qtbot)
    assert page.view is page.running
    assert page.running.stop.hasFocus()
    running.tell(TestBegan(values.TEST))
    running.tell(ColumnStage(0, Stage.LOADING, detail="reading the file"))
    qtbot.waitUntil(lambda: len(page.running.cards) == 2)
    qtbot.waitUntil(lambda: "reading the file" in page.running.cards[0].texts())
    finish(page, running, qtbot)
    assert page.result.new.hasFocus()
    assert "answers first" in page.result.verdict.text
    assert any("Compare engines at the same precision only." in text for text in page.result.differences)
    page.result.new.click()
    assert page.view is page.choose
    qtbot.waitUntil(page.choose.start.isEnabled)


def test_it_goes_on_while_the_history_is_looked_at(page, tester, qtbot) -> None:
    running = start(page, tester, qtbot)
    page.tabs.choose(HISTORY)
    assert page.view is page.history
    running.tell(TestBegan(values.TEST))
    running.tell(TestEnded(values.TEST))
    qtbot.waitUntil(lambda: page.result.test is not None)
    assert page.view is page.history
    page.tabs.choose(TEST)
    assert page.view is page.result


def test_a_page_that_is_made_meanwhile_shows_what_runs(page, tester, session, qtbot) -> None:
    running = start(page, tester, qtbot)
    running.tell(TestBegan(values.TEST))
    late = SpeedTestPage(session, differences)
    qtbot.addWidget(late)
    assert late.view is late.running
    assert len(late.running.cards) == 2


def test_stopped_is_shown_as_far_as_it_came(page, tester, qtbot) -> None:
    running = start(page, tester, qtbot)
    running.tell(TestBegan(values.TEST))
    qtbot.waitUntil(lambda: len(page.running.cards) == 2)
    page.running.stop.click()
    assert running.cancelled.is_set()
    running.tell(TestEnded(values.CUT_SHORT))
    qtbot.waitUntil(lambda: page.view is page.result)
    assert "stopped early" in page.result._state.text()


def test_what_cannot_start_is_said_above_the_choice(page, tester, qtbot) -> None:
    tester.error = EngineMissing("vLLM is not installed.", detail="no such file")
    page.choose.start.click()
    qtbot.waitUntil(lambda: page.notice.text == "vLLM is not installed.")
    assert page.view is page.choose
    notice(page, "Show details").click()
    dialog = page.findChild(LogDialog)
    assert dialog is not None
    dialog.reject()


def test_ways_out(page, qtbot) -> None:
    with qtbot.waitSignal(page.engines_requested):
        button(page.choose, "Install vLLM").click()
    with qtbot.waitSignal(page.models_requested):
        page.choose.models_requested.emit()


def test_opened_compared_and_back(page, store, qtbot) -> None:
    keep(store, values.TEST, values.OLDER)
    history(page, qtbot, 2)
    page.history.open.click()
    qtbot.waitUntil(lambda: page.view is page.past)
    assert page.past.back.hasFocus()
    page.past.back.click()
    assert page.view is page.history
    page.history.rows.selectAll()
    page.history.compare.click()
    qtbot.waitUntil(lambda: page.view is page.compare)
    assert "19 % faster, more than the spread" in page.compare.texts()
    page.compare.back.click()
    assert page.view is page.history


def test_deleted_and_taken_back(page, store, qtbot) -> None:
    keep(store, values.TEST)
    history(page, qtbot, 1)
    page.history.remove.click()
    qtbot.waitUntil(lambda: page.history.rows.model().rowCount() == 0)
    notice(page, "Undo").click()
    qtbot.waitUntil(lambda: page.history.rows.model().rowCount() == 1)


@pytest.mark.parametrize("ending", ["md", "csv", "json", "png"])
def test_exports(page, tester, session, tmp_path, ending, qtbot) -> None:
    finish(page, start(page, tester, qtbot), qtbot)
    path = tmp_path / f"out.{ending}"
    with qtbot.waitSignal(session.exported):
        page.export(page.result, path, ending)
    assert page.notice.text == f"out.{ending} was written."
    if ending == "png":
        assert QImage(str(path)).width() == 1920
    elif ending == "json":
        assert json.loads(path.read_text())
    elif ending == "csv":
        assert len(list(csv.reader(path.read_text().splitlines()))) > 3
    else:
        assert "SmolLM2 135M Instruct" in path.read_text()


def test_copied_as_text(page, tester, qtbot) -> None:
    finish(page, start(page, tester, qtbot), qtbot)
    page.result.copy.click()
    assert "118 tok/s" in QGuiApplication.clipboard().text()
    assert page.result.copy.text() == "Copied"


def test_a_database_that_cannot_be_read_is_said_and_tried_again(page, store, monkeypatch, qtbot) -> None:
    def broken(limit: int = 0) -> list[object]:
        raise StorageError("The database cannot be read.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "summaries", broken)
        page._session.read_history()
        qtbot.waitUntil(lambda: page.notice.text == "The database cannot be read.")
    page.tabs.choose(HISTORY)
    keep(store, values.TEST)
    page.history.set_summaries(())
    page.history.set_failed("The database cannot be read.")
    button(page.history, "Read again").click()
    qtbot.waitUntil(lambda: page.history.rows.model().rowCount() == 1)


def test_everything_that_takes_the_keyboard_has_a_name(page, tester, store, qtbot) -> None:
    keep(store, values.TEST, values.OLDER)
    page.choose.work.toggle.click()
    nameless = [part for part in controls(page) if not interface(part).text(QAccessible.Text.Name)]
    finish(page, start(page, tester, qtbot), qtbot, values.WITH_FAILURE)
    nameless += [part for part in controls(page) if not interface(part).text(QAccessible.Text.Name)]
    history(page, qtbot, 2)
    nameless += [part for part in controls(page) if not interface(part).text(QAccessible.Text.Name)]
    page.history.rows.selectAll()
    page.history.compare.click()
    qtbot.waitUntil(lambda: page.view is page.compare)
    nameless += [part for part in controls(page) if not interface(part).text(QAccessible.Text.Name)]
    assert not nameless
