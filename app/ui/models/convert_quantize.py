"""To which type a GGUF model is quantized, with what each takes and is known to cost."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QWidget,
)

from app.domain.conversion import QuantizationForecast
from app.domain.quantization import known
from app.services.conversion_session import QuantizingOffer
from app.ui import theme
from app.ui.choice import Choice
from app.ui.elided_label import ElidedLabel
from app.ui.engines.facts import Facts
from app.ui.engines.wrapped import Wrapped
from app.ui.models.convert_form import OfferDialog
from app.ui.words import size

_PROPOSED = "Q4_K_M"


class QuantizeDialog(OfferDialog):
    """Begins empty; `set_offer` or `set_problem` fill it."""

    quantize_requested = Signal(str, object, bool)
    """The type; the `Path` of a text for an importance matrix, or None; whether it may be done twice."""
    forecast_wanted = Signal(str)
    """Of this type: `set_forecast` tells."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(
            "Quantize",
            f"Quantize {name}",
            "Fewer bits a weight take less memory and are read faster; replies get further from those of the"
            " original. The file it is made from stays.",
            "Looking at the model…",
            parent,
        )
        self._offer: QuantizingOffer | None = None
        self._text: Path | None = None
        self._forecasts: dict[str, QuantizationForecast] = {}
        self.type = Choice(self)
        self.type.setAccessibleName("Type")
        self.type.currentIndexChanged.connect(self._chosen)
        self._facts = Facts(self)
        self.choose_text = QPushButton("Importance matrix from a text…", self)
        self.choose_text.setAccessibleDescription(
            "Weights that matter for such texts are kept more exactly. It takes minutes to reckon."
        )
        self.choose_text.clicked.connect(self._choose_text)
        self._text_name = ElidedLabel(self)
        self._text_name.setForegroundRole(self._text_name.foregroundRole().PlaceholderText)
        self._remark = Wrapped(self, size=theme.SIZE_MONO)
        self.again = QCheckBox("Quantize it all the same", self)
        self.again.toggled.connect(lambda _: self._show())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = buttons.addButton("Quantize", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.go.clicked.connect(self._begin)
        buttons.rejected.connect(self.reject)
        text = QHBoxLayout()
        text.setSpacing(theme.SPACE_S)
        text.addWidget(self.choose_text)
        text.addWidget(self._text_name, 1)
        layout = self._rows
        for part in (self.type, self._facts):
            layout.addWidget(part)
        layout.addLayout(text)
        layout.addWidget(self._remark)
        layout.addWidget(self.again)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self._show()

    @property
    def remark(self) -> str:
        """What is to be known of the choice."""
        return self._remark.text()

    def set_offer(self, offer: QuantizingOffer) -> None:
        """What it can be quantized to."""
        self._offer = offer
        self._state.hide()
        blocked = self.type.blockSignals(True)
        for each in offer.types:
            row = known(each.name)
            said = row.quality.value if row is not None and row.quality is not None else ""
            length = offer.sizes.get(each.name)
            parts = (each.name, f"about {size(length)}" if length else "", said)
            self.type.addItem(" · ".join(part for part in parts if part), each.name)
        self.type.setCurrentIndex(max(0, self.type.findData(_PROPOSED)))
        self.type.blockSignals(blocked)
        self._chosen()
        self.go.setFocus()

    def set_forecast(self, type_: str, forecast: QuantizationForecast | None) -> None:
        """What llama-quantize itself says of a type."""
        if forecast is not None:
            self._forecasts[type_] = forecast
            self._show()

    def _chosen(self) -> None:
        type_ = self.type.currentData()
        if isinstance(type_, str) and type_ not in self._forecasts:
            self.forecast_wanted.emit(type_)
        self._show()

    def _show(self) -> None:
        offer = self._offer
        for part in (self.type, self._facts, self.choose_text, self._text_name):
            part.setVisible(offer is not None)
        self.again.setVisible(offer is not None and bool(offer.reason))
        if offer is None:
            self._remark.hide()
            self.go.setEnabled(False)
            return
        type_ = str(self.type.currentData())
        forecast = self._forecasts.get(type_)
        needed = forecast.size if forecast is not None else offer.sizes.get(type_, offer.model.size)
        exact = "" if forecast is not None else "about "
        self._facts.set_rows(
            [
                ("Now", size(offer.model.size)),
                ("Takes", f"{exact}{size(needed)}"),
                ("Free on the disk", size(offer.free)),
                ("Published", _published(type_)),
            ]
        )
        self._text_name.setText(self._text.name if self._text is not None else "")
        stop = self._why_not(offer, type_, needed)
        remarks = [
            stop or offer.reason,
            forecast.remark if forecast is not None else "",
            self._wants_matrix(type_),
        ]
        self._remark.setText("\n".join(filter(None, remarks)))
        self._remark.setVisible(bool(self._remark.text()))
        self.go.setEnabled(not stop and (not offer.reason or self.again.isChecked()))
        self.go.setText(f"Quantize to {type_}")
        self._grow()

    def _why_not(self, offer: QuantizingOffer, type_: str, needed: int) -> str:
        if type_ in offer.there:
            return (
                f"There is a {type_} of it in the library already. Delete that first, or choose another type."
            )
        if needed > offer.free:
            return (
                f"It takes {size(needed)}, and the disk has {size(offer.free)} free. Free some space first."
            )
        return ""

    def _wants_matrix(self, type_: str) -> str:
        row = known(type_)
        if self._text is not None or row is None or not row.importance_matrix:
            return ""
        return "The figures published for this type are of files made with an importance matrix."

    def _choose_text(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "A text", "", "Text (*.txt *.md);;All files (*)")
        if chosen:
            self._text = Path(chosen)
            self._show()

    def _begin(self) -> None:
        if self._offer is not None:
            self.accept()
            self.quantize_requested.emit(str(self.type.currentData()), self._text, self.again.isChecked())


def _published(type_: str) -> str:
    """What others measured, of another model."""
    row = known(type_)
    percent = row.perplexity_increase_percent if row is not None else None
    if row is None or percent is None or row.quality is None:
        return "no figures"
    return f"perplexity +{max(0.0, percent):.1f} % of Llama 3 8B: {row.quality.value}"
