"""The framework comparison's own figures of cost, reckoned anew."""

from __future__ import annotations

import pytest

from app.advisor.cost_reference import reference_check


def test_its_three_costs_follow_from_its_inputs_but_for_the_one_it_has_wrong() -> None:
    a100, t4, cpu, _ = reference_check()
    assert [it.subject for it in (a100, t4, cpu)] == ["A100 80GB", "T4 16GB", "8-core CPU"]
    # Its own inputs: $2, $0.35 and $0.10 an hour at 2,000, 200 and 30 tokens a second.
    assert a100.derived_cost == pytest.approx(2.0 / (2000 * 3600) * 1000)
    assert t4.derived_cost == pytest.approx(0.35 / (200 * 3600) * 1000)
    assert cpu.derived_cost == pytest.approx(0.10 / (30 * 3600) * 1000)
    assert [it.stated_cost for it in (a100, t4, cpu)] == [0.001, 0.0005, 0.001]
    assert [it.derived for it in (a100, t4, cpu)] == ["$0.00028", "$0.00049", "$0.00093"]
    assert [it.agrees for it in (a100, t4, cpu)] == [False, True, True]
    assert a100.factor == pytest.approx(3.6)
    assert "not $0.001: that is 3.6 times too much." in a100.explanation


def test_its_remark_that_they_cost_alike_does_not_hold() -> None:
    remark = reference_check()[-1]
    assert remark.stated == "Similar cost but much lower throughput!"
    assert not remark.agrees
    assert remark.derived == "3.33 times the cost, 66.7 times slower"
    assert remark.factor is None


def test_each_is_said_in_sentences_and_names_its_source() -> None:
    for check in reference_check():
        assert check.explanation.endswith(".")
        assert "framework comparison" in check.source
