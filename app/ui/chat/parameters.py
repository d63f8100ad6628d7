"""What a conversation's model is told and how it chooses its words: system prompt and sampling."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.domain.generation import PARAMETERS, Parameter, SamplingParams
from app.ui import theme

WIDTH = 300
_SAVE_DELAY_MS = 300
_PROMPT_HEIGHT = 120
_FIELD_WIDTH = 160
_LARGEST_INT = 2**31 - 1
"""QSpinBox counts to here; whole numbers beyond are shown by QDoubleSpinBox, exactly to 2**53."""


class ParametersForm(QWidget):
    """System prompt and sampling parameters with their defaults and ranges."""

    system_prompt_changed = Signal(str)
    params_changed = Signal(object)
    """`SamplingParams`, after a pause in changing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._params = SamplingParams()
        self._prompt = QPlainTextEdit(self)
        self._prompt.setAccessibleName("System prompt")
        self._prompt.setPlaceholderText("Such as: You answer in short, plain sentences.")
        self._prompt.setTabChangesFocus(True)
        self._prompt.setFixedHeight(_PROMPT_HEIGHT)
        self._prompt.setProperty("framed", True)
        self._prompt_timer = _delay(self, self._emit_prompt)
        self._params_timer = _delay(self, self._emit_params)
        self._prompt.textChanged.connect(self._prompt_timer.start)
        prompt_label = QLabel("System prompt", self)
        prompt_label.setBuddy(self._prompt)
        prompt_label.setFont(theme.body_font(semibold=True))
        sampling_label = QLabel("Sampling", self)
        sampling_label.setFont(theme.body_font(semibold=True))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(theme.SPACE_M)
        form.setVerticalSpacing(theme.SPACE_S)
        self._fields: dict[str, QSpinBox | QDoubleSpinBox] = {}
        for parameter in PARAMETERS:
            field = self._field(parameter)
            self._fields[parameter.name] = field
            label = QLabel(parameter.label, self)
            label.setToolTip(parameter.explanation)
            label.setBuddy(field)
            label.setMinimumHeight(field.sizeHint().height())  # else it stands above its middle
            form.addRow(label, field)
        reset = QPushButton("Use the defaults", self)
        reset.clicked.connect(self._reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_L, theme.SPACE_L, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(prompt_label)
        layout.addWidget(self._prompt)
        layout.addSpacing(theme.SPACE_M)
        layout.addWidget(sampling_label)
        layout.addLayout(form)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(reset)
        layout.addStretch(1)
        self.show_values("", self._params)

    def show_values(self, system_prompt: str, params: SamplingParams) -> None:
        """Show these without reporting them as changed."""
        self.flush()
        self._params = params
        self._prompt.blockSignals(True)
        self._prompt.setPlainText(system_prompt)
        self._prompt.blockSignals(False)
        for parameter in PARAMETERS:
            field = self._fields[parameter.name]
            value = getattr(params, parameter.name)
            field.blockSignals(True)
            field.setValue(field.minimum() if value is None else value)  # type: ignore[arg-type]
            field.blockSignals(False)

    def flush(self) -> None:
        """Report a change that still waits for the pause."""
        for timer, emit in ((self._prompt_timer, self._emit_prompt), (self._params_timer, self._emit_params)):
            if timer.isActive():
                timer.stop()
                emit()

    def _field(self, parameter: Parameter) -> QSpinBox | QDoubleSpinBox:
        field: QSpinBox | QDoubleSpinBox
        # An optional value has one more step below its smallest, which says "left to the engine".
        least = parameter.minimum - (1 if parameter.optional else 0)
        if parameter.whole and parameter.maximum <= _LARGEST_INT:
            field = QSpinBox(self)
            field.setRange(int(least), int(parameter.maximum))
            field.setSingleStep(int(parameter.step))
        else:
            field = QDoubleSpinBox(self)
            field.setDecimals(0 if parameter.whole else 2)
            field.setRange(least, parameter.maximum)
            field.setSingleStep(parameter.step)
        if parameter.optional:
            field.setSpecialValueText("automatic")
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field.installEventFilter(WheelGuard(field))
        field.setAccessibleName(parameter.label)
        field.setAccessibleDescription(parameter.explanation)
        field.setToolTip(parameter.explanation)
        field.setMaximumWidth(_FIELD_WIDTH)
        field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
        field.setFont(theme.tabular_font(theme.SIZE_BODY))
        field.valueChanged.connect(lambda value: self._changed(parameter, value))
        return field

    def _changed(self, parameter: Parameter, shown: float) -> None:
        # This one alone: what the others show may be rounded.
        value: float | int | None = int(shown) if parameter.whole else shown
        if parameter.optional and shown < parameter.minimum:
            value = None
        self._params = replace(self._params, **{parameter.name: value})  # type: ignore[arg-type]
        self._params_timer.start()

    def _reset(self) -> None:
        prompt = self._prompt.toPlainText()
        self.show_values(prompt, SamplingParams())
        self._emit_params()

    def _emit_prompt(self) -> None:
        self.system_prompt_changed.emit(self._prompt.toPlainText())

    def _emit_params(self) -> None:
        self.params_changed.emit(self._params)


class WheelGuard(QObject):
    """Keeps the wheel from changing a field that it only scrolls past."""

    def __init__(self, field: QWidget) -> None:
        super().__init__(field)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # it goes on to what scrolls
            return True
        return False


class ParametersPanel(QScrollArea):
    """The form at the side of the chat; scrolls where the window is low."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = ParametersForm(self)
        self.setWidget(self.form)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedWidth(WIDTH)
        self.setAccessibleName("System prompt and sampling")


def _delay(parent: QWidget, call: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(_SAVE_DELAY_MS)
    timer.timeout.connect(call)
    return timer
