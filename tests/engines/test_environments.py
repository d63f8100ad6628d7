"""The real pins, installed for real: each engine that this machine can run starts from its environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from app.domain.environment import EnvironmentState, InstallPhase, InstallProgress
from app.domain.errors import InstallFailed
from app.domain.generation import Cancellation
from app.engines.environment import Environments
from app.engines.pins import pins
from app.hardware.probe import probe
from tests.engines.environments import installed, nobody_looks

MACHINE = probe(Path())
# What nobody has published is tried from a folder of wheels: test_llama_cpp_vulkan.
FETCHED = [id_ for id_, pin in pins().items() if not any(variant.backend for variant in pin.variants)]
ENGINES = [id_ for id_ in FETCHED if pins()[id_].variant_for(MACHINE) is not None]
OTHERS = [id_ for id_ in FETCHED if id_ not in ENGINES]

pytestmark = [pytest.mark.installed_engines, pytest.mark.timeout(1800)]

REPORT = """
import importlib.metadata, json, sys, torch, transformers
print(json.dumps([sys.prefix, torch.__version__, transformers.__version__, torch.ones(2, 2).sum().item()]))
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_installed_as_pinned_and_whole(engine: str) -> None:
    environment = installed(engine)
    variant = pins()[engine].variant_for(MACHINE)
    assert variant is not None
    assert environment.state is EnvironmentState.READY
    versions = environment.installed_versions()
    assert {name: versions[name] for name in variant.versions} == variant.versions
    assert not set(variant.exclude) & set(versions)
    assert environment.version() == pins()[engine].version_of(variant.versions)
    done = subprocess.run(
        [environment.python(), "-I", "-c", REPORT], capture_output=True, text=True, timeout=600, check=True
    )
    prefix, torch, transformers, four = json.loads(done.stdout.splitlines()[-1])
    assert Path(prefix) == environment.python().parents[1]
    assert (torch, transformers, four) == (versions["torch"], versions["transformers"], 4.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_sizes_told_before_are_about_right(engine: str) -> None:
    variant = pins()[engine].variant_for(MACHINE)
    assert variant is not None
    current = installed(engine).installed()
    assert current is not None
    assert current.size == pytest.approx(variant.on_disk, rel=0.15)


def test_verifying_reads_every_file_and_starts_the_engine() -> None:
    told: list[InstallProgress] = []
    installed("transformers").verify(told.append, Cancellation())
    assert {progress.phase for progress in told} == {InstallPhase.CHECKING}
    assert max(progress.total or 0 for progress in told) > 500_000_000


@pytest.mark.parametrize("engine", OTHERS)
def test_what_cannot_be_installed_here_says_why(engine: str, tmp_path: Path) -> None:
    environment = Environments(tmp_path, lambda: MACHINE).of(engine)
    assert environment.plan() is None
    with pytest.raises(InstallFailed) as refused:
        environment.install(nobody_looks, Cancellation())
    assert refused.value.message == environment.why_not() != ""
    assert environment.state is EnvironmentState.ABSENT
