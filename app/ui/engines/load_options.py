"""How an engine loads a model: what was chosen for this machine, and what a person would rather have."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.domain.engine import LoadWishes
from app.models.library import display_name
from app.services.engine_card import EngineCard, Planned
from app.storage.settings import MAXIMUM_CONTEXT_LENGTH, MAXIMUM_THREADS, NUMBER_FORMATS
from app.ui import theme, words
from app.ui.chat.parameters import WheelGuard
from app.ui.choice import Choice
from app.ui.engines.wrapped import Wrapped

_FIELD_WIDTH = 220
_AUTOMATIC = "automatic"
_FORMATS = (("as the model is stored", None), *((name, name) for name in NUMBER_FORMATS))
_BITS = (("as the model is stored", None), ("8 bit", 8), ("4 bit", 4))


class LoadOptionsForm(QWidget):
    """Every change is kept at once and takes effect when a model is loaded next."""

    model_chosen = Signal(str)
    wishes_changed = Signal(object)
    """`LoadWishes`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wishes = LoadWishes()
        self._models: tuple[str, ...] = ()
        self._form = QFormLayout()
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        self._form.setHorizontalSpacing(theme.SPACE_L)
        self._form.setVerticalSpacing(theme.SPACE_S)
        self._model = _choice("Model", "What Start loads. A chat loads its own model.")
        self._model.activated.connect(lambda: self.model_chosen.emit(self._model.currentData()))
        self._context = _count(
            MAXIMUM_CONTEXT_LENGTH, "Context length", "Tokens that question and reply may take together."
        )
        self._context.setSingleStep(1024)
        self._threads = _count(MAXIMUM_THREADS, "Threads", "CPU threads that compute.")
        self._format = _choice("Numbers", "What it computes in. Narrower numbers take less memory.")
        for label, value in _FORMATS:
            self._format.addItem(label, value)
        self._bits = _choice("Weights", "Reduced while they are loaded: less memory, somewhat less quality.")
        for label, bits in _BITS:
            self._bits.addItem(label, bits)
        self._share = _share()
        self._gpus = _count(1, "GPUs", "How many share each layer (tensor parallel).")
        self._numbers = (self._context, self._threads, self._share, self._gpus)
        for number in self._numbers:
            number.editingFinished.connect(self._keep)
        for choice in (self._format, self._bits):
            choice.activated.connect(self._keep)
        self._fields: tuple[QWidget, ...] = (
            self._model,
            self._context,
            self._threads,
            self._format,
            self._bits,
            self._share,
            self._gpus,
        )
        for field in self._fields:
            self._form.addRow(field.accessibleName(), field)
            self._form.labelForField(field).setMinimumHeight(field.sizeHint().height())
        self._forecast = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        next_time = "A change takes effect when a model is loaded next."
        note = Wrapped(self, next_time, size=theme.SIZE_SECONDARY, quiet=True)
        self._reset = QPushButton("Choose all for this machine", self)
        self._reset.clicked.connect(self._forget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(self._form)
        layout.addWidget(self._forecast)
        layout.addWidget(note)
        layout.addWidget(self._reset, 0, Qt.AlignmentFlag.AlignLeading)
        self.set_planned(None)

    def set_card(self, card: EngineCard) -> None:
        """The options there are for it, and what is wished. What is being typed stays."""
        if card.models != self._models:
            self._models = card.models
            self._model.clear()
            for name in card.models:
                self._model.addItem(" · ".join(part for part in display_name(name) if part), name)
        offered = card.offered
        self._gpus.setMaximum(max(1, offered.gpus))
        for field, there in (
            (self._model, len(card.models) > 1),
            (self._format, offered.number_format),
            (self._bits, offered.quantizes),
            (self._share, offered.gpus > 0),
            (self._gpus, offered.gpus > 1),
        ):
            self._form.setRowVisible(field, there)
        self._show_wishes(card.wishes)

    def set_planned(self, planned: Planned | None) -> None:
        """What was chosen for this machine where nothing is wished."""
        chosen = ("",) * len(self._numbers) if planned is None else _chosen(planned)
        for number, value in zip(self._numbers, chosen, strict=True):
            number.setSpecialValueText(f"{_AUTOMATIC}: {value}" if value else _AUTOMATIC)
        self._forecast.setVisible(planned is not None)
        if planned is not None:
            model = " · ".join(part for part in display_name(planned.model) if part)
            takes, free = _memory(planned)
            self._forecast.setText(f"{model} takes about {takes} so; {free} are free now.")

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [*self._fields, self._reset]

    def _show_wishes(self, wishes: LoadWishes) -> None:
        self._wishes = wishes
        for field, value in (
            (self._context, wishes.context_length or 0),
            (self._threads, wishes.threads or 0),
            (self._share, round((wishes.gpu_memory_share or 0) * 100)),
            (self._gpus, wishes.tensor_parallel or 0),
        ):
            if not field.lineEdit().isModified():
                field.setValue(value)
        self._format.setCurrentIndex(max(0, self._format.findData(wishes.dtype)))
        self._bits.setCurrentIndex(max(0, self._bits.findData(wishes.quantize_bits)))
        self._reset.setEnabled(wishes != LoadWishes())

    def _keep(self) -> None:
        for number in self._numbers:
            number.lineEdit().setModified(False)
        wishes = replace(
            self._wishes,
            context_length=self._context.value() or None,
            threads=self._threads.value() or None,
            dtype=self._format.currentData(),
            quantize_bits=self._bits.currentData(),
            gpu_memory_share=self._share.value() / 100 or None,
            tensor_parallel=self._gpus.value() or None,
        )
        if wishes != self._wishes:
            self._wishes = wishes
            self._reset.setEnabled(wishes != LoadWishes())
            self.wishes_changed.emit(wishes)

    def _forget(self) -> None:
        self._context.setFocus(Qt.FocusReason.OtherFocusReason)  # the button is of no use from now on
        for number in self._numbers:
            number.setValue(0)
        self._format.setCurrentIndex(0)
        self._bits.setCurrentIndex(0)
        self._keep()


def _memory(planned: Planned) -> tuple[str, str]:
    """What it takes and what is free, where it lies on a GPU each of both memories."""
    on_gpu, main = planned.gpu_memory, planned.memory - planned.gpu_memory
    if not on_gpu:
        return words.size(planned.memory), words.size(planned.free)
    if not main:
        return f"{words.size(on_gpu)} of the GPU’s memory", words.size(planned.gpu_free)
    return (
        f"{words.size(on_gpu)} of the GPU’s memory and {words.size(main)} of main memory",
        f"{words.size(planned.gpu_free)} and {words.size(planned.free - planned.gpu_free)}",
    )


def _chosen(planned: Planned) -> tuple[str, str, str, str]:
    """What was chosen for this machine, in the order of the fields for numbers."""
    share = planned.gpu_memory_share
    return (
        f"{planned.context_length:,}",
        str(planned.threads),
        "" if share is None else f"{share * 100:.0f} %",
        str(planned.tensor_parallel),
    )


def _named(field: QWidget, name: str, explanation: str) -> None:
    field.setAccessibleName(name)
    field.setAccessibleDescription(explanation)
    field.setToolTip(explanation)
    field.setMinimumWidth(_FIELD_WIDTH)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.installEventFilter(WheelGuard(field))


def _choice(name: str, explanation: str) -> Choice:
    field = Choice()
    _named(field, name, explanation)
    return field


def _count(maximum: int, name: str, explanation: str) -> QSpinBox:
    """A whole number; its lowest step, 0, leaves it to Edgewise."""
    field = QSpinBox()
    field.setRange(0, maximum)
    field.setGroupSeparatorShown(True)
    field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
    _named(field, name, explanation)
    return field


def _share() -> QDoubleSpinBox:
    field = QDoubleSpinBox()
    field.setRange(0, 98)
    field.setDecimals(0)
    field.setSuffix(" %")
    field.setSingleStep(5)
    field.lineEdit().setTextMargins(theme.SPACE_XS, 0, theme.SPACE_XS, 0)
    _named(field, "GPU memory", "The share of each GPU’s memory that it may take.")
    return field
