from __future__ import annotations

from dataclasses import replace

import pytest

from app.advisor.ladder import Fit, Level, Need, Rung, Verdict
from app.domain.catalog import CatalogModel, Purpose
from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory
from app.models.catalog import catalog
from app.services.first_model import LARGEST_DOWNLOAD, first_model

GB = 1_000_000_000
MACHINE = Machine(
    "Linux 6", Cpu("Fast", "x86_64", 8, 16, 8), Memory(32 * GB, 20 * GB), Disk("/m", 500 * GB, 100 * GB)
)


def made(name: str, parameters: int, purposes: tuple[Purpose, ...] = (Purpose.CHAT,)) -> CatalogModel:
    return replace(catalog()[0], id=name, name=name, parameters=parameters, purposes=purposes)


def judged(level: Level, size: int | None = 2 * GB) -> Verdict:
    need = Need(0, 0, 0, 0, 0, host=GB, gpu=0)
    rung = Rung("Q4_K_M", size, need, Fit.MEMORY, 20.0, 8192, 0, None, None, None, True)
    return Verdict(level, level.value, None if level is Level.TOO_BIG else rung, 20.0)


SMALL, LARGE, HUGE = made("small", GB), made("large", 4 * GB), made("huge", 70 * GB)
MODELS = (SMALL, LARGE, HUGE)


def test_the_largest_that_runs_well_is_offered() -> None:
    verdicts = {"small": judged(Level.WELL), "large": judged(Level.WELL), "huge": judged(Level.TOO_BIG)}
    offer = first_model(MACHINE, MODELS, verdicts)
    assert offer.model is LARGE
    assert offer.rung is verdicts["large"].rung
    assert offer.machine_words == (
        "This machine has 20.0 GB of memory free. It runs models of up to 4 billion parameters well."
    )


def test_without_one_the_smallest_tight_one_is() -> None:
    verdicts = {"small": judged(Level.TIGHT), "large": judged(Level.TIGHT), "huge": judged(Level.TOO_BIG)}
    offer = first_model(MACHINE, MODELS, verdicts)
    assert offer.model is SMALL
    assert "can run models of up to 4 billion" in offer.machine_words


def test_no_toy_where_a_larger_one_is_readable() -> None:
    toy, middle = made("toy", 135_000_000), made("middle", 2 * GB)
    verdicts = {"toy": judged(Level.WELL), "small": judged(Level.READABLE), "middle": judged(Level.READABLE)}
    verdicts["large"] = judged(Level.SLOW)
    offer = first_model(MACHINE, (toy, SMALL, middle, LARGE), verdicts)
    assert offer.model is middle
    assert offer.machine_words == (
        "This machine has 20.0 GB of memory free. It runs models of up to 135 million parameters well, "
        "and of up to 2 billion at reading speed."
    )
    only_slow = {"toy": judged(Level.WELL), "large": judged(Level.SLOW)}
    assert first_model(MACHINE, (toy, LARGE), only_slow).model is toy


def test_what_runs_well_and_is_no_toy_is_preferred_to_a_larger_one_that_is_slower() -> None:
    verdicts = {"small": judged(Level.WELL), "large": judged(Level.READABLE)}
    assert first_model(MACHINE, MODELS, verdicts).model is SMALL


def test_without_one_that_runs_well_a_readable_one_is_offered() -> None:
    offer = first_model(MACHINE, MODELS, {"small": judged(Level.TIGHT), "large": judged(Level.READABLE)})
    assert offer.model is LARGE
    assert "runs models of up to 4 billion parameters at reading speed" in offer.machine_words


def test_a_machine_that_was_busy_when_it_was_measured_is_said_to_be() -> None:
    busy = Bandwidth(2 * GB, 4 * GB, 8, "Fast", "2026-01-01", disturbed=True)
    words = first_model(replace(MACHINE, bandwidth=busy), MODELS, {"small": judged(Level.WELL)}).machine_words
    assert words.endswith(", or larger ones: it was busy when its memory was measured.")
    assert words.count(". ") == 1
    calm = replace(MACHINE, bandwidth=replace(busy, disturbed=False))
    assert "busy" not in first_model(calm, MODELS, {"small": judged(Level.WELL)}).machine_words


def test_nothing_too_big_is_ever_offered() -> None:
    offer = first_model(MACHINE, MODELS, {model.id: judged(Level.TOO_BIG) for model in MODELS})
    assert (offer.model, offer.rung) == (None, None)
    assert offer.machine_words == "This machine has 20.0 GB of memory free."


@pytest.mark.parametrize("size", [LARGEST_DOWNLOAD + 1, None])
def test_no_long_download_and_none_of_unknown_size(size) -> None:
    verdicts = {"small": judged(Level.WELL), "large": judged(Level.WELL, size)}
    assert first_model(MACHINE, (SMALL, LARGE), verdicts).model is SMALL


def test_a_full_disk_is_not_filled() -> None:
    machine = replace(MACHINE, disk=Disk("/m", 500 * GB, 3 * GB))
    assert first_model(machine, MODELS, {"large": judged(Level.WELL, 2 * GB)}).model is None
    assert first_model(machine, MODELS, {"large": judged(Level.WELL, GB)}).model is LARGE
    unknown = replace(MACHINE, disk=Disk("/m", None, None))
    assert first_model(unknown, MODELS, {"large": judged(Level.WELL)}).model is LARGE


def test_a_model_for_code_is_no_first_one() -> None:
    coder = made("coder", 30 * GB, (Purpose.CODE,))
    verdicts = {"coder": judged(Level.WELL), "small": judged(Level.WELL)}
    assert first_model(MACHINE, (coder, SMALL), verdicts).model is SMALL


def test_a_gpu_is_named() -> None:
    machine = replace(MACHINE, gpus=(Gpu("RTX", 12 * GB, 11 * GB), Gpu("M", None, None, unified_memory=True)))
    words = first_model(machine, MODELS, {}).machine_words
    assert words == "This machine has 20.0 GB of memory free and a GPU with 12 GB."
    two = replace(machine, gpus=(Gpu("RTX", 12 * GB, 11 * GB), Gpu("RTX", 12 * GB, 11 * GB)))
    words = first_model(two, MODELS, {}).machine_words
    assert words == "This machine has 20.0 GB of memory free and 2 GPUs with 24 GB in all."
