"""What a model on this machine will take here, in words, for the panel of its details."""

from __future__ import annotations

from app.advisor.ladder import Fit, Ladder
from app.ui import words


def forecast_rows(ladder: Ladder, trained: int | None) -> tuple[tuple[str, str], ...]:
    """Name and figure, of a ladder with one rung; empty without any. `trained` is in tokens."""
    if not ladder.rungs:
        return ()
    rung = ladder.rungs[0]
    context = min(ladder.goal.context_length, trained or ladder.goal.context_length)
    fits = rung.fit.value
    if rung.fit is Fit.NO:
        fits = f"{fits}: needs {words.size(rung.missing)} more" if rung.missing else fits
    rows = [
        ("Memory", f"{words.size(rung.need.total)} at {words.tokens(context)} context"),
        ("", fits[:1].upper() + fits[1:]),
        ("Speed", f"about {words.decode_speed(rung.speed)}" if rung.speed is not None else ""),
        ("Largest context", f"{words.tokens(rung.largest_context)} tokens" if rung.largest_context else ""),
    ]
    return tuple((name, said) for name, said in rows if said)
