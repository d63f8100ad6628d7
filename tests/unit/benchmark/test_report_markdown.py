"""Markdown that says what the test says, whatever strangers called their models."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument

from app.benchmark.report_markdown import escaped, markdown
from app.benchmark.report_words import clean
from app.domain.speed_test import Case, ColumnResult, LeftOut, TestState
from tests.made_speed_tests import CHAT, LLAMA_CPP, TRANSFORMERS, VLLM, column, result, speed_test

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # for Qt’s reader of Markdown
pytestmark = pytest.mark.usefixtures("qapp")

MEANT = "\\`*_[]<>|#~&!-+=1.)( a:/@$^{}%;'\"\n"
"""Characters that mean something to Markdown."""
EVIL = "a|b `c` *d* <img src=x> [e](http://f) _g_ &lt; # ![h](i)\n\n# Heading"


def shown(text: str) -> str:
    """What a Markdown reader (md4c, GitHub's dialect) makes of it."""
    document = QTextDocument()
    document.setMarkdown(text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
    return document.toPlainText()


@pytest.fixture
def report() -> str:
    quarter = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
    left = LeftOut(Case(CHAT, 8), "8 at once were left out.")
    return markdown(
        speed_test(
            column(quarter, {1: 120.0, 8: 151.0}),
            column(VLLM, {1: 28.0, 8: 187.0}),
            replace(column(TRANSFORMERS, cases=[result(1, 20)]), left_out=(left,)),
        ),
        ["llama.cpp computes Q4_K_M weights, vLLM bf16."],
    )


def test_all_its_parts_are_there(report: str) -> None:
    headings = [line.lstrip("# ") for line in report.splitlines() if line.startswith("#")]
    assert headings == [
        "Speed test: SmolLM2 135M",
        "What it showed",
        "Not like for like",
        "Doubts",
        "Not measured",
        "Throughput by requests at once (chat: prompt of 128 tokens, reply of 128)",
        "First token (chat: prompt of 128 tokens, reply of 128)",
        "Memory by precision",
        "Machine",
        "Engines",
        "How it was measured",
        "For reference: framework comparison, Llama 2 7B on an A100",
        "Throughput, Llama 2 7B on an A100 (reference)",
        "First token (reference)",
        "Memory, a model of 7B (reference)",
    ]
    for words in (
        r"| llama.cpp (Q4\_K\_M) | 120 tok/s (118–122, n 5; not like for like) |",
        "ab" * 32,
        "llama.cpp 1.2.3",
        "--parallel 4",
        "| vLLM | 50.0 tok/s | 800 tok/s | 2,000 tok/s |",
        "not measured here",
    ):
        assert words in report
    assert report.count("8 at once were left out.") == 1, "the table says it shortly"
    assert "| left out |" in report


def test_every_table_has_as_many_cells_in_each_row(report: str) -> None:
    width = None
    for line in report.splitlines():
        cells = line.replace(r"\|", "").count("|") if line.startswith("|") else None
        assert cells is None or width is None or cells == width
        width = cells


def test_a_hostile_name_stays_a_name() -> None:
    evil = replace(VLLM, model=EVIL, precision=EVIL, family=EVIL, engine=EVIL)
    report = markdown(speed_test(column(evil, {1: 10.0}, failure=EVIL), column(rates={1: 20.0})), [EVIL])
    assert "\n# Heading" not in report
    assert "<img" not in report.replace("\\<", "")
    text = shown(report)
    assert "<img src=x>" in text
    assert "[e](http://f)" in text
    test_every_table_has_as_many_cells_in_each_row(report)


@given(st.text(st.sampled_from(MEANT) | st.characters(codec="utf-8"), max_size=60))
@example("28.0 tok/s")
@example("1. first")
@example("2) second")
@example("- item")
@example("+ item")
@example("-")
@example("1.")
@example("https://example.org www.example.org a@example.org")
@example("--- ***")
@example("--")
@example("==")
@example("\\| \\\\| a\\")
@example("~~gone~~ **bold** $x$ &amp; :smile:")
def test_in_a_list_any_text_shows_as_it_is(text: str) -> None:
    assert shown(f"- {escaped(text)}\n").strip() == clean(text, 2000)


def test_a_test_without_results_is_a_report_too() -> None:
    report = markdown(speed_test(state=TestState.CANCELLED))
    assert "The test was stopped before it was done." in report
    assert "vLLM was not measured." in markdown(speed_test(ColumnResult(VLLM)))
