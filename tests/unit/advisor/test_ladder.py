import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.advisor.correction import UNCORRECTED, Correction
from app.advisor.ladder import Candidate, Fit, Goal, Level, Subject, climb, verdict
from app.domain.quantization import QUANTIZATIONS, SOURCE, Quality
from app.models.footprint import MARGIN_BYTES, RunOptions, active_bytes, forecast
from app.models.gguf_header import GgufHeader, read_header
from app.models.sketch import sketch
from tests.made_models import MADE_MODELS
from tests.unit.advisor.cases import (
    APPLE,
    GB,
    LLAMA_8B,
    LLAMA_70B,
    NVIDIA,
    QWEN3_4B,
    machine,
    subject,
)
from tests.unit.advisor.cases import (
    QUANTIZATIONS as NAMES,
)
from tests.unit.advisor.measured import lost
from tests.unit.models.published import dimensions_of

SHARE = Correction(speed_share=0.6)
QWEN = subject()
LARGE = subject(LLAMA_70B, context_length=131_072)


def names(ladder):
    return [rung.quantization for rung in ladder.rungs]


def rung(ladder, name):
    return next(it for it in ladder.rungs if it.quantization == name)


def recommended(ladder):
    return ladder.recommended.quantization if ladder.recommended else None


def chosen_of(ladder):
    assert ladder.recommended is not None
    return ladder.recommended


def test_best_quality_comes_first():
    ladder = climb(QWEN, machine(), Goal(), UNCORRECTED)
    assert names(ladder) == [
        "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q4_K_S", "Q3_K_M", "Q2_K",
    ]  # fmt: skip
    assert ladder.quality_source == SOURCE
    of_table = QUANTIZATIONS["Q4_K_M"]
    step = rung(ladder, "Q4_K_M")
    assert (step.quality, step.divergence) == (of_table.quality, of_table.divergence)
    assert step.perplexity_increase_percent == of_table.perplexity_increase_percent


def test_what_a_model_was_made_in_is_as_good_as_itself():
    assert rung(climb(QWEN, machine(), Goal(), UNCORRECTED), "BF16").quality is Quality.LOSSLESS
    gpt_oss = dimensions_of(MADE_MODELS["gpt_oss_20b"]())
    made_in = climb(subject(gpt_oss, ["MXFP4"]), machine(), Goal(), UNCORRECTED)
    assert rung(made_in, "MXFP4").quality is Quality.LOSSLESS
    changed = climb(subject(quantizations=["MXFP4"]), machine(), Goal(), UNCORRECTED)
    assert rung(changed, "MXFP4").quality is None


def test_memory_and_speed_are_those_of_the_forecast():
    ladder = climb(QWEN, machine(), Goal(8192), Correction(speed_share=0.5))
    header = sketch(QWEN3_4B, 40_960, "Q6_K")
    step = rung(ladder, "Q6_K")
    assert step.need.total == pytest.approx(forecast(header, RunOptions(8192)).total, rel=1e-4)
    read = active_bytes(header, RunOptions(8192), 4096)
    assert step.speed == pytest.approx(0.5 * 41e9 / read, rel=1e-3)


def test_a_longer_context_is_slower():
    speeds = [
        rung(climb(QWEN, machine(30), Goal(context), UNCORRECTED), "Q4_K_M").speed
        for context in (2048, 8192, 32_768)
    ]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[2] < 0.7 * speeds[0]


def test_the_best_quality_that_reaches_the_speed():
    at_16, at_14 = (climb(QWEN, machine(15.6, 95), Goal(target_speed=speed), SHARE) for speed in (16, 14))
    assert recommended(at_16) == "Q5_K_M"
    assert at_16.because == "Q5_K_M, because it is the best quality that reaches your goal of 16 tok/s."
    assert "With 14 tok/s as the goal: Q6_K." in at_16.would_change
    assert recommended(at_14) == "Q6_K"


def test_nobody_is_told_to_take_16_bits():
    ladder = climb(QWEN, machine(60, 2000), Goal(), UNCORRECTED)
    assert recommended(ladder) == "Q8_0"
    assert "BF16: as good, but takes" in ladder.runners_up[0]
    only = climb(subject(quantizations=["BF16"]), machine(60, 2000), Goal(), UNCORRECTED)
    assert recommended(only) == "BF16"


def test_speed_is_not_bought_with_poor_quality():
    ladder = climb(QWEN, machine(15.6, 38), Goal(target_speed=9.5), SHARE)
    fast = rung(ladder, "Q2_K")
    assert fast.speed >= 9.5
    assert recommended(ladder) == "Q4_K_M"
    assert "nothing with four bits or more reaches your goal of 9.5 tok/s" in ladder.because
    assert verdict(ladder).level is Level.READABLE


def test_poor_quality_is_the_last_resort():
    ladder = climb(LARGE, machine(31, 300), Goal(), UNCORRECTED)
    assert recommended(ladder) == "Q2_K"
    assert "nothing better fits" in ladder.because
    assert verdict(ladder).words == "Tight: only as Q2_K, poor"


def test_a_context_too_long_for_now():
    ladder = climb(QWEN, machine(4.2), Goal(32_768), UNCORRECTED)
    assert ladder.recommended is None
    shorter = rung(ladder, "Q4_K_M")
    assert shorter.fit is Fit.SHORTER
    assert 2048 <= shorter.largest_context < 32_768
    assert f"Q4_K_M does with up to {shorter.largest_context:,}" in ladder.because
    assert verdict(ladder).level is Level.TIGHT
    again = climb(QWEN, machine(4.2), Goal(shorter.largest_context), UNCORRECTED)
    assert rung(again, "Q4_K_M").fit is Fit.MEMORY


def test_more_context_than_it_was_trained_for_is_of_no_use():
    short = subject(context_length=4096)
    ladder = climb(short, machine(), Goal(32_768), UNCORRECTED)
    assert (
        rung(ladder, "Q4_K_M").need == rung(climb(short, machine(), Goal(4096), UNCORRECTED), "Q4_K_M").need
    )
    assert "trained for 4,096 tokens" in ladder.because


def test_too_big():
    ladder = climb(LARGE, machine(10), Goal(), UNCORRECTED)
    assert ladder.recommended is None
    assert {it.fit for it in ladder.rungs} == {Fit.NO}
    told = verdict(ladder)
    lacking = min(it.missing for it in ladder.rungs) / 1e9
    assert told.level is Level.TOO_BIG
    said = re.fullmatch(r"Too big: needs ([\d.]+) GB more", told.words)
    assert said is not None
    assert 0 <= float(said[1]) - lacking < 0.1


def test_without_a_measured_bandwidth_no_speed_is_told():
    ladder = climb(QWEN, machine(15.6, None), Goal(), UNCORRECTED)
    assert {it.speed for it in ladder.rungs} == {None}
    assert recommended(ladder) == "Q4_K_M"
    assert "cannot be told" in ladder.because
    assert verdict(ladder).words.startswith("Fits: takes ")


def test_on_a_gpu_no_speed_is_told_but_it_is_preferred():
    ladder = climb(QWEN, machine(30, 60, NVIDIA), Goal(), UNCORRECTED)
    assert recommended(ladder) == "Q8_0"
    assert chosen_of(ladder).fit is Fit.GPU
    assert chosen_of(ladder).speed is None
    assert verdict(ladder).words == "Fits: takes 6.2 of 11.0 GB free on the GPU"
    smaller = machine(30, 60, replace(NVIDIA, memory_free=9_600_000_000))
    eight = climb(subject(LLAMA_8B, context_length=131_072), smaller, Goal(), UNCORRECTED)
    assert recommended(eight) == "Q6_K"
    assert rung(eight, "Q8_0").fit is Fit.SPLIT
    assert "partly in main memory" in eight.runners_up[0]


def test_a_model_on_both():
    ladder = climb(LARGE, machine(60, 60, NVIDIA), Goal(), UNCORRECTED)
    assert chosen_of(ladder).fit is Fit.SPLIT
    assert verdict(ladder).level is Level.TIGHT
    assert 0 < chosen_of(ladder).gpu_layers < 81


def test_shared_memory_is_as_fast_as_it_was_measured():
    ladder = climb(QWEN, machine(14, 200, APPLE), Goal(), UNCORRECTED)
    assert chosen_of(ladder).fit is Fit.GPU
    assert chosen_of(ladder).speed is not None
    assert ladder.gpu_available == 0
    assert verdict(ladder).words.endswith("of 14.0 GB free")


def test_a_gpu_that_is_not_used_is_named():
    ladder = climb(QWEN, machine(15, 41, replace(NVIDIA, device=None)), Goal(), UNCORRECTED)
    assert {it.fit for it in ladder.rungs} == {Fit.MEMORY}
    assert ladder.would_change[-1] == (
        "With a llama.cpp built for the NVIDIA GeForce RTX 4070, its 12.0 GB would count, too: see the"
        " Engines page."
    )


def test_one_real_header_serves_all_quantizations_of_a_repository():
    header = sketch(QWEN3_4B, 40_960, "Q8_0")
    size = sketch(QWEN3_4B, 40_960, "Q4_K_M").file_size
    scaled = Candidate("Q4_K_M", size, header, exact=False)
    ladder = climb(Subject("x", (scaled,), 40_960), machine(), Goal(), UNCORRECTED)
    whole = climb(QWEN, machine(), Goal(), UNCORRECTED)
    assert ladder.rungs[0].need.tensors == pytest.approx(rung(whole, "Q4_K_M").need.tensors, rel=0.001)
    assert ladder.rungs[0].need.cache == rung(whole, "Q4_K_M").need.cache
    exact = Candidate("Q8_0", 1, header, exact=True)
    alone = climb(Subject("x", (exact,), 0), machine(), Goal(), UNCORRECTED)
    assert alone.rungs[0].need.tensors == header.tensor_bytes


def test_the_real_model(starter_model):
    header = read_header(starter_model)
    candidate = Candidate("Q4_1", starter_model.stat().st_size, header, exact=True, path=starter_model)
    ladder = climb(Subject("SmolLM2", (candidate,), 8192), machine(8, 20), Goal(), UNCORRECTED)
    assert ladder.recommended is ladder.rungs[0]
    assert chosen_of(ladder).need.total == forecast(header, RunOptions(8192)).total
    assert ladder.because.startswith("Q4_1 fits and makes about")
    assert not ladder.runners_up
    assert not ladder.would_change
    assert verdict(ladder).level is Level.WELL


def test_a_model_without_files():
    ladder = climb(Subject("Nothing", (), 0), machine(), Goal(), UNCORRECTED)
    assert not ladder.rungs
    assert not ladder.would_change
    assert ladder.because == "There is no GGUF file of it to choose."
    assert verdict(ladder).rung is None


def test_headers_that_say_nothing():
    empty = GgufHeader(3, {}, (), 0)
    for size in (None, 0, 10**12):
        unknown = Subject("?", (Candidate("", size, empty, exact=False),), 0)
        for here in (machine(), machine(8, None, NVIDIA)):
            ladder = climb(unknown, here, Goal(), UNCORRECTED)
            assert verdict(ladder).words


SITUATIONS = st.tuples(
    st.floats(0.6, 60),
    st.none() | st.floats(2, 2000),
    st.sampled_from([(), (NVIDIA,), (APPLE,), (NVIDIA, NVIDIA)]),
)


@settings(deadline=None, max_examples=100)
@given(
    SITUATIONS, st.sampled_from([2048, 8192, 32_768]), st.floats(1, 60), st.sampled_from(["small", "large"])
)
def test_what_is_recommended_fits_and_what_would_change_it_does(situation, context, speed, size):
    model = QWEN if size == "small" else LARGE
    free, bandwidth, gpus = situation
    here = machine(free, bandwidth, *gpus)
    goal = Goal(context, speed)
    ladder = climb(model, here, goal, UNCORRECTED)
    chosen = ladder.recommended
    if chosen is not None:
        assert any(chosen is it for it in ladder.rungs)
        assert chosen.fits
        assert chosen.missing == 0
        assert chosen.need.host <= here.memory.available - MARGIN_BYTES
        if not ladder.gpu_available:
            assert chosen.need.total <= here.memory.available - MARGIN_BYTES
    else:
        assert not any(it.fits for it in ladder.rungs)
    for said in ladder.would_change:
        check(said, model, here, goal)


def check(said, model, here, goal):
    """What a sentence promises holds."""
    if match := re.fullmatch(r"With ([\d.]+) tok/s as the goal: (\S+?)( reaches it)?\.", said):
        goal = replace(goal, target_speed=float(match[1]))
    elif match := re.fullmatch(r"With ([\d,]+) tokens of context: (\S+)\.", said):
        goal = replace(goal, context_length=int(match[1].replace(",", "")))
    elif match := re.fullmatch(r"With ([\d.]+) GB more free memory on the GPU: (\S+)\.", said):
        more = int(float(match[1]) * GB)
        gpu = replace(here.gpus[0], memory_free=here.gpus[0].memory_free + more)
        here = replace(here, gpus=(gpu, *here.gpus[1:]))
    else:
        match = re.fullmatch(r"With ([\d.]+) GB more free memory: (\S+)\.", said)
        assert match is not None, said
        memory = here.memory
        free = memory.available + int(float(match[1]) * GB)
        here = replace(here, memory=replace(memory, total=max(memory.total, free), available=free))
    ladder = climb(model, here, goal, UNCORRECTED)
    assert rung(ladder, match[2]).fits, said
    if "context" not in said and "memory:" not in said:
        assert recommended(ladder) == match[2], said


def test_a_ladder_of_25_rungs_follows_a_slider():
    # A frame of a slider has 16 ms. The best of some tries: the machine that tests is shared.
    many = Subject("Many", (LARGE.candidates * 3)[:25], 131_072)
    for here in (machine(), machine(45), machine(30, 60, NVIDIA)):
        seconds = []
        for _ in range(10):
            begin = time.perf_counter()
            climb(many, here, Goal(), UNCORRECTED)
            seconds.append(time.perf_counter() - begin)
        assert min(seconds) < 0.03


def test_all_names_are_known():
    assert set(NAMES) <= set(QUANTIZATIONS)


def test_what_was_measured_here_is_told_in_place_of_what_was_published():
    ladder = climb(QWEN, machine(), Goal(), UNCORRECTED, {"Q4_K_M": lost("Q4_K_M", 0.2, percent=7.5)})
    step = rung(ladder, "Q4_K_M")
    assert (step.divergence, step.quality) == (0.2, Quality.NOTICEABLE)
    assert step.perplexity_increase_percent == pytest.approx(7.5)
    assert ladder.measured_here == ("Q4_K_M",)
    assert rung(ladder, "Q6_K").divergence == QUANTIZATIONS["Q6_K"].divergence
    # Figures of two models are not mixed into one order.
    assert names(ladder) == names(climb(QWEN, machine(), Goal(), UNCORRECTED))


def test_where_all_were_measured_that_is_the_order():
    two = subject(quantizations=["BF16", "Q4_K_M", "Q4_K_S"])
    measured = {"Q4_K_M": lost("Q4_K_M", 0.09), "Q4_K_S": lost("Q4_K_S", 0.05)}
    assert names(climb(two, machine(), Goal(), UNCORRECTED, measured)) == ["BF16", "Q4_K_S", "Q4_K_M"]
    assert names(climb(two, machine(), Goal(), UNCORRECTED)) == ["BF16", "Q4_K_M", "Q4_K_S"]
