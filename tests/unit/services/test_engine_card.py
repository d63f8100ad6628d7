"""Where an engine stands, from its environment and its process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.engine import EngineState, EngineStatus, Fitness
from app.domain.environment import EnvironmentState
from app.services.engine_card import Standing
from tests.gui.engines import cards
from tests.gui.engines.cards import with_environment


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("stopped", Standing.STOPPED),
        ("starting", Standing.STARTING),
        ("ready", Standing.READY),
        ("busy", Standing.BUSY),
        ("failed", Standing.FAILED),
        ("looking", Standing.LOOKING),
        ("absent", Standing.ABSENT),
        ("partial", Standing.PARTIAL),
        ("installing", Standing.INSTALLING),
        ("checking", Standing.CHECKING),
        ("removing", Standing.REMOVING),
        ("not_installed", Standing.INSTALL_FAILED),
        ("not_here", Standing.NOT_HERE),
        ("installed", Standing.STOPPED),
        ("outdated", Standing.STOPPED),
        ("damaged", Standing.STOPPED),
    ],
)
def test_every_state(name, standing) -> None:
    assert getattr(cards, name).standing is standing


def test_what_is_done_to_the_environment_comes_before_the_process() -> None:
    ready = EngineStatus(EngineState.READY, "smol")
    assert replace(cards.checking, status=ready).standing is Standing.CHECKING
    assert replace(cards.outdated, status=ready).standing is Standing.READY


def test_a_machine_that_cannot_run_it_but_could_install_it() -> None:
    assert replace(cards.absent, fitness=Fitness(False, "No AVX2.")).standing is Standing.NOT_HERE
    # Fitness may be wrong: what is installed may be started.
    assert replace(cards.installed, fitness=Fitness(False, "No AVX2.")).standing is Standing.STOPPED


def test_the_last_problem() -> None:
    assert cards.failed.problem == "The file ends early."
    assert cards.damaged.problem == "vLLM is damaged: a.py. Install it again."
    assert cards.ready.problem == ""
    again = with_environment(cards.installing, error="It failed before.")
    assert again.problem == ""  # it is being tried again


def test_what_is_installed() -> None:
    assert cards.stopped.is_installed
    assert cards.outdated.is_installed
    assert not cards.absent.is_installed
    assert not with_environment(cards.installed, state=EnvironmentState.PARTIAL).is_installed
