"""What a person says of traffic and prices; all of it can be left as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.advisor.cost_options import MOST_LIFETIME_HOURS, MOST_WATTS
from app.advisor.cost_words import MOST_CURRENCY
from app.advisor.prices import prices
from app.advisor.traffic import EXAMPLES, MOST_PEAK, MOST_REQUESTS, MOST_TOKENS, Traffic, TrafficShape
from app.services.cost_reckoning import CostInputs, OwnInputs, RentedInputs
from app.services.costs import MeasuredForm
from app.ui import theme
from app.ui.advisor.fold import Fold
from app.ui.advisor.number_field import WIDTH, DecimalField, WholeField
from app.ui.chat.parameters import WheelGuard
from app.ui.choice import Choice

SETTLED_AFTER_MS = 250
_MOST_PRICE = 1e7
_MOST_RATE = 1e7
_SHAPES = {
    TrafficShape.LOW: "Low: a small office",
    TrafficShape.HIGH: "High: a service used all day",
    TrafficShape.BURSTY: "Bursty: all within an hour",
}
_PROPOSED = "The fastest of the newest test"
_NOT_SAID = "not said"
_AS_MEASURED = "as measured"


class CostForm(QWidget):
    """`inputs` are what its fields say now; `changed` comes once a person rests."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_AFTER_MS)
        self._settling.timeout.connect(self.changed)
        self._make_traffic()
        self._make_own()
        self._make_rented()
        self.reset = QPushButton("Use the examples", self)
        self.reset.clicked.connect(self.use_examples)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        for fold in self._folds:
            layout.addWidget(fold)
        layout.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addStretch(1)
        self._fill(TrafficShape.LOW)
        for field in self._fields:
            if isinstance(field, DecimalField | WholeField):
                field.valueChanged.connect(self._settling.start)
        self.shape.activated.connect(self._take_shape)
        self.form.activated.connect(lambda _: self._settling.start())
        self.currency.textEdited.connect(lambda _: self._settling.start())
        self.alone.toggled.connect(self._settling.start)
        for before, after in pairwise(self.tab_order()):
            QWidget.setTabOrder(before, after)

    @property
    def inputs(self) -> CostInputs:
        """What the fields say. Raises RefusedFigure."""
        api = self.api_input.said, self.api_output.said
        traffic = Traffic(self.requests.value(), self.prompt.value(), self.output.value(), self.peak.value())
        wears = self.purchase.said is not None
        return CostInputs(
            shape=TrafficShape(self.shape.currentData()),
            traffic=traffic,
            own=OwnInputs(
                price_per_kwh=self.kwh.said,
                form=self.form.currentData() or None,
                tokens_per_s=self.pace.said,
                load_watts=self.watts.said,
                idle_watts=self.idle.said,
                idle_is_counted=self.alone.isChecked(),
                hours_per_day=self.hours.value(),
                purchase_price=self.purchase.said,
                lifetime_hours=self.lifetime.value() if wears else None,
            ),
            rented=tuple(
                RentedInputs(name, price.value(), pace.value()) for name, (price, pace) in self.rented.items()
            ),
            api_prices=(api[0], api[1]) if api[0] is not None and api[1] is not None else None,
            currency=self.currency.text(),
        )

    def set_forms(self, forms: Sequence[MeasuredForm]) -> None:
        """What speed tests here measured; a choice stays where it still can."""
        before = self.form.currentData()
        self.form.clear()
        self.form.addItem(_PROPOSED if forms else "nothing yet", "")
        for form in forms:
            self.form.addItem(form.name, form.name)
        place = self.form.findData(before)
        self.form.setCurrentIndex(max(0, place))
        self.form.setEnabled(bool(forms))
        empty = _AS_MEASURED if forms else _NOT_SAID
        for field in (self.pace, self.watts, self.idle):
            field.setSpecialValueText(empty)

    def use_examples(self) -> None:
        """Put all fields back to how they came."""
        self._fill(TrafficShape.LOW)
        for field in (self.kwh, self.pace, self.watts, self.idle, self.purchase, *self._api):
            field.setValue(0)
        self.hours.setValue(24)
        self.alone.setChecked(False)
        self.currency.setText(prices().currency)
        self.form.setCurrentIndex(0)
        for option in prices().options:
            price, pace = self.rented[option.name]
            price.setValue(option.price_per_hour)
            pace.setValue(option.tokens_per_s)
        self._settling.start()

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, from the top."""
        found: list[QWidget] = []
        for fold in self._folds:
            found.append(fold.toggle)
            found += [field for field in self._fields if fold.isAncestorOf(field)]
        return [*found, self.reset]

    # Making

    def _make_traffic(self) -> None:
        self._folds: list[Fold] = []
        self._fields: list[QWidget] = []
        fold = self._fold("Traffic", opened=True)
        self.shape = self._choice("Shape", "What kind of traffic it is; its figures can be changed")
        for shape, words in _SHAPES.items():
            self.shape.addItem(words, shape.value)
        self.requests = DecimalField(
            "Requests a day", "Requests a day, all people together", MOST_REQUESTS, least=1, decimals=0
        )
        self.prompt = WholeField("Tokens of a prompt", "Of each request: what is sent", 1, MOST_TOKENS)
        self.output = WholeField("Tokens of a reply", "Of each request: what is made", 1, MOST_TOKENS)
        self.peak = DecimalField(
            "Peak factor",
            "Requests in the busiest hour over those of a mean hour, 1 to 24",
            MOST_PEAK,
            least=1,
            decimals=1,
        )
        self.currency = QLineEdit(self)
        self.currency.setAccessibleName("Currency")
        self.currency.setToolTip("A label only: nothing is converted")
        self.currency.setAccessibleDescription(self.currency.toolTip())
        self.currency.setMaxLength(MOST_CURRENCY)
        self.currency.setText(prices().currency)
        self.currency.setFixedWidth(WIDTH)
        self._add(fold, self.shape, self.requests, self.prompt, self.output, self.peak, self.currency)

    def _make_own(self) -> None:
        fold = self._fold("This machine", opened=True)
        known = prices()
        self.kwh = DecimalField(
            "Price of a kWh", known.electricity_note, _MOST_PRICE, decimals=3, empty=_NOT_SAID
        )
        fold_example = f"{known.example_price_per_kwh:.2f} is an example; your bill has your own price."
        self.form = self._choice("Measured with", "Which model in which engine, of the speed tests here")
        self.pace = DecimalField(
            "Speed", "Tokens of replies a second, all together", _MOST_RATE, decimals=1,
            suffix=" tok/s", empty=_NOT_SAID,
        )  # fmt: skip
        self.watts = DecimalField(
            "Power under load", "While it makes tokens; a plug with a meter tells", MOST_WATTS, decimals=1,
            suffix=" W", empty=_NOT_SAID,
        )  # fmt: skip
        self.alone = QCheckBox("It is on for this alone", self)
        self.alone.setToolTip("Then its idle hours are counted, too")
        self.alone.setAccessibleDescription(self.alone.toolTip())
        self.idle = DecimalField(
            "Power when idle", "While it waits for requests", MOST_WATTS, decimals=1, suffix=" W",
            empty=_NOT_SAID,
        )  # fmt: skip
        self.hours = DecimalField(
            "Hours on a day", "How long it is on", 24, least=0.5, decimals=1, suffix=" h"
        )
        self.hours.setValue(24)
        self.purchase = DecimalField(
            "Purchase price", "Counted as wear over its lifetime", _MOST_PRICE, empty="not counted"
        )
        self.lifetime = DecimalField(
            "Lifetime", "Hours of use until it is worn", MOST_LIFETIME_HOURS, least=1, decimals=0, suffix=" h"
        )
        self.lifetime.setValue(20_000)
        self._add(fold, self.kwh)
        fold.add_words(fold_example)
        self._add(fold, self.form, self.pace, self.watts)
        fold.form.addRow(self.alone)
        self._fields.append(self.alone)
        self._add(fold, self.idle, self.hours, self.purchase, self.lifetime)
        self.set_forms(())

    def _make_rented(self) -> None:
        known = prices()
        fold = self._fold("Machines to rent")
        fold.add_words(known.note)
        self.rented: dict[str, tuple[DecimalField, DecimalField]] = {}
        for option in known.options:
            price = DecimalField(
                f"{option.name}, an hour", "Its price of an hour", _MOST_PRICE, least=0.001, decimals=3
            )
            pace = DecimalField(
                f"{option.name}, speed", "Tokens of replies a second, all together", _MOST_RATE, least=0.1,
                decimals=1, suffix=" tok/s",
            )  # fmt: skip
            price.setValue(option.price_per_hour)
            pace.setValue(option.tokens_per_s)
            self.rented[option.name] = price, pace
            self._add(fold, price, pace)
        api = self._fold("An API")
        api.add_words(known.api_note)
        self.api_input = DecimalField(
            "A million of prompts", "Its price of a million tokens of prompts", _MOST_PRICE, decimals=3,
            empty=_NOT_SAID,
        )  # fmt: skip
        self.api_output = DecimalField(
            "A million of replies", "Its price of a million tokens of replies", _MOST_PRICE, decimals=3,
            empty=_NOT_SAID,
        )  # fmt: skip
        self._api = (self.api_input, self.api_output)
        self._add(api, *self._api)

    def _fold(self, name: str, *, opened: bool = False) -> Fold:
        fold = Fold(name, self, opened=opened)
        self._folds.append(fold)
        return fold

    def _choice(self, name: str, explanation: str) -> Choice:
        made = Choice(self)
        made.setAccessibleName(name)
        made.setAccessibleDescription(explanation)
        made.setToolTip(explanation)
        made.setMinimumContentsLength(8)
        made.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.installEventFilter(WheelGuard(made))
        return made

    def _add(self, fold: Fold, *fields: QWidget) -> None:
        for field in fields:
            fold.add(field)
            self._fields.append(field)

    # Filling

    def _take_shape(self) -> None:
        self._fill(TrafficShape(self.shape.currentData()))
        self._settling.start()

    def _fill(self, shape: TrafficShape) -> None:
        self.shape.setCurrentIndex(self.shape.findData(shape.value))
        traffic = EXAMPLES[shape]
        self.requests.setValue(traffic.requests_per_day)
        self.prompt.setValue(traffic.prompt_tokens)
        self.output.setValue(traffic.output_tokens)
        self.peak.setValue(traffic.peak_factor)
