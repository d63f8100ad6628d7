"""What a person asks of a model: a context length and a speed, each with a slider."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

from app.advisor.ladder import Goal
from app.ui import theme
from app.ui.chat.parameters import WheelGuard

_LEAST_CONTEXT = 1024
_DEFAULT_TRAINED = 131_072
"""Shown where a model does not say what it was trained for."""
SPEEDS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)
"""Tokens a second. People read 4 words a second (Brysbaert 2019: 238 a minute), which are some 5 tokens."""


def context_steps(trained: int) -> tuple[int, ...]:
    """Context lengths to choose from, even on a logarithmic scale, up to what a model was trained for."""
    most = trained if trained > 0 else _DEFAULT_TRAINED
    steps: list[int] = []
    step = _LEAST_CONTEXT
    while step < most:
        steps.append(step)
        if step * 3 // 2 < most:
            steps.append(step * 3 // 2)
        step *= 2
    return (*steps, most)


class GoalSliders(QWidget):
    """Tells each change at once; whoever reckons takes the latest."""

    changed = Signal(object)
    """A `Goal`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._goal = Goal()
        self._steps: tuple[int, ...] = context_steps(0)
        self._context, self._context_words = _slider(self), _value(self)
        self._speed, self._speed_words = _slider(self), _value(self)
        self._speed.setRange(0, len(SPEEDS) - 1)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(theme.SPACE_M)
        layout.setVerticalSpacing(theme.SPACE_S)
        for row, (name, slider, words) in enumerate(
            (
                ("Context", self._context, self._context_words),
                ("Speed you want", self._speed, self._speed_words),
            )
        ):
            label = QLabel(name, self)
            label.setBuddy(slider)
            layout.addWidget(label, row, 0)
            layout.addWidget(slider, row, 1)
            layout.addWidget(words, row, 2)
            slider.valueChanged.connect(self._moved)
        layout.setColumnStretch(1, 1)
        self.set_goal(self._goal, 0)

    @property
    def goal(self) -> Goal:
        """What is asked for now."""
        return self._goal

    def set_goal(self, goal: Goal, trained: int) -> None:
        """Show `goal` for a model trained for a context of `trained` tokens; 0: it does not say."""
        self._goal = goal
        self._steps = context_steps(trained)
        for slider, most, at in (
            (self._context, len(self._steps) - 1, _nearest(self._steps, goal.context_length)),
            (self._speed, len(SPEEDS) - 1, _nearest(SPEEDS, goal.target_speed)),
        ):
            slider.blockSignals(True)
            slider.setRange(0, most)
            slider.setValue(at)
            slider.blockSignals(False)
        self._say()

    def _moved(self) -> None:
        self._goal = Goal(
            context_length=self._steps[self._context.value()],
            target_speed=float(SPEEDS[self._speed.value()]),
            cache_type=self._goal.cache_type,
        )
        self._say()
        self.changed.emit(self._goal)

    def _say(self) -> None:
        context = f"{self._goal.context_length:,} tokens"
        speed = f"{self._goal.target_speed:.0f} tok/s"
        self._context_words.setText(context)
        self._speed_words.setText(speed)
        self._context.setAccessibleName(f"Context length: {context}")
        self._speed.setAccessibleName(f"Speed you want: {speed.replace('tok/s', 'tokens a second')}")


def _nearest(steps: Sequence[float], wanted: float) -> int:
    at = bisect_left(steps, wanted)
    if at == len(steps):
        return len(steps) - 1
    if at and wanted - steps[at - 1] < steps[at] - wanted:
        return at - 1
    return at


def _slider(parent: QWidget) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal, parent)
    slider.setPageStep(2)
    slider.setMinimumHeight(24)
    slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    slider.installEventFilter(WheelGuard(slider))
    return slider


def _value(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setFont(theme.tabular_font(theme.SIZE_BODY))
    label.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance("262,144 tokens") + 2)
    return label
