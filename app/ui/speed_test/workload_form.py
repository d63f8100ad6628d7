"""How much a test asks of each engine: one of three ready workloads, or one's own."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFormLayout,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.benchmark.workload import PRESETS, SHAPES, parse_batches
from app.domain.speed_test import Shape, Workload
from app.ui import icons, theme
from app.ui.chat.parameters import WheelGuard
from app.ui.engines.wrapped import Wrapped
from app.ui.words import duration

_FIELD_WIDTH = 220
_STANDARD = "standard"
_MOST_REPETITIONS = 50
_MOST_MINUTES = 24 * 60


class WorkloadForm(QWidget):
    """The details stay closed for whoever takes a ready one; changing them makes it one's own."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen: Workload = PRESETS[_STANDARD]
        self._presets = QButtonGroup(self)
        self._buttons: dict[str, QRadioButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        for name, workload in PRESETS.items():
            button = QRadioButton(name.capitalize(), self)
            button.setAccessibleDescription(described(workload))
            button.setChecked(name == _STANDARD)
            self._presets.addButton(button)
            self._buttons[name] = button
            says = Wrapped(self, described(workload), size=theme.SIZE_MONO, quiet=True)
            says.setContentsMargins(theme.SPACE_XL, 0, theme.SPACE_XL, theme.SPACE_XS)
            layout.addWidget(button)
            layout.addWidget(says)
            button.toggled.connect(lambda on, workload=workload: self.set_workload(workload) if on else None)
        self.toggle = QPushButton("Details", self)
        self.toggle.setCheckable(True)
        self.toggle.setAccessibleDescription("Requests at once, shapes, repetitions, time")
        self.toggle.toggled.connect(self._open)
        self._details = QWidget(self)
        self.batches = QLineEdit(self._details)
        self.batches.setMaxLength(200)
        self.batches.setPlaceholderText("1, 8, 32")
        _named(self.batches, "Requests at once", "Numbers from 1 to 256, with commas between them")
        self.shapes = _Shapes(self._details)
        self.repetitions = _number(1, _MOST_REPETITIONS, "Repetitions", "Of each case; the median is shown")
        self.minutes = _number(
            0, _MOST_MINUTES, "Time", "What does not fit is left out, and said; 0: no limit"
        )
        self.minutes.setSpecialValueText("no limit")
        self.minutes.setSuffix(" min")
        self._problem = Wrapped(self._details, size=theme.SIZE_MONO)
        self._problem.setForegroundRole(self._problem.foregroundRole().BrightText)
        form = QFormLayout(self._details)
        form.setContentsMargins(0, theme.SPACE_XS, 0, 0)
        form.setHorizontalSpacing(theme.SPACE_L)
        form.setVerticalSpacing(theme.SPACE_S)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        for field in (self.batches, self.shapes, self.repetitions, self.minutes):
            form.addRow(field.accessibleName(), field)
            form.labelForField(field).setMinimumHeight(self.batches.sizeHint().height())
        form.addRow(self._problem)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(self.toggle, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addWidget(self._details)
        self._open(False)
        self.set_workload(self._seen)
        self.batches.textEdited.connect(self._edited)
        self.shapes.changed.connect(self._edited)
        self.repetitions.valueChanged.connect(self._edited)
        self.minutes.valueChanged.connect(self._edited)

    @property
    def workload(self) -> Workload | None:
        """What is asked for; None while the fields make no sense, which is said beside them."""
        return None if self.problem else self._seen

    @property
    def problem(self) -> str:
        """What is wrong with the fields."""
        return self._problem.text()

    def set_workload(self, workload: Workload) -> None:
        """Show this one in the fields."""
        self._seen = workload
        shown = (self.batches, self.shapes, self.repetitions, self.minutes)
        blocked = [field.blockSignals(True) for field in shown]
        self.batches.setText(", ".join(str(batch) for batch in workload.batches))
        self.shapes.set_chosen(workload.shapes, workload.alone)
        self.repetitions.setValue(workload.repetitions)
        self.minutes.setValue(round((workload.budget_s or 0) / 60))
        for field, was in zip(shown, blocked, strict=True):
            field.blockSignals(was)
        self._say("")
        self.changed.emit()

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [
            *self._buttons.values(),
            self.toggle,
            self.batches,
            *self.shapes.boxes.values(),
            self.repetitions,
            self.minutes,
        ]

    def _edited(self) -> None:
        try:
            batches = parse_batches(self.batches.text())
        except ValueError as error:
            self._say(str(error))
            self.changed.emit()
            return
        shapes = self.shapes.chosen()
        # Long prompts are done one at a time: many at once would want more memory than they tell.
        deep = tuple(shape for shape in shapes if shape.depth or shape in self._seen.alone)
        many = tuple(shape for shape in shapes if shape not in deep)
        self._say("" if shapes else "Choose one shape at least.")
        if shapes:
            self._seen = replace(
                self._seen,
                batches=batches,
                shapes=many or deep,
                alone=deep if many else (),
                repetitions=self.repetitions.value(),
                budget_s=self.minutes.value() * 60.0 or None,
            )
            if not many:
                self._seen = replace(self._seen, batches=(1,))
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        """Which ready one this is, if it is one."""
        self._presets.setExclusive(False)
        for name, button in self._buttons.items():
            blocked = button.blockSignals(True)
            button.setChecked(PRESETS[name] == self._seen)
            button.blockSignals(blocked)
        self._presets.setExclusive(True)

    def _say(self, problem: str) -> None:
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    def _open(self, opened: bool) -> None:
        self._details.setVisible(opened)
        icons.set_icon(self.toggle, "chevron-up" if opened else "sliders", "secondary", 16)


class _Shapes(QWidget):
    """One check for each shape, since their names and sizes are not to be remembered."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Requests")
        self.boxes: dict[str, QCheckBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, theme.SPACE_XS, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE_L)
        grid.setVerticalSpacing(theme.SPACE_XS)
        for number, (name, shape) in enumerate(SHAPES.items()):
            box = QCheckBox(name, self)
            said = f"{shape.prompt_tokens:,} tokens in, {shape.output_tokens:,} out"
            if shape.depth:
                said += f", behind {shape.depth:,} tokens of text"
            box.setToolTip(said)
            box.setAccessibleDescription(said)
            box.toggled.connect(lambda _: self.changed.emit())
            self.boxes[name] = box
            grid.addWidget(box, *divmod(number, 3))

    def chosen(self) -> tuple[Shape, ...]:
        """In the order in which they stand."""
        return tuple(SHAPES[name] for name, box in self.boxes.items() if box.isChecked())

    def set_chosen(self, *groups: tuple[Shape, ...]) -> None:
        """Check these."""
        names = {shape.name for group in groups for shape in group}
        for name, box in self.boxes.items():
            box.setChecked(name in names)


def described(workload: Workload) -> str:
    """What it does: "chat with 1, 8 and 32 at once; summarise alone; 5 repetitions; 10 min at most"."""
    names = _listed([shape.name for shape in workload.shapes])
    batches = [str(batch) for batch in workload.batches]
    parts = [f"{names} with {_listed(batches)} at once" if workload.batches != (1,) else f"{names} alone"]
    if workload.alone:
        parts.append(f"{_listed([shape.name for shape in workload.alone])} alone")
    times = workload.repetitions
    parts.append("measured once" if times == 1 else f"{times} repetitions")
    if workload.budget_s is not None:
        parts.append(f"{duration(workload.budget_s)} at most")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _named(field: QWidget, name: str, explanation: str) -> None:
    field.setAccessibleName(name)
    field.setAccessibleDescription(explanation)
    field.setToolTip(explanation)
    field.setMinimumWidth(_FIELD_WIDTH)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.installEventFilter(WheelGuard(field))


def _number(least: int, most: int, name: str, explanation: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(least, most)
    field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
    _named(field, name, explanation)
    return field
