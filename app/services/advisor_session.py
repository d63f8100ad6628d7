"""What the guide of the advisor page asks for: questions one after the other, the answer, the whole matrix.

Nothing here blocks.
"""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.advisor import guide
from app.advisor.guide_answer import Asked, GuideAnswer, MatrixRow
from app.advisor.guide_rules import Answers, UseCase, rules
from app.domain.errors import EdgewiseError
from app.domain.machine import Machine
from app.services.background import Background
from app.services.guidance import FrameworkHere
from app.services.latest import Latest


class Guide(Protocol):
    """What the session needs of `app.services.guidance.Guidance`. All of it may block."""

    def look(self) -> None:
        """Look at the machine, its engines, models and speed tests anew."""
        ...

    def machine(self) -> Machine:
        """As it was looked at last."""
        ...

    def answer(self, answers: Answers) -> GuideAnswer:
        """What to take."""
        ...

    def matrix(self) -> tuple[MatrixRow, ...]:
        """All use cases."""
        ...

    def profiles(self) -> tuple[FrameworkHere, ...]:
        """All frameworks."""
        ...


class AdvisorSession(QObject):
    """Lives on the window's thread; its signals arrive there.

    A person is at one of the questions, `place` counts from 0; behind the last one is the answer. Answers
    stay when a person goes back, so that going on again leads the same way.
    """

    walked = Signal()
    """Another question is asked now, or the same one with other options; or the answer is."""
    answered = Signal(object)
    """A `GuideAnswer` to the answers given now."""
    matrix_known = Signal(object)
    """A tuple of `MatrixRow`."""
    frameworks_known = Signal(object)
    """A tuple of `FrameworkHere`."""
    not_known = Signal(object)
    """`EdgewiseError`: this machine could not be looked at."""
    failed = Signal(object)
    """`EdgewiseError`."""

    def __init__(self, of: Guide, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._guide = of
        self._background = background
        self._machine: Machine | None = None
        self._answers: dict[str, str] = {}
        self._place = 0
        self._looking = self._look_again = False
        self._asks: Latest[GuideAnswer] = Latest(background)

    # The machine

    @property
    def is_ready(self) -> bool:
        """Whether this machine was looked at."""
        return self._machine is not None

    @property
    def machine(self) -> Machine | None:
        """As it was looked at last; None before that."""
        return self._machine

    def look(self) -> None:
        """Look at this machine anew: its answers, the matrix and an answer that is shown follow."""
        self._look_again = self._looking
        if not self._looking:
            self._looking = True
            self._background.run(self._look, self._looked, self._not_looked)

    def _look(self) -> Machine:
        self._guide.look()
        return self._guide.machine()

    def _looked(self, machine: Machine) -> None:
        self._looking = False
        first, self._machine = self._machine is None, machine
        self._place = min(self._place, len(self.asked))
        if self.is_answered:
            self._ask()
        if first or not self.is_answered:
            self.walked.emit()
        self._background.run(self._guide.matrix, self.matrix_known.emit, self.failed.emit)
        self._background.run(self._guide.profiles, self.frameworks_known.emit, self.failed.emit)
        if self._look_again:
            self.look()

    def _not_looked(self, error: EdgewiseError) -> None:
        self._looking = self._look_again = False
        self.not_known.emit(error)

    # The questions

    @property
    def answers(self) -> Answers:
        """A person's own, by question."""
        return self._answers

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All questions that are asked with these answers; none before this machine was looked at."""
        return () if self._machine is None else guide.questions(rules(), self._machine, self._answers)

    @property
    def place(self) -> int:
        """Which of `asked` a person is at; as many as they are once all are answered."""
        return self._place

    @property
    def current(self) -> Asked | None:
        """The question that a person is at; None where the answer is."""
        asked = self.asked
        return asked[self._place] if self._place < len(asked) else None

    @property
    def is_answered(self) -> bool:
        """Whether a person is at the answer."""
        return self.is_ready and self.current is None

    def take(self, option: str) -> None:
        """Answer the question that a person is at, and go on to the next one, or to the answer."""
        current = self.current
        if current is None:
            return
        self._answers[current.question.id] = option
        self._go(self._place + 1)

    def go_to(self, place: int) -> None:
        """Go back to a question, or ahead to one that was reached before."""
        self._go(max(0, min(place, len(self.asked))))

    def back(self) -> None:
        """Go to the question before."""
        self.go_to(self._place - 1)

    def begin_again(self) -> None:
        """Forget all answers."""
        self._answers.clear()
        self._go(0)

    def take_use_case(self, use_case: UseCase) -> None:
        """Go to the answer for a row of the matrix: its answers can be changed from there."""
        if self._machine is not None:
            self._answers = guide.answers_of(rules(), self._machine, use_case)
            self._go(len(self.asked))

    def _go(self, place: int) -> None:
        self._place = place
        self._asks.forget()
        if self.is_answered:
            self._ask()
        self.walked.emit()

    def _ask(self) -> None:
        answers = dict(self._answers)
        self._asks.ask(lambda: self._guide.answer(answers), self.answered.emit, self.failed.emit)
