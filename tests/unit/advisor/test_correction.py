"""Corrections from earlier loads: quick to raise, slow to lower, deaf to a single bad measurement."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.advisor.correction import (
    DEFAULT_SPEED_SHARE,
    ENOUGH,
    LEAST_FACTOR,
    MOST_FACTOR,
    MOST_FACTOR_OF_FEW,
    RECENT,
    UNCORRECTED,
    Correction,
    correction_of,
)
from app.domain.ledger import LedgerEntry

GB = 10**9


def load(
    factor: float | None = None,
    share: float | None = None,
    *,
    architecture: str = "llama",
    raw: int = 4 * GB,
    at: float = 0.0,
    **other: object,
) -> LedgerEntry:
    """A load that took `factor` of its raw forecast and replied with `share` of the raw speed."""
    entry = LedgerEntry(
        id=1,
        at=at,
        model="m",
        engine="llama_cpp",
        architecture=architecture,
        quantization="Q4_K_M",
        context_length=8192,
        threads=4,
        gpu_layers=0,
        raw_memory=raw,
        forecast_memory=raw,
        measured_memory=None if factor is None else round(raw * factor),
        raw_speed=10.0,
        forecast_speed=6.0,
        measured_speed=None if share is None else 10.0 * share,
    )
    return replace(entry, **other)  # type: ignore[arg-type]


def corrected(*entries: LedgerEntry, **options: object) -> Correction:
    given = {"engine": "llama_cpp", "architecture": "llama"} | options
    return correction_of(entries, **given)  # type: ignore[arg-type]


def test_nothing_measured_changes_nothing() -> None:
    assert corrected() == corrected(load()) == UNCORRECTED
    assert UNCORRECTED.memory(GB) == GB
    assert UNCORRECTED.speed(10.0) == 10.0 * DEFAULT_SPEED_SHARE


def test_one_load_raises_at_once() -> None:
    found = corrected(load(1.1))
    assert found.memory_factor == pytest.approx(1.1)
    assert found.memory(4 * GB) == pytest.approx(4.4 * GB)
    assert found.memory_loads == 1


def test_a_larger_model_differs_by_as_many_bytes_as_the_largest_measured_one() -> None:
    found = corrected(load(1.1, raw=1 * GB))
    assert found.memory(40 * GB) == pytest.approx(40.1 * GB)
    assert found.memory(GB // 2) == pytest.approx(0.55 * GB)


def test_one_or_two_loads_do_not_lower() -> None:
    assert corrected(load(0.96), load(0.96)).memory(GB) == GB


def test_three_loads_lower_to_the_most_that_any_of_them_took() -> None:
    assert corrected(load(0.96), load(0.97), load(0.98)).memory_factor == pytest.approx(0.98)
    assert corrected(load(0.5), load(0.5), load(0.5)).memory_factor == LEAST_FACTOR
    assert corrected(load(0.9), load(0.9), load(1.2)).memory_factor == 1.0


def test_loads_of_another_architecture_never_lower() -> None:
    other = [load(0.9, architecture="gemma3") for _ in range(RECENT)]
    assert corrected(*other).memory_factor == 1.0
    assert corrected(*other, load(0.9)).memory_factor == 1.0


def test_a_single_bad_measurement_spoils_little() -> None:
    assert corrected(load(50.0)).memory_factor == MOST_FACTOR_OF_FEW
    assert corrected(load(1.02), load(50.0), load(1.01)).memory_factor == pytest.approx(1.02)
    assert corrected(load(share=0.001)).speed_share == DEFAULT_SPEED_SHARE
    assert corrected(load(share=0.5), load(share=0.03), load(share=0.52)).speed_share == pytest.approx(0.5)
    assert corrected(load(share=0.03)).speed_share == 0.2


def test_a_formula_that_is_wrong_by_much_is_found_out() -> None:
    wrong = [load(2.5) for _ in range(ENOUGH)]
    assert corrected(*wrong).memory_factor == pytest.approx(2.5)
    assert corrected(*(load(9.0) for _ in range(ENOUGH))).memory_factor == MOST_FACTOR


def test_the_same_architecture_weighs_more() -> None:
    others = [load(1.2, 0.4, architecture="gemma3") for _ in range(RECENT)]
    mine = [load(1.05, 0.8) for _ in range(ENOUGH)]
    found = corrected(*others, *mine)
    assert [found.memory_factor, found.speed_share] == pytest.approx([1.05, 0.8])
    found = corrected(*others)
    assert [found.memory_factor, found.speed_share] == pytest.approx([1.2, 0.4])
    assert (found.memory_loads, found.speed_loads) == (0, 0)


def test_only_the_newest_loads_count() -> None:
    old = [load(1.2, 0.3, at=float(n)) for n in range(50)]
    new = [load(1.02, 0.7, at=100.0 + n) for n in range(RECENT)]
    mixed = [*old, *new]
    random.Random(1).shuffle(mixed)
    found = corrected(*mixed)
    assert [found.memory_factor, found.speed_share] == pytest.approx([1.02, 0.7])


def test_what_is_not_alike_does_not_count() -> None:
    assert corrected(load(1.2, 0.3, engine="vllm")) == UNCORRECTED
    assert corrected(load(1.2, 0.3, gpu_layers=9)) == UNCORRECTED
    assert corrected(load(1.2, 0.3, gpu_layers=9), gpu=True).speed_share == pytest.approx(0.3)
    assert corrected(load(1.2, 0.3), threads=8).speed_share == DEFAULT_SPEED_SHARE
    assert corrected(load(1.2, 0.3), threads=4).speed_share == pytest.approx(0.3)
    assert corrected(load(1.2, 0.3, raw_speed=None)).speed_share == DEFAULT_SPEED_SHARE


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.floats(0, 100)), max_size=40))
def test_whatever_was_measured_the_correction_is_sane(loads: list[tuple[float, bool, float]]) -> None:
    entries = [load(f, s, architecture="llama" if same else "x") for f, same, s in loads]
    found = corrected(*entries)
    assert LEAST_FACTOR <= found.memory_factor <= MOST_FACTOR
    assert 0.02 <= found.speed_share <= 1.5
    if found.memory_factor < 1.0:
        taken = [it.measured_memory for it in entries if it.architecture == "llama"][:RECENT]
        assert found.memory(4 * GB) >= max(it for it in taken if it is not None) - 1
