"""What following the guide's answer costs, in sentences, as far as that was reckoned."""

from __future__ import annotations

from app.advisor.cost_options import OwnMachine
from app.advisor.cost_words import money, traffic_words
from app.advisor.guide_answer import GuideAnswer, Way
from app.services.cost_reckoning import Reckoned
from app.services.costs import MeasuredForm

_NO_FEE = "Nothing has to be paid to anybody: it costs this machine’s electricity."
_SAY = "What your electricity makes of that is on the Cost tab, once you say what a kWh costs you."
_SERVER = "The server costs what whoever runs it asks. The Cost tab compares rented ones with this machine."
_DEVICE = "On a device nothing but its battery is spent. Trying it here costs this machine’s electricity."


def cost_of(answer: GuideAnswer, reckoned: Reckoned | None, forms: tuple[MeasuredForm, ...]) -> list[str]:
    """Sentences; `reckoned` is what the Cost tab shows, None before it was."""
    if answer.way is Way.ATTACHED:
        return [_SERVER]
    if answer.way is Way.DEVICE:
        return [_DEVICE]
    own = None
    if reckoned is not None:
        own = next((line for line in reckoned.lines if isinstance(line.option, OwnMachine)), None)
    if reckoned is None or own is None:
        return [_NO_FEE, _SAY]
    if own.cost_per_month is None or own.cost_per_1000_tokens is None:
        return [_NO_FEE, f"This machine cannot serve the traffic of the Cost tab. {own.cannot}"]
    currency = reckoned.inputs.currency.strip()
    said = [
        f"{_NO_FEE} That is {money(own.cost_per_1000_tokens, currency)} for 1,000 tokens, "
        f"{money(own.cost_per_month, currency)} a month at the traffic of the Cost tab.",
        traffic_words(reckoned.inputs.traffic),
    ]
    if own.assumptions and not _is_of(answer, forms):
        said.append(f"It was not measured with this very answer. {own.assumptions[0]}")
    return said


def _is_of(answer: GuideAnswer, forms: tuple[MeasuredForm, ...]) -> bool:
    """Whether a speed test measured the engine and the precision of the answer."""
    model = answer.model
    return model is not None and any(
        form.engine_id == answer.framework
        and form.precision.casefold() == model.precision.casefold()
        and model.name.casefold() in form.name.casefold()
        for form in forms
    )
