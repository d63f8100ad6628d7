"""The comparison's figures, as it has them."""

from __future__ import annotations

from app.benchmark.reference import reference
from app.benchmark.tables import Table, Unit


def figures(table: Table) -> dict[str, list[float | None]]:
    return {row.name: [cell.median for cell in row.cells] for row in table.rows}


def test_the_three_tables_say_what_the_comparison_says_and_where_it_is_from() -> None:
    found = reference()
    assert found.source == "framework comparison, Llama 2 7B on an A100"
    assert "not measured here" in found.note
    assert found.throughput.headings == ("1 at once", "32 at once", "128 at once")
    assert figures(found.throughput) == {
        "Transformers": [40, 150, 200],
        "vLLM": [50, 800, 2000],
        "TensorRT-LLM": [55, 900, 2500],
        "SGLang": [50, 750, 1800],
    }
    assert figures(found.first_token) == {
        "Transformers": [0.5, 0.2],
        "vLLM": [0.4, 0.1],
        "llama.cpp (CPU)": [2.0, 0.8],
        "SGLang": [0.4, 0.08],
    }
    assert figures(found.memory) == {
        "Transformers": [14e9, 7e9, None],
        "vLLM": [14e9, 7e9, 4e9],
        "llama.cpp": [14e9, 7e9, 4e9],
    }
    assert found.memory.rows[1].cells[2].note == "AWQ"
    assert (found.throughput.unit, found.first_token.unit, found.memory.unit) == (
        Unit.RATE,
        Unit.TIME,
        Unit.MEMORY,
    )


def test_each_row_fits_its_headings_and_is_no_column_of_a_test() -> None:
    found = reference()
    for table in (found.throughput, found.first_token, found.memory):
        assert table.source == found.source
        for row in table.rows:
            assert len(row.cells) == len(table.headings)
            assert row.position is None
