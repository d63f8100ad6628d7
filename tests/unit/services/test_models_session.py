"""The session with the real advice, the real catalog and this machine; no hub is there to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.advisor.correction import UNCORRECTED
from app.advisor.ladder import Goal, Ladder, Level
from app.domain.errors import EdgewiseError, Offline
from app.domain.hub import Format, HubFile, Variant
from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory
from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.services.background import Background
from app.services.hub_access import HubAccess
from app.services.local_rungs import with_local
from app.services.model_advice import ModelAdvice
from app.services.models_session import ModelsSession
from app.storage.paths import Paths

STARTER = catalog()[0]
LONG = next(model for model in catalog() if model.context_length >= 131_072)
GB = 1_000_000_000
MACHINE = Machine(
    "Linux 6",
    Cpu("Fast", "x86_64", 8, 16, 8),
    Memory(32 * GB, 20 * GB),
    Disk("/m", 500 * GB, 100 * GB),
    (Gpu("RTX", 12 * GB, 11 * GB),),
    bandwidth=Bandwidth(40 * GB, None, 8, "Fast", "2026-11-24"),
)


class Told:
    """What the signals said."""

    def __init__(self, session: ModelsSession) -> None:
        self.ladders: list[Ladder] = []
        self.errors: list[EdgewiseError] = []
        self.verdicts = 0
        session.ladder_changed.connect(self.ladders.append)
        for failure in (session.ladder_failed, session.download_failed, session.failed):
            failure.connect(self.errors.append)
        session.verdicts_changed.connect(self._count)

    def _count(self) -> None:
        self.verdicts += 1


@pytest.fixture
def session(qapp, empty_home) -> Iterator[ModelsSession]:
    paths = Paths.find()
    paths.create()
    background = Background()
    hub = HubAccess(paths, lambda: True)
    advice = ModelAdvice(paths, hub, lambda *_: UNCORRECTED)
    made = ModelsSession(paths, background, advice, hub, lambda: True)
    background.setParent(made)
    yield made
    made.close()
    background.finish()


@pytest.fixture
def told(session) -> Told:
    return Told(session)


def test_the_first_look_measures_and_judges(session, told, qtbot) -> None:
    busy: list[bool] = []
    session.machine_busy.connect(busy.append)
    with qtbot.waitSignal(session.first_model_changed, timeout=60_000) as first:
        session.look()
    assert session.machine is not None
    assert Paths.find().bandwidth.is_file()
    assert set(session.verdicts) == {model.id for model in catalog()}
    assert first.args[0].machine_words.startswith("This machine has")
    assert busy[-1] is False
    session.look()  # nothing changed by much, so nothing is judged again
    qtbot.waitUntil(lambda: not session.busy)
    assert told.verdicts == 1


def test_a_ladder_comes_without_the_hub_and_moves_with_the_goal(session, told, qtbot) -> None:
    with qtbot.waitSignal(session.subject_changed, timeout=30_000) as subject:
        session.open_catalog_model(STARTER)
    name, trained, goal = subject.args
    assert (name, trained, goal) == (STARTER.name, STARTER.context_length, Goal())
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    session.set_goal(Goal(2048, 5.0))
    qtbot.waitUntil(lambda: told.ladders[-1].goal == Goal(2048, 5.0))
    assert told.ladders[-1].rungs[0].need.total < told.ladders[0].rungs[0].need.total
    assert told.errors == []


def test_a_goal_beyond_what_a_model_was_trained_for_is_taken_down_to_it(session, told, qtbot) -> None:
    session.set_goal(Goal(131_072, 15.0))
    with qtbot.waitSignal(session.subject_changed, timeout=30_000) as subject:
        session.open_catalog_model(STARTER)
    assert subject.args[2].context_length == STARTER.context_length
    session.set_goal(replace(subject.args[2], target_speed=5.0))
    with qtbot.waitSignal(session.subject_changed, timeout=30_000) as other:
        session.open_catalog_model(LONG)
    assert other.args[2] == Goal(131_072, 5.0)  # what the one model takes is no wish for the next


def test_all_models_are_judged_by_the_goal_once_its_slider_rests(session, told, qtbot) -> None:
    session.begin_with(Goal(8192, 0.01))
    with qtbot.waitSignal(session.first_model_changed, timeout=60_000):
        session.look()
    level = session.verdicts[STARTER.id].level
    assert level is Level.WELL
    told_goals: list[Goal] = []
    session.goal_settled.connect(told_goals.append)
    with qtbot.waitSignal(session.verdicts_changed, timeout=30_000):
        for speed in (500_000.0, 1_000_000.0):
            session.set_goal(Goal(8192, speed))
    assert told_goals == [Goal(8192, 1_000_000.0)]
    assert session.verdicts[STARTER.id].level is not Level.WELL


def test_what_was_closed_is_not_answered(session, told, qtbot) -> None:
    session.open_catalog_model(STARTER)
    session.close_ladder()
    session.open_catalog_model(catalog()[3])
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    assert {ladder.name for ladder in told.ladders} == {catalog()[3].name}


def test_a_model_that_is_here_is_marked_in_its_ladder(session, told, qtbot) -> None:
    path = Path("/m") / STARTER.repository / "SmolLM2-135M-Instruct-Q4_K_M.gguf"
    session.set_local([LocalModel("x", path, 1)])
    session.open_catalog_model(STARTER)
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    here = {rung.quantization: rung.path for rung in told.ladders[0].rungs if rung.path}
    assert here == {"Q4_K_M": path}


def test_the_recommended_rung_stays_recommended_when_it_is_here(session, told, qtbot) -> None:
    session.open_catalog_model(STARTER)
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    ladder = told.ladders[0]
    assert ladder.recommended is not None
    path = Path("/m") / STARTER.repository / f"SmolLM2-135M-Instruct-{ladder.recommended.quantization}.gguf"
    marked = with_local(ladder, STARTER, [LocalModel("x", path, 1)])
    assert marked.recommended is not None
    assert marked.recommended.path == path
    assert marked.recommended in marked.rungs
    assert with_local(ladder, None, [LocalModel("x", path, 1)]) == ladder
    assert with_local(ladder, STARTER, [LocalModel("gone", path, 0)]) == ladder


def test_what_a_repository_offers_and_this_machine_has_is_marked(session, told, qtbot) -> None:
    session.open_catalog_model(STARTER)
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    ladder = told.ladders[0]
    variants = [
        Variant("o/r", "main", Format.GGUF, rung.quantization, (HubFile(f"{rung.quantization}.gguf"),))
        for rung in ladder.rungs
    ]
    rungs = (replace(rung, variant=it) for rung, it in zip(ladder.rungs, variants, strict=True))
    of_repository = replace(ladder, rungs=tuple(rungs), recommended=None)
    path = Path("/m/o/r") / variants[1].files[0].path
    marked = with_local(
        of_repository, None, [LocalModel("x", path, 1), LocalModel("y", Path("/m/y.gguf"), 1)]
    )
    assert [rung.path for rung in marked.rungs] == [None, path, *[None] * (len(variants) - 2)]


def test_offline_a_search_and_a_download_say_so(session, told, qtbot) -> None:
    with qtbot.waitSignal(session.search_failed) as failed:
        session.search("qwen", None, "downloads")
    assert failed.args[0] == "qwen"
    assert isinstance(failed.args[1], Offline)
    session.open_catalog_model(STARTER)
    qtbot.waitUntil(lambda: bool(told.ladders), timeout=30_000)
    session.download_rung(told.ladders[0].rungs[0])
    qtbot.waitUntil(lambda: bool(told.errors))
    assert isinstance(told.errors[0], Offline)
