import re
from dataclasses import replace

import pytest

from app.advisor.correction import Correction
from app.advisor.ladder import Goal, climb, verdict
from app.advisor.words import gigabytes, goal_words, more_gigabytes, speed_words
from tests.unit.advisor.cases import GB, LLAMA_70B, NVIDIA, machine, subject

CORRECTION = Correction(speed_share=0.6)
QWEN = subject()
LARGE = subject(LLAMA_70B, context_length=131_072)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (gigabytes(15_640_000_000), "15.6 GB"),
        (more_gigabytes(2_010_000_000), "2.1 GB"),
        (more_gigabytes(1), "0.1 GB"),
        (speed_words(23.6), "about 24 tok/s"),
        (speed_words(9.96), "about 10 tok/s"),
        (speed_words(0.94), "about 0.9 tok/s"),
        (goal_words(10.99), "10 tok/s"),
        (goal_words(1.99), "1.9 tok/s"),
    ],
)
def test_figures_are_rounded_so_that_they_hold(said, words):
    assert said == words


def said_of(model, here, goal=None):
    ladder = climb(model, here, goal or Goal(), CORRECTION)
    return ladder.because, ladder.runners_up, ladder.would_change, verdict(ladder).words


def test_one_that_reaches_the_speed():
    assert said_of(QWEN, machine(15.6, 95), Goal(target_speed=17)) == (
        "Q4_K_M, because it is the best quality that reaches your goal of 17 tok/s.",
        (
            "Q5_K_M: very close to the original, but about 16 tok/s.",
            "IQ4_XS: very close to the original, takes 3.6 GB and makes about 20 tok/s.",
        ),
        ("With 16 tok/s as the goal: Q5_K_M.",),
        "Runs well: about 18 tok/s, takes 3.8 of 15.6 GB free",
    )


def test_one_that_fits():
    assert said_of(QWEN, machine(4.2, 95), Goal(target_speed=17)) == (
        "IQ4_XS, because it is the best quality that fits, at about 20 tok/s.",
        ("Q3_K_M: good, takes 3.4 GB and makes about 21 tok/s.",),
        ("With 0.2 GB more free memory: Q4_K_M.", "With 6,912 tokens of context: Q4_K_M."),
        "Runs well: about 20 tok/s, takes 3.6 of 4.2 GB free",
    )


def test_all_too_slow():
    because, _, would_change, card = said_of(QWEN, machine(15.6, 49))
    assert because == (
        "Q4_K_M, because nothing with four bits or more reaches the goal of 15 tok/s; it makes "
        "about 9.5 tok/s."
    )
    assert would_change == ("With 9 tok/s as the goal: Q4_K_M reaches it.",)
    assert card == "Readable: about 9.5 tok/s, takes 3.8 of 15.6 GB free"


def test_what_is_slower_than_people_read_is_slow():
    assert said_of(QWEN, machine(15.6, 27))[3].startswith("Readable: about 5.2 tok/s")
    assert said_of(QWEN, machine(15.6, 24))[3].startswith("Slow: about 4.7 tok/s")
    asked_less = said_of(QWEN, machine(15.6, 24), Goal(target_speed=4))[3]
    assert asked_less.startswith("Runs well: about 4.1 tok/s")


POOR = subject(LLAMA_70B, ("IQ3_XXS", "IQ2_M", "Q2_K", "IQ2_XXS"), context_length=131_072)


@pytest.mark.parametrize("bandwidth", [None, 20])
def test_what_is_poor_is_not_called_balanced_and_more_memory_gets_better(bandwidth):
    because, _, would_change, card = said_of(POOR, machine(23, bandwidth))
    assert because.startswith("IQ2_XXS, because nothing better fits")
    assert [it for it in would_change if "memory" in it] == ["With 4.7 GB more free memory: IQ2_M."]
    assert card == "Tight: only as IQ2_XXS, poor"
    then, *_ = said_of(POOR, machine(23 + 4.7, bandwidth))
    assert then.startswith("IQ2_M, because")


def test_what_is_poor_and_short_says_both():
    *_, card = said_of(POOR, machine(21), Goal(32_768))
    assert re.fullmatch(r"Tight: only as IQ2_XXS, poor; shorter context, [\d,]+ tokens at most", card)


def test_only_with_less_context():
    assert said_of(QWEN, machine(3.2, 80), Goal(32_768)) == (
        "None fits with 32,768 tokens of context; Q3_K_M does with up to 3,072.",
        (),
        (
            "With 3,072 tokens of context: Q3_K_M.",
            "With 4.0 GB more free memory: Q2_K.",
            "With 4.7 GB more free memory: IQ4_XS.",
        ),
        "Tight: shorter context, 3,072 tokens at most",
    )


def test_none_at_all():
    because, _, would_change, card = said_of(LARGE, machine(15.6, 41))
    assert because == "None fits: the least, Q2_K, needs 14.3 GB more free memory than there is."
    assert would_change[0] == "With 14.3 GB more free memory: Q2_K."
    assert card == "Too big: needs 14.3 GB more"


def test_between_two_memories():
    because, runners_up, would_change, card = said_of(LARGE, machine(60, 60, NVIDIA))
    assert because.startswith("Q4_K_M, because it balances quality and what stays in main memory")
    assert "partly in main memory, which is slower" in runners_up[0]
    assert re.fullmatch(r"With [\d.]+ GB more free memory on the GPU: IQ4_XS\.", would_change[0])
    assert card.startswith("Tight: partly in main memory, takes ")


def test_more_memory_on_the_gpu():
    gpu = replace(NVIDIA, memory_free=4 * GB)
    _, _, would_change, _ = said_of(QWEN, machine(30, 60, gpu))
    assert re.fullmatch(r"With \d\.\d GB more free memory on the GPU: IQ4_XS\.", would_change[0])


def test_a_single_file_is_not_compared():
    one = subject(quantizations=["Q8_0"])
    assert said_of(one, machine(15.6, 41))[0] == (
        "Q8_0 fits, but it makes about 5.0 tok/s, less than the goal of 15 tok/s."
    )
    assert (
        said_of(one, machine(15.6, 200))[0]
        == "Q8_0 fits and makes about 25 tok/s, more than the goal of 15 tok/s."
    )
    assert said_of(one, machine(15.6, 41, NVIDIA))[0].startswith("Q8_0 fits in the GPU. How fast")
    assert said_of(one, machine(2, 41))[0] == "It needs 4.2 GB more free memory than there is."
