"""Figures that cannot be are refused in a sentence."""

from __future__ import annotations

import math

import pytest

from app.advisor.figure import RefusedFigure, check
from app.domain.errors import EdgewiseError


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0, 0.0, 0.009, 10.1, 1e300])
def test_what_cannot_be_is_refused_in_a_sentence(value: float) -> None:
    with pytest.raises(RefusedFigure) as caught:
        check("The price", value, 0.01, 10, "per kWh")
    assert isinstance(caught.value, EdgewiseError)
    assert caught.value.message.startswith("The price has to be from 0.01 to 10 per kWh; it is ")
    assert caught.value.message.endswith(".")
    assert "nan" not in caught.value.message
    assert "inf" not in caught.value.message


@pytest.mark.parametrize("value", [0.01, 1, 10])
def test_what_can_be_is_let_through(value: float) -> None:
    check("The price", value, 0.01, 10)
