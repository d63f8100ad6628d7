"""What converting a model to GGUF takes, told before it begins."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialogButtonBox, QVBoxLayout, QWidget

from app.services.conversion_session import USUAL_TYPES, ConversionOffer
from app.ui import theme
from app.ui.choice import Choice
from app.ui.engines.facts import Facts
from app.ui.engines.wrapped import Wrapped
from app.ui.models.convert_form import OfferDialog
from app.ui.words import size

_WORDS = {
    "f16": "F16, which every machine computes",
    "bf16": "BF16, as most models are stored",
    "f32": "F32, twice the size and no better",
    "q8_0": "Q8_0, half the size, hardly worse",
}
_AFTER = "Q4_K_M"
"""Of what can follow, the one that is proposed."""


class ConvertDialog(OfferDialog):
    """Begins empty; `set_offer` or `set_problem` fill it."""

    convert_requested = Signal(object, str, object)
    """The `Convertible`, the type to convert to, and a list of types to quantize what was made to."""

    def __init__(self, name: str, parent: QWidget | None = None, *, offline: bool = False) -> None:
        super().__init__(
            "Convert to GGUF",
            f"{name} as GGUF",
            "llama.cpp reads GGUF. What is made is a file of its own in the library; the model it is made"
            " from stays as it is.",
            "Looking at the model…",
            parent,
        )
        self._offer: ConversionOffer | None = None
        self._offline = offline
        self.type = Choice(self)
        self.type.setAccessibleName("What the weights are stored in")
        self.type.currentIndexChanged.connect(lambda _: self._show())
        self.then = [QCheckBox(each, self) for each in USUAL_TYPES]
        self._then_words = Wrapped(self, "Then quantize it, which keeps both:")
        for check in self.then:
            check.setAccessibleDescription("Quantizes what was converted; both stay in the library")
            check.setChecked(check.text() == _AFTER)
            check.toggled.connect(lambda _: self._show())
        self._facts = Facts(self)
        self._problem = Wrapped(self)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = buttons.addButton("Convert", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        self.go.clicked.connect(self._begin)
        buttons.rejected.connect(self.reject)
        layout = self._rows
        for part in (self.type, self._then_words):
            layout.addWidget(part)
        checks = QVBoxLayout()
        checks.setSpacing(theme.SPACE_XS)
        checks.setContentsMargins(theme.SPACE_L, 0, 0, 0)
        for check in self.then:
            checks.addWidget(check)
        layout.addLayout(checks)
        layout.addWidget(self._facts)
        layout.addWidget(self._problem)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self._show()

    @property
    def problem(self) -> str:
        """Why it cannot be done, empty where it can."""
        return self._problem.text()

    def set_offer(self, offer: ConversionOffer) -> None:
        """What it takes."""
        self._offer = offer
        self._state.hide()
        for kind, length in offer.types:
            self.type.addItem(f"{_WORDS.get(kind, kind.upper())} · {size(length)}", kind)
        stored = {"bf16": "bf16", "fp16": "f16", "fp32": "bf16"}.get(offer.source.stored, "bf16")
        self.type.setCurrentIndex(max(0, self.type.findData(stored)))
        self._show()
        self.go.setFocus()

    def _show(self) -> None:
        offer = self._offer
        for part in (self.type, self._then_words, self._facts, *self.then):
            part.setVisible(offer is not None)
        if offer is None:
            self._problem.hide()
            self.go.setEnabled(False)
            return
        kind = str(self.type.currentData())
        plain = kind != "q8_0"  # what is quantized is not quantized again
        for check in self.then:
            check.setEnabled(plain)
        needed = dict(offer.types).get(kind, 0)
        rows = [
            ("Architecture", offer.source.architecture),
            ("Takes", f"about {size(needed)}, and what is quantized beside it"),
            ("Free on the disk", size(offer.free)),
        ]
        if offer.install is not None:
            rows.append(("Once before", f"the converter, {size(offer.install.download)} to download"))
        self._facts.set_rows(rows)
        self._problem.setText(self._why_not(offer, kind, needed))
        self._problem.setVisible(bool(self._problem.text()))
        self.go.setEnabled(not self._problem.text())
        self.go.setText("Install and convert" if offer.install is not None else "Convert")
        self._grow()

    def _why_not(self, offer: ConversionOffer, kind: str, needed: int) -> str:
        if offer.why_not:
            return f"The converter cannot be installed here. {offer.why_not}"
        if offer.install is not None and self._offline:
            return (
                "Offline mode is on, so the converter cannot be fetched. Switch it off in the settings first."
            )
        if kind in offer.there:
            return (
                f"There is a {kind.upper()} of it in the library already. Delete that first, or quantize it."
            )
        if needed > offer.free:
            return (
                f"It takes {size(needed)}, and the disk has {size(offer.free)} free. Free some space first."
            )
        return ""

    def _begin(self) -> None:
        offer = self._offer
        if offer is None:
            return
        then = [check.text() for check in self.then if check.isChecked() and check.isEnabled()]
        self.accept()
        self.convert_requested.emit(offer.source, str(self.type.currentData()), then)
