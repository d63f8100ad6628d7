"""Templates of prompts, and what makes a pipeline whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.advisor.export import CannotExport, Pipeline, Step
from app.advisor.export.prompt_template import Variable, check, parts_of
from tests.unit.advisor.export.made import HERE


@given(st.text("{}ab_1 \n'\"", max_size=40))
def test_parts_put_together_are_the_template(template: str) -> None:
    parts = parts_of(template)
    whole = "".join(f"{{{part.name}}}" if isinstance(part, Variable) else part for part in parts)
    assert whole == template
    assert "" not in parts


def test_braces_around_anything_but_a_name_are_text() -> None:
    assert parts_of('{"a": {b}} {c.d} {0}') == ['{"a": ', Variable("b"), "} {c.d} {0}"]


STEP = Step("answer", "About {topic}", HERE)


def test_a_whole_pipeline_passes() -> None:
    check(Pipeline([STEP, Step("more", "{answer} {topic}", HERE)], {"topic": ""}))


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (Pipeline([]), "no steps"),
        (Pipeline([STEP]), "{topic}"),
        (Pipeline([replace(STEP, template="{answer}")]), "{answer}"),
        (Pipeline([STEP, STEP], {"topic": "x"}), "Two inputs or steps"),
        (Pipeline([STEP], {"topic": "x", "answer": "y"}), "Two inputs or steps"),
        (Pipeline([replace(STEP, name="class")], {"topic": "x"}), "cannot be a name"),
        (Pipeline([replace(STEP, name='a"b')], {"topic": "x"}), "cannot be a name"),
        (Pipeline([replace(STEP, name="a" * 65)], {"topic": "x"}), "cannot be a name"),
        (Pipeline([STEP], {"topic": "x", "é": "y"}), "cannot be a name"),
    ],
)
def test_what_is_not_whole_is_refused(pipeline: Pipeline, message: str) -> None:
    with pytest.raises(CannotExport, match=message):
        check(pipeline)
