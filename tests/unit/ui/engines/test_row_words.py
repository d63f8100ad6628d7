"""Each state in words, with the one button that makes sense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.engine import EngineState, EngineStatus, Fitness
from app.ui.engines.row_words import (
    Deed,
    facts_of,
    marks_of,
    offers_of,
    remark_of,
    server_state,
    spoken,
    state_of,
    version_of,
)
from tests.gui.engines import cards
from tests.gui.engines.cards import with_environment

MODEL = "SmolLM2 135M Instruct · Q4_1"
EVERY = [
    *("stopped", "without_model", "starting", "ready", "busy", "failed", "too_big", "looking", "absent"),
    *("partial", "installing", "resolving", "not_installed", "not_here", "installed", "outdated", "damaged"),
    *("checking", "removing", "unpublished", "stale"),
]


def offers(name: str, *, offline: bool = False) -> tuple[str, str, list[str]]:
    found = offers_of(getattr(cards, name), offline=offline)
    words = [offer.words if offer else "" for offer in (found.first, found.second)]
    return words[0], words[1], [offer.words for offer in found.rest]


@pytest.mark.parametrize(
    ("name", "words", "figures"),
    [
        ("stopped", "Stopped", ""),
        ("starting", f"Starting {MODEL}", "loading weights"),
        ("ready", "Ready", f"{MODEL} · 8,192 tokens · 412 MB"),
        ("busy", "Making 2 replies", f"{MODEL} · 8,192 tokens · 412 MB · 3.0 GB on the GPU"),
        ("failed", "Not running", MODEL),
        ("looking", "Looking…", ""),
        ("absent", "Not installed", "takes 2.2 GB of the disk"),
        ("partial", "Not installed completely", "takes 2.2 GB of the disk"),
        ("installing", "Downloading torch", "1.1 of 2.2 GB"),
        ("resolving", "Choosing versions", ""),
        ("not_installed", "Could not be installed", ""),
        ("not_here", "Not possible here", ""),
        ("outdated", "Stopped", "an update is there"),
        ("checking", "Checking", "1 of 4 bytes"),
        ("removing", "Removing…", ""),
        ("unpublished", "Not installed", "takes 2.2 GB of the disk"),
        ("stale", "Needs an update", "takes 2.2 GB of the disk"),
    ],
)
def test_states_in_words(name, words, figures) -> None:
    state = state_of(getattr(cards, name))
    assert (state.words, state.figures) == (words, figures)


@pytest.mark.parametrize("name", EVERY)
def test_a_state_is_never_a_colour_alone(name) -> None:
    state = state_of(getattr(cards, name))
    assert state.words
    if state.role in ("ready", "failed"):
        assert state.icon


@pytest.mark.parametrize(("name", "share"), [("installing", 0.5), ("checking", 0.25)])
def test_a_bar_where_the_end_is_known(name, share) -> None:
    state = state_of(getattr(cards, name))
    assert state.has_bar
    assert state.share == share
    assert not state.is_waiting


def test_something_turns_where_it_is_not() -> None:
    for name in ("resolving", "starting", "removing", "looking"):
        state = state_of(getattr(cards, name))
        assert state.is_waiting
        assert not state.has_bar


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("stopped", "Start", ""),
        ("without_model", "See models", ""),
        ("starting", "Cancel", ""),
        ("ready", "Stop", ""),
        ("busy", "Stop", ""),
        ("failed", "Try again", "Show log"),
        ("too_big", "Try again", "Load anyway"),
        ("looking", "", ""),
        ("absent", "Install 604 MB…", ""),
        ("partial", "Install 604 MB…", ""),
        ("installing", "Cancel", ""),
        ("not_installed", "Try again…", "Show log"),
        ("not_here", "Attach a server…", ""),
        ("installed", "Start", ""),
        ("outdated", "Start", "Update 604 MB…"),
        ("damaged", "Start", "Install again 604 MB…"),
        ("checking", "Cancel", ""),
        ("removing", "", ""),
    ],
)
def test_the_buttons(name, first, second) -> None:
    assert offers(name)[:2] == (first, second)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_offered_twice(name) -> None:
    found = offers_of(getattr(cards, name), offline=False)
    deeds = [offer.deed for offer in (found.first, found.second, *found.rest) if offer]
    assert len(deeds) == len(set(deeds))


def test_the_rest_is_in_the_menu() -> None:
    assert offers("installed")[2] == [
        "Show log",
        "Check its files",
        "Show installation log",
        "Remove…",
        "Open its home page",
    ]
    assert offers("stopped")[2] == ["Show log", "Open its home page"]
    assert "Remove…" not in offers("installing")[2]
    assert "Remove…" in offers("partial")[2]


def test_nobody_is_held_back_by_a_machine_that_is_judged_wrongly() -> None:
    card = replace(cards.absent, fitness=Fitness(False, "No AVX2."))
    assert Deed.INSTALL in [offer.deed for offer in offers_of(card, offline=False).rest]
    assert remark_of(card, offline=False) == "No AVX2."


def test_offline_says_so_and_names_no_download() -> None:
    assert offers("absent", offline=True)[0] == "Install…"
    assert remark_of(cards.absent, offline=True).startswith("Offline mode is on")
    assert remark_of(cards.installed, offline=True) == ""


def test_remarks() -> None:
    assert remark_of(cards.failed, offline=False) == "The file ends early."
    assert remark_of(cards.not_here, offline=False) == cards.WHY_NOT
    assert remark_of(cards.without_model, offline=False).endswith("in a format it reads: GGUF.")
    assert remark_of(cards.ready, offline=False) == ""
    assert (
        remark_of(with_environment(cards.installed, notice="It is whole."), offline=False) == "It is whole."
    )


def test_marks_and_versions() -> None:
    assert marks_of(cards.absent) == ("experimental",)
    assert marks_of(cards.not_here) == ("not tried by us",)
    assert marks_of(cards.stopped) == ()
    assert version_of(cards.absent) == "0.32.0"
    assert version_of(cards.outdated) == "0.31.0"
    assert version_of(cards.stopped) == "llama-cpp-python 0.3.36"
    assert version_of(cards.not_here) == ""


def test_facts() -> None:
    here = dict(facts_of(cards.installed))
    assert here["Best for"] == "Local inference"
    assert here["Avoid for"] == "Many people at once"
    assert here["This machine"] == "Runs on the processor."
    assert here["On the disk"] == "2.1 GB"
    assert here["Made by"] == "ggml.ai · MIT"
    assert "Tried" not in here
    elsewhere = dict(facts_of(cards.not_here))
    assert elsewhere["This machine"] == cards.WHY_NOT
    assert elsewhere["Tried"] == "It was not tried."
    planned = dict(facts_of(cards.absent))
    assert planned["Would be installed"] == "0.32.0, for the processor, experimental"
    assert planned["To download"] == "about 604 MB"


def test_a_reader_hears_no_figures_that_change_all_the_time() -> None:
    assert spoken(cards.ready, offline=False) == f"llama.cpp, Ready, {MODEL}."
    assert spoken(cards.installing, offline=False) == "vLLM, experimental, Downloading torch."
    assert spoken(cards.failed, offline=False) == f"llama.cpp, Not running, {MODEL}. The file ends early."


def test_servers_in_words() -> None:
    assert server_state(EngineState.STOPPED)[0] == "Attached"
    assert server_state(EngineState.FAILED) == ("Not reached", "failed", "warning")
    assert server_state(EngineState.BUSY)[0] == "Making a reply"


def test_one_reply_is_a_reply() -> None:
    one = replace(cards.busy, status=replace(cards.busy.status, replies=1))
    assert state_of(one).words == "Making a reply"


def test_a_start_that_is_told_of_before_its_model() -> None:
    card = replace(cards.stopped, status=EngineStatus(EngineState.STARTING))
    assert state_of(card).words == "Starting"


def test_what_nobody_published_can_be_installed_from_a_folder() -> None:
    first, second, _ = offers("unpublished")
    assert (first, second) == ("Install…", ""), "there is nothing to download"
    assert remark_of(cards.unpublished, offline=False) == cards.FROM_FOLDER
    assert remark_of(cards.unpublished, offline=True) == cards.FROM_FOLDER


def test_what_was_installed_for_another_edgewise_is_updated_or_removed() -> None:
    first, second, rest = offers("stale")
    assert (first, second) == ("Update 604 MB…", "")
    assert "Remove…" in rest
    assert "Check its files" not in rest
    assert "with another llama.cpp" in remark_of(cards.stale, offline=False)
