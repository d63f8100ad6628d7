import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.generation import PARAMETERS, Cancellation, SamplingParams, ServerTimings

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = st.sampled_from([p.name for p in PARAMETERS]) | st.text()


def test_what_is_stored_comes_back():
    params = SamplingParams(0.0, 1.0, 0, 0.25, 1.1, 100, 2**32 - 2)
    assert SamplingParams.from_dict({**params.to_dict()}) == params
    assert SamplingParams.from_dict({**SamplingParams().to_dict()}) == SamplingParams()


@given(st.dictionaries(NAMES, ANYTHING, max_size=10))
def test_hostile_values_give_defaults_and_never_an_error(values):
    params = SamplingParams.from_dict(values)
    defaults = SamplingParams()
    for spec in PARAMETERS:
        value = getattr(params, spec.name)
        if value is None:
            assert spec.optional
        else:
            assert spec.minimum <= value <= spec.maximum
            assert type(value) is (int if spec.whole else float)
        if spec.name not in values:
            assert value == getattr(defaults, spec.name)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "0.5", [], -1, None])
@pytest.mark.parametrize("name", ["temperature", "top_k"])
def test_values_outside_a_range_fall_back(name, value):
    assert SamplingParams.from_dict({name: value}) == SamplingParams()


def test_an_integer_too_large_for_a_float_falls_back():
    """A settings file can hold any integer that JSON can."""
    assert SamplingParams.from_dict({"top_k": 10**400}) == SamplingParams()


@pytest.mark.parametrize("value", [0, -1, 1_000_001, math.nan, "many", False])
def test_a_wrong_longest_reply_means_none_was_set(value):
    assert SamplingParams.from_dict({"max_tokens": value, "temperature": 0.5}) == SamplingParams(
        temperature=0.5
    )


def test_defaults_are_within_their_ranges():
    for spec in PARAMETERS:
        value = getattr(SamplingParams(), spec.name)
        assert (value is None and spec.optional) or spec.minimum <= value <= spec.maximum


def test_speed_of_a_server():
    assert ServerTimings(10, 100.0, 20, 500.0).tokens_per_second == 40.0
    assert ServerTimings(10, 100.0, 20, 0.0).tokens_per_second is None


def test_a_cancellation_wakes_once():
    woken = []
    cancellation = Cancellation()
    cancellation.on_cancel(lambda: woken.append("first"))
    cancellation.on_cancel(lambda: woken.append("second"))
    assert not cancellation.cancelled
    cancellation.cancel()
    cancellation.cancel()
    assert cancellation.cancelled
    assert woken == ["second"]


def test_a_cancellation_thrown_before_wakes_at_once():
    woken = []
    cancellation = Cancellation()
    cancellation.cancel()
    cancellation.on_cancel(lambda: woken.append(threading.get_ident()))
    cancellation.on_cancel(None)
    assert woken == [threading.get_ident()]


def test_a_forgotten_waker_is_not_called():
    woken = []
    cancellation = Cancellation()
    cancellation.on_cancel(lambda: woken.append(1))
    cancellation.on_cancel(None)
    cancellation.cancel()
    assert woken == []
