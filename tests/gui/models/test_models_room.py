"""What the room of the models page keeps of a person's wishes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QWidget

from app.advisor.ladder import Goal
from app.services.background import Background
from app.services.model_library import ModelLibrary
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings
from app.ui.models_room import ModelsRoom

SET = Settings(theme="dark", goal_context=32_768, goal_speed=8.0)


@pytest.fixture
def room(qtbot, empty_home, tmp_path) -> Iterator[ModelsRoom]:
    paths = Paths.find()
    paths.create()
    background, window = Background(), QWidget()
    qtbot.addWidget(window)
    with Database.open(tmp_path / "a.db") as database:
        made = ModelsRoom(
            paths,
            ModelLibrary(paths),
            Ledger(database),
            database,
            background,
            offline=lambda: True,
            window=lambda: window,
            settings=lambda: SET,
        )
        background.setParent(made)
        yield made
        made.close()
        background.finish()


def test_the_goal_that_was_set_before_is_begun_with(room) -> None:
    assert room.models.goal == Goal(32_768, 8.0)


def test_a_new_goal_is_kept_beside_what_else_is_set(room, qtbot) -> None:
    with qtbot.waitSignal(room.settings_changed) as kept:
        room.models.set_goal(Goal(4096, 20.0))
    assert kept.args == [Settings(theme="dark", goal_context=4096, goal_speed=20.0)]


def test_a_goal_set_just_before_the_end_is_kept(room) -> None:
    kept: list[Settings] = []
    room.settings_changed.connect(kept.append)
    room.models.set_goal(Goal(4096, 20.0))
    room.close()
    assert [each.goal_speed for each in kept] == [20.0]
