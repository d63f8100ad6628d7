from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider

from app.advisor.ladder import Goal
from app.ui.models.goal_sliders import SPEEDS, GoalSliders, context_steps


@pytest.fixture
def sliders(qtbot) -> GoalSliders:
    widget = GoalSliders()
    qtbot.addWidget(widget)
    widget.show()
    return widget


def both(sliders: GoalSliders) -> list[QSlider]:
    return sliders.findChildren(QSlider)


@pytest.mark.parametrize("trained", [2048, 8192, 40_960, 131_072, 1 << 20])
def test_steps_rise_to_what_the_model_was_trained_for(trained) -> None:
    steps = context_steps(trained)
    assert steps[0] == 1024
    assert steps[-1] == trained
    ratios = [after / before for before, after in pairwise(steps)]
    assert all(1 < ratio <= 1.51 for ratio in ratios)  # even on a logarithmic scale


@pytest.mark.parametrize("trained", [1, 512, 1024])
def test_a_tiny_model_has_one_step(trained) -> None:
    assert context_steps(trained)[-1] == trained
    assert len(context_steps(trained)) == 1


def test_an_unknown_length_has_steps_all_the_same() -> None:
    assert context_steps(0)[-1] == 131_072


def test_a_key_moves_and_tells(sliders, qtbot) -> None:
    sliders.set_goal(Goal(8192, 15.0), 32_768)
    context, speed = both(sliders)
    with qtbot.waitSignal(sliders.changed) as changed:
        qtbot.keyClick(context, Qt.Key.Key_Right)
    assert changed.args == [Goal(12_288, 15.0)]
    qtbot.keyClick(context, Qt.Key.Key_End)
    qtbot.keyClick(speed, Qt.Key.Key_Home)
    assert sliders.goal == Goal(32_768, float(SPEEDS[0]))


def test_setting_a_goal_tells_nothing_and_keeps_the_cache_type(sliders, qtbot) -> None:
    with qtbot.assertNotEmitted(sliders.changed):
        sliders.set_goal(Goal(5000, 17.0, "q8_0"), 32_768)
    assert sliders.goal == Goal(5000, 17.0, "q8_0")
    qtbot.keyClick(both(sliders)[0], Qt.Key.Key_Right)
    assert sliders.goal.cache_type == "q8_0"


def test_the_names_say_the_values(sliders) -> None:
    sliders.set_goal(Goal(8192, 20.0), 32_768)
    assert [slider.accessibleName() for slider in both(sliders)] == [
        "Context length: 8,192 tokens",
        "Speed you want: 20 tokens a second",
    ]
