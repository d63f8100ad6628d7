"""Plain text for the clipboard."""

from __future__ import annotations

from app.benchmark.report_text import text_report
from app.domain.speed_test import ColumnResult
from tests.made_speed_tests import TRANSFORMERS, VLLM, column, speed_test


def test_verdict_figures_and_machine_in_lines() -> None:
    text = text_report(
        speed_test(column(rates={1: 100.0, 4: 200.0}), column(VLLM, {1: 28.0}), ColumnResult(TRANSFORMERS))
    )
    lines = text.splitlines()
    assert lines[0] == "Speed test: SmolLM2 135M"
    assert lines[3].startswith("llama.cpp and vLLM answer equally fast")
    assert "  llama.cpp: 1 at once: 100 tok/s (98.0–102, n 5); 4 at once: 200 tok/s (196–204, n 5)" in lines
    assert "  vLLM: 1 at once: 28.0 tok/s (27.4–28.6, n 5)" in lines
    assert "Processor: AMD Ryzen 7 7840U, 8 of 8 cores usable" in lines
    assert not any(line.startswith("  Transformers") for line in lines)


def test_differences_are_said() -> None:
    assert "Not alike." in text_report(speed_test(column(rates={1: 1.0})), ["Not alike."]).splitlines()
