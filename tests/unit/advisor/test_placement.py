from dataclasses import replace

import pytest

from app.advisor.correction import UNCORRECTED, Correction
from app.advisor.placement import (
    GPU_MARGIN_BYTES,
    Room,
    free_gpu_memory,
    largest_fitting_context,
    missing_on_gpu,
    place,
    room_of,
    usable_gpus,
)
from app.models.footprint import CONTEXT_STEP, MARGIN_BYTES, RunOptions, forecast
from app.models.sketch import sketch
from app.models.weights import weigh
from tests.unit.advisor.cases import APPLE, GB, LLAMA_8B, NVIDIA, QWEN3_4B, machine

MODEL = weigh(sketch(QWEN3_4B, 40_960, "Q4_K_M"))
OPTIONS = RunOptions(8192)
TOTAL = forecast(MODEL, OPTIONS).total
EVERYTHING = forecast(MODEL, OPTIONS, gpu_layers=99)
LAYERS = 37


def test_main_memory_less_a_margin():
    assert room_of(machine(10)) == Room(10 * GB - MARGIN_BYTES)


def test_a_gpu_that_llama_cpp_does_not_find_counts_nothing():
    unseen = replace(NVIDIA, device=None)
    assert usable_gpus(machine(10, 40, unseen)) == ()
    assert room_of(machine(10, 40, unseen)).gpu == 0


def test_memory_that_nobody_tells_counts_nothing():
    assert usable_gpus(machine(10, 40, replace(NVIDIA, memory_free=None))) == ()


def test_a_gpu_keeps_a_margin_of_its_own():
    room = room_of(machine(10, 40, NVIDIA))
    assert (room.gpu, room.gpus, room.shared) == (11 * GB - GPU_MARGIN_BYTES, 1, False)
    assert room_of(machine(10, 40, replace(NVIDIA, memory_free=GPU_MARGIN_BYTES))) == Room(room.host)


def test_memory_of_several_gpus_adds_up_and_one_in_the_processor_is_left_out():
    both = machine(10, 40, NVIDIA, replace(NVIDIA, device="CUDA1"), APPLE)
    room = room_of(both)
    assert (room.gpu, room.gpus, room.shared) == (2 * (11 * GB - GPU_MARGIN_BYTES), 2, False)
    assert free_gpu_memory(both) == 22 * GB


def test_shared_memory_is_there_once():
    room = room_of(machine(14, 100, APPLE))
    assert room == Room(14 * GB - MARGIN_BYTES, 11 * GB - GPU_MARGIN_BYTES, 1, shared=True)
    assert free_gpu_memory(machine(14, 100, APPLE)) == 0
    assert room_of(machine(4, 100, APPLE)).host == 4 * GB - MARGIN_BYTES


def test_it_fits_to_the_byte():
    assert place(MODEL, OPTIONS, Room(TOTAL), UNCORRECTED).missing == 0
    lacking = place(MODEL, OPTIONS, Room(TOTAL - 1), UNCORRECTED)
    assert lacking.missing == 1
    assert not lacking.fits


def test_parts_and_places_add_up():
    need = place(MODEL, OPTIONS, Room(TOTAL, 2 * GB, 1), UNCORRECTED).need
    parts = need.tensors + need.cache + need.compute + need.projector + need.runtime
    assert need.total == need.host + need.gpu == parts
    assert need.correction == 0


def test_all_layers_go_to_a_gpu_that_holds_them():
    whole = place(MODEL, OPTIONS, Room(TOTAL, EVERYTHING.gpu.total, 1), UNCORRECTED)
    assert whole.gpu_layers == whole.layers == LAYERS
    assert whole.need.gpu == EVERYTHING.gpu.total
    less = place(MODEL, OPTIONS, Room(TOTAL, EVERYTHING.gpu.total - 1, 1), UNCORRECTED)
    assert less.gpu_layers == LAYERS - 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_as_many_layers_as_fit_go_to_a_small_gpu(share):
    room = Room(TOTAL, int(EVERYTHING.gpu.total * share), 1)
    placed = place(MODEL, OPTIONS, room, UNCORRECTED)
    assert placed.need.gpu <= room.gpu
    more = forecast(MODEL, OPTIONS, gpu_layers=placed.gpu_layers + 1)
    assert more.gpu.total > room.gpu


def test_what_does_not_fit_in_main_memory_may_fit_with_a_gpu():
    small = Room(TOTAL // 2)
    assert not place(MODEL, OPTIONS, small, UNCORRECTED).fits
    assert place(MODEL, OPTIONS, replace(small, gpu=4 * GB, gpus=1), UNCORRECTED).fits


def test_a_gpu_that_shares_memory_gives_no_more_of_it():
    room = Room(TOTAL // 2, TOTAL // 2, 1, shared=True)
    placed = place(MODEL, OPTIONS, room, UNCORRECTED)
    assert placed.missing == placed.need.total - room.host > 0


def test_two_gpus_hold_less_than_one_twice_as_large():
    one = place(MODEL, OPTIONS, Room(TOTAL, 3 * GB, 1), UNCORRECTED)
    two = place(MODEL, OPTIONS, Room(TOTAL, 3 * GB, 2), UNCORRECTED)
    assert 0 < two.gpu_layers < one.gpu_layers
    assert two.need.gpu <= 3 * GB
    fewer = forecast(MODEL, OPTIONS, gpu_layers=two.gpu_layers)
    own = fewer.gpu.compute + fewer.gpu.runtime
    assert two.need.gpu == fewer.gpu.total + own, "each has intermediate results and a runtime of its own"


def test_what_was_measured_corrects_both_places():
    correction = Correction(memory_factor=1.2, memory_reach=100 * GB)
    room = Room(2 * TOTAL, EVERYTHING.gpu.total, 1)
    placed = place(MODEL, OPTIONS, room, correction)
    assert placed.gpu_layers < LAYERS
    assert placed.need.gpu <= room.gpu
    on_host = place(MODEL, OPTIONS, Room(2 * TOTAL), correction)
    assert on_host.need.total == correction.memory(TOTAL)
    assert on_host.need.correction == correction.memory(TOTAL) - TOTAL > 0


def test_what_a_gpu_lacks_is_enough():
    for gpus in (1, 2):
        room = Room(2 * TOTAL, GB, gpus)
        lacking = missing_on_gpu(MODEL, OPTIONS, room, UNCORRECTED)
        given = replace(room, gpu=room.gpu + lacking)
        assert place(MODEL, OPTIONS, given, UNCORRECTED).gpu_layers == LAYERS
        assert missing_on_gpu(MODEL, OPTIONS, given, UNCORRECTED) <= 0
    assert missing_on_gpu(MODEL, OPTIONS, Room(TOTAL), UNCORRECTED) == 0
    assert missing_on_gpu(MODEL, OPTIONS, Room(TOTAL, GB, 1, shared=True), UNCORRECTED) == 0


def test_a_projector_is_part_of_it():
    placed = place(MODEL, OPTIONS, Room(TOTAL), UNCORRECTED, projector=10**8)
    assert placed.need.projector == 10**8
    assert placed.missing == 10**8


@pytest.mark.parametrize(
    "room", [Room(6 * GB), Room(4 * GB, 3 * GB, 1), Room(6 * GB, 3 * GB, 1, shared=True)]
)
def test_the_largest_context_is_the_last_that_fits(room):
    model = weigh(sketch(LLAMA_8B, 131_072, "Q4_K_S"))
    found = largest_fitting_context(model, OPTIONS, room, UNCORRECTED, at_most=131_072)
    assert 0 < found < 131_072
    assert place(model, replace(OPTIONS, context=found), room, UNCORRECTED).fits
    more = replace(OPTIONS, context=found + CONTEXT_STEP)
    assert not place(model, more, room, UNCORRECTED).fits


def test_the_largest_context_ends_where_training_did():
    assert largest_fitting_context(MODEL, OPTIONS, Room(50 * GB), UNCORRECTED, at_most=2048) == 2048
    assert largest_fitting_context(MODEL, OPTIONS, Room(GB), UNCORRECTED, at_most=2048) == 0
