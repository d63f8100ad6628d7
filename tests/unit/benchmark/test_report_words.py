"""What reports say alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.benchmark.report_words import began, cell_words, clean, machine_lines, method_lines, title
from app.benchmark.tables import Cell, Mark, Unit, once
from app.domain.machine import Bandwidth, Power
from app.domain.speed_test import Workload
from tests.made_speed_tests import CHAT, MACHINE, VLLM, WRITE, column, speed_test, spread


def test_the_title_names_the_models_in_one_line() -> None:
    assert title(speed_test(column(), column(VLLM))) == "Speed test: SmolLM2 135M"
    evil = replace(VLLM, family="a\nb\u202ec")
    assert title(speed_test(column(), column(evil))) == "Speed test: SmolLM2 135M, a bc"
    assert title(speed_test()) == "Speed test"
    assert began(speed_test()) == "2023-11-14T22:13:20+00:00"


def test_the_machine_is_told_without_a_folder_of_a_person() -> None:
    machine = replace(MACHINE, bandwidth=Bandwidth(41_000_000_000, None, 8, "AMD", "2026-01-01"))
    told = list(machine_lines(speed_test(machine=machine)))
    assert ("Memory", "32.0 GB, 41 GB/s copying") in told
    assert ("GPU", "NVIDIA H100, 80.0 GB, driver 570.1") in told
    assert ("Power", "mains") in told
    assert ("Edgewise", "0.1.0, Python 3.11.9") in told
    assert "zoe" not in str(told)
    bare = replace(MACHINE, gpus=(), power=Power(on_battery=None))
    labels = dict(machine_lines(speed_test(machine=bare)))
    assert labels["GPU"] == "none"
    assert "Power" not in labels


def test_how_it_was_measured_names_shapes_repetitions_seed_and_order() -> None:
    work = Workload((CHAT,), (1, 8), warmups=1, repetitions=3, seed=42, alone=(WRITE,))
    told = " ".join(method_lines(speed_test(column(), column(VLLM), workload=work, order=(1, 0, 9))))
    for words in (
        "chat: prompt of 128 tokens, reply of 128; write: prompt of 32 tokens, reply of 512.",
        "once to warm up and then measured 3 times",
        "the seed 42. They ran in this order: vLLM, llama.cpp.",
    ):
        assert words in told


def test_a_figure_has_its_spread_and_marks() -> None:
    cell = Cell(spread(100.0), (Mark.DISTURBED, Mark.UNLIKE), "other programs used the processor.")
    assert cell_words(cell, Unit.RATE) == ("100 tok/s (98.0–102, n 5; disturbed; not like for like)")
    taken = Cell(once(3e9), (Mark.SINGLE,), "1.00 GB of it on the GPU")
    assert cell_words(taken, Unit.MEMORY) == "3.00 GB (measured once; 1.00 GB of it on the GPU)"
    assert cell_words(Cell(once(0.3), (Mark.SINGLE,)), Unit.TIME) == "300 ms (measured once)"
    assert cell_words(Cell(note="It broke.", short="failed"), Unit.TIME) == "failed"
    assert cell_words(Cell(note="It broke."), Unit.TIME) == "It broke."
    assert cell_words(Cell(), Unit.TIME) == ""


def test_the_home_folder_has_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "zoe")
    assert clean(f"cannot read {tmp_path / 'zoe' / 'models'}", 200) == f"cannot read {Path('~') / 'models'}"
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert clean("/a/b") == "/a/b"
