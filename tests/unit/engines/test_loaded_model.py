"""Which bytes of an engine's resident set its model needs."""

from __future__ import annotations

from app.engines.base import LoadReport
from app.engines.loaded_model import needed_memory
from app.engines.memory import Resident

MIB = 1 << 20
FILE = 700 * MIB
LIBRARIES = 20 * MIB


def test_mapped_weights_are_needed() -> None:
    resident = Resident(FILE + LIBRARIES + 100 * MIB, FILE + LIBRARIES)
    assert needed_memory(resident, LoadReport(mapped_bytes=FILE), FILE) == resident.total


def test_weights_laid_out_anew_count_once() -> None:
    report = LoadReport(mapped_bytes=FILE, repeated_bytes=500 * MIB)
    both = Resident(FILE + LIBRARIES + 600 * MIB, FILE + LIBRARIES)
    assert needed_memory(both, report, FILE) == both.total - 500 * MIB
    # The system has taken some of the file's pages back already.
    taken = Resident(both.total - 450 * MIB, FILE + LIBRARIES - 450 * MIB)
    assert needed_memory(taken, report, FILE) == taken.total - 50 * MIB - LIBRARIES, "as good as told apart"


def test_weights_that_went_to_a_gpu_do_not_count() -> None:
    report = LoadReport(gpu_layers=17, gpu_bytes=900 * MIB, mapped_bytes=100 * MIB)
    resident = Resident(FILE + LIBRARIES + 50 * MIB, FILE + LIBRARIES)
    assert needed_memory(resident, report, FILE) == 100 * MIB + LIBRARIES + 50 * MIB


def test_where_the_system_does_not_tell_pages_of_files_apart() -> None:
    report = LoadReport(mapped_bytes=FILE, repeated_bytes=500 * MIB)
    assert needed_memory(Resident(1300 * MIB, None), report, FILE) == 800 * MIB
    assert needed_memory(Resident(600 * MIB, None), report, FILE) == 500 * MIB
