"""Against which original a model's quality is measured, and which other forms along with it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.models.library import display_name
from app.services.conversion_session import QualityOffer
from app.ui import theme
from app.ui.choice import Choice
from app.ui.elided_label import ElidedLabel
from app.ui.engines.wrapped import Wrapped
from app.ui.models.convert_form import OfferDialog
from app.ui.words import size

_OUR_TEXT = "Edgewise’s own prose of several kinds, in English"
_NO_ORIGINAL = (
    "There is no other form of this model in the library to hold it against. Convert or download it as F16,"
    " BF16 or Q8_0 first."
)


class QualityDialog(OfferDialog):
    """Begins empty; `set_offer` or `set_problem` fill it."""

    measure_requested = Signal(object, object, object)
    """The original, a list of the others (`LocalModel`s), and the `Path` of a text or None for ours."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(
            "Measure quality",
            f"What {name} loses",
            "Each form predicts the same text. What it predicts is compared with the original’s, token by"
            " token, and each is timed. The processor is busy meanwhile, with larger models for minutes.",
            "Looking for its other forms…",
            parent,
        )
        self._offer: QualityOffer | None = None
        self._text: Path | None = None
        self.checks: list[QCheckBox] = []
        self._against = Wrapped(self, "Against which original")
        self.original = Choice(self)
        self.original.setAccessibleName("Against which original")
        self.original.currentIndexChanged.connect(lambda _: self._show())
        self._which = Wrapped(self, "What is measured")
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.SPACE_XS)
        self._list.setContentsMargins(theme.SPACE_L, 0, 0, 0)
        self.choose_text = QPushButton("Another text…", self)
        self.choose_text.setAccessibleDescription("Measure on a text file of yours")
        self.choose_text.clicked.connect(self._choose_text)
        self._text_name = ElidedLabel(self)
        self._text_name.setText(_OUR_TEXT)
        self._text_name.setForegroundRole(self._text_name.foregroundRole().PlaceholderText)
        self._remark = Wrapped(self, size=theme.SIZE_MONO)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = buttons.addButton("Measure", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.go.clicked.connect(self._begin)
        buttons.rejected.connect(self.reject)
        text = QHBoxLayout()
        text.setSpacing(theme.SPACE_S)
        text.addWidget(self.choose_text)
        text.addWidget(self._text_name, 1)
        layout = self._rows
        for part in (self._against, self.original, self._which):
            layout.addWidget(part)
        layout.addLayout(self._list)
        layout.addLayout(text)
        layout.addWidget(self._remark)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self._show()

    @property
    def remark(self) -> str:
        """What is to be known of the choice."""
        return self._remark.text()

    def set_offer(self, offer: QualityOffer) -> None:
        """What it can be held against."""
        if not offer.originals:
            self.set_problem(_NO_ORIGINAL)
            return
        self._offer = offer
        self._state.hide()
        for model in offer.variants:
            check = QCheckBox(_named(model.name, model.size).replace("&", "&&"), self)
            check.setChecked(model == offer.model)
            check.toggled.connect(lambda _: self._show())
            self.checks.append(check)
            self._list.addWidget(check)
        blocked = self.original.blockSignals(True)
        for model in (*offer.originals, offer.model):
            self.original.addItem(_named(model.name, model.size), model)
        self.original.setCurrentIndex(0)
        self.original.blockSignals(blocked)
        self._show()
        self.go.setFocus()

    def _show(self) -> None:
        offer = self._offer
        for part in (self._against, self.original, self._which, self.choose_text, self._text_name):
            part.setVisible(offer is not None)
        self._remark.setVisible(False)
        if offer is None:
            self.go.setEnabled(False)
            return
        original = self.original.currentData()
        for check, model in zip(self.checks, offer.variants, strict=True):
            check.setEnabled(model != original)
        self.go.setEnabled(bool(self._chosen()))
        quantization = display_name(original.name)[1].upper()
        if quantization not in ("F16", "BF16", "F32"):
            self._remark.setText(
                f"{original.name} is quantized itself: what is measured is the distance to it, not to the"
                " original."
            )
            self._remark.setVisible(True)
        self._grow()

    def _chosen(self) -> list[object]:
        offer = self._offer
        if offer is None:
            return []
        pairs = zip(self.checks, offer.variants, strict=True)
        return [model for check, model in pairs if check.isChecked() and check.isEnabled()]

    def _choose_text(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "A text", "", "Text (*.txt *.md);;All files (*)")
        if chosen:
            self._text = Path(chosen)
            self._text_name.setText(self._text.name)

    def _begin(self) -> None:
        if chosen := self._chosen():
            self.accept()
            self.measure_requested.emit(self.original.currentData(), chosen, self._text)


def _named(name: str, length: int) -> str:
    return " · ".join(part for part in (*display_name(name), size(length)) if part)
