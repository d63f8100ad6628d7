"""The speed test in the real app with the real llama-server: started, watched, kept, stopped, closed on."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import Qt

from app.benchmark.progress import Stage
from app.domain.engine import EngineState
from app.domain.speed_test import Shape, TestState, Workload
from app.services.speed_test_live import LiveTest
from app.ui.main_window import SPEED_TEST
from app.ui.speed_test.page import HISTORY, SpeedTestPage
from tests.gui.app_driver import App


@pytest.fixture
def app(qtbot, edgewise_home) -> Iterator[App]:
    made = App(qtbot)
    qtbot.addWidget(made.window)
    yield made
    made.close()


def speed_test(app: App) -> SpeedTestPage:
    app.ctrl(Qt.Key.Key_4)
    page = app.window.speed_test_page
    assert page is not None
    app.wait(lambda: bool(page.choose.rows))
    return page


def ask_for_little(page: SpeedTestPage, repetitions: int = 1) -> None:
    """Short replies, one and two at once: a busy machine makes a few tokens a second."""
    page.choose.work.set_workload(
        Workload((Shape("chat", 24, 16),), (1, 2), repetitions=repetitions, budget_s=None, cool_down_s=0.0)
    )


def rail(app: App) -> str:
    return app.window._rail._group.button(SPEED_TEST).accessibleName()


def processes() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_a_whole_test_of_the_real_engine(app) -> None:
    app.wait_ready()  # the chat's own model is loaded, and has to make room
    page = speed_test(app)
    app.wait(lambda: "is unloaded first" in page.choose.start.accessibleDescription())
    ask_for_little(page)
    assert [pick.engine.id for pick in page.choose.picks] == ["llama_cpp"]
    page.choose.start.click()
    assert page.running.isVisible()
    app.wait(lambda: rail(app) == "Speed test, running")
    stages: set[Stage] = set()
    rates: list[float] = []

    def look(live: LiveTest) -> None:
        stages.update(column.stage for column in live.columns)
        rates.extend(column.rate for column in live.columns if column.rate)

    app.edgewise.speed_test_room.session.live_changed.connect(look)
    app.wait(lambda: len(page.running.cards) == 1)
    assert app.edgewise.supervisor.status_of("llama_cpp").state is EngineState.STOPPED
    app.ctrl(Qt.Key.Key_1)  # it goes on without the page
    app.wait(lambda: page.result.test is not None)
    app.ctrl(Qt.Key.Key_4)
    assert page.result.isVisible()
    assert rail(app) == "Speed test"
    assert Stage.MEASURING in stages
    assert max(rates) > 1
    test = page.result.test
    assert test is not None
    assert test.state is TestState.DONE
    assert not test.columns[0].failure
    assert [(it.case.shape.name, it.case.batch) for it in test.columns[0].cases] == [("chat", 1), ("chat", 2)]
    assert all(result.output_rate is not None for result in test.columns[0].cases)
    assert test.columns[0].cold_ttft_s is not None
    assert "tok/s" in page.result.verdict.text
    page.tabs.choose(HISTORY)
    app.wait(lambda: page.history.rows.model().rowCount() == 1)
    page.history.open.click()
    app.wait(lambda: page.past.test is not None)
    assert page.past.test is not None
    assert page.past.test.columns == test.columns
    # The chat has its model again once it wants it.
    app.ctrl(Qt.Key.Key_1)
    app.send("Hello")
    app.wait_reply_ends()


def test_stopped_at_once_and_nothing_is_left(app) -> None:
    app.wait_ready()
    app.edgewise.supervisor.unload("llama_cpp")
    before = processes()
    page = speed_test(app)
    ask_for_little(page, repetitions=50)
    page.choose.start.click()
    app.wait(lambda: any(card._column.stage is Stage.MEASURING for card in page.running.cards))
    assert processes() - before
    page.running.stop.click()
    app.wait(lambda: page.view is page.result)
    assert page.result.test is not None
    assert page.result.test.state is TestState.CANCELLED
    app.wait(lambda: not processes() - before)


def test_closing_the_window_ends_the_test(app) -> None:
    app.wait_ready()
    page = speed_test(app)
    ask_for_little(page, repetitions=50)
    page.choose.start.click()
    app.wait(lambda: any(card._column.stage is Stage.MEASURING for card in page.running.cards))
    app.close()
    assert not processes()
