"""The real engines in their environments, installed once for all tests, kept in .cache for the next run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from app.domain.environment import EnvironmentState, InstallProgress
from app.domain.generation import Cancellation
from app.engines.environment import Environment, Environments
from app.hardware.probe import probe

ROOT = Path(__file__).resolve().parents[2] / ".cache" / "engines"


def nobody_looks(progress: InstallProgress) -> None:
    """Takes the progress of an installation that nobody watches."""
    del progress


@cache
def environments() -> Environments:
    """The environments that tests share. Never remove one of them."""
    return Environments(ROOT, cache(lambda: probe(ROOT)))


@cache
def installed(engine: str) -> Environment:
    """The environment of `engine`, installed if it is not there as this version pins it."""
    environment = environments().of(engine)
    if environment.state is not EnvironmentState.READY:
        environment.install(nobody_looks, Cancellation())
    return environment
