"""The packages as somebody gets them, on bare systems. Run by `make smoke`, as root on Debian.

Each module tells a story on one system, a step a test: after a step that failed the rest of it is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from build import system_packages
from build.commands import Runner
from tests.smoke import built
from tests.smoke.bare_system import BareSystem
from tests.smoke.screen import Screen

SUITES = ("bookworm", "trixie")
"""Debian 12 with the oldest glibc that is promised, and its successor."""
TOOLS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "qemu-x86_64-static": "qemu-user-static",
}
"""What runs outside of the bare systems, and Debian's packages with it."""
RESULTS = built.DIST / "smoke"
FIGURES = pytest.StashKey[dict[str, dict[str, Any]]]()
FAILED = pytest.StashKey[dict[str, str]]()


def story_of(item: pytest.Item) -> str:
    """The module and the system a step belongs to."""
    parameters = getattr(item, "callspec", None)
    return f"{item.path.name} {parameters.params.get('suite', '') if parameters else ''}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if step := item.config.stash.setdefault(FAILED, {}).get(story_of(item)):
        pytest.skip(f"{step} failed before it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for name, shown in getattr(item, "funcargs", {}).items():
            if isinstance(shown, Screen):
                shown.keep(RESULTS / f"failed-{re.sub('[^a-z_]', '-', item.name)}-{name}.png")
        item.config.stash.setdefault(FAILED, {}).setdefault(story_of(item), item.name)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash.get(FIGURES, {}):
        terminalreporter.section("figures")
        terminalreporter.write_line(json.dumps(figures, indent=2, ensure_ascii=False))


def why_not() -> str | None:
    """What keeps this machine from it, None when nothing does."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "needs root on Linux: it makes small systems of their own"
    release = Path("/etc/os-release")
    if not release.is_file() or "ID=debian" not in release.read_text(encoding="utf-8").splitlines():
        return "needs Debian: its debootstrap and apt make the bare systems"
    if subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"]).returncode != 0:
        return "needs namespaces, which this machine refuses even to root"
    return None


@pytest.fixture(scope="session", autouse=True)
def _machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where it cannot run; where a tool is missing, install it."""
    if reason := why_not():
        pytest.skip(reason)
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        runner = Runner(built.PROJECT, tmp_path_factory.mktemp("tools") / "log", os.environ)
        packages = [TOOLS[name] for name in missing]
        system_packages.provide(runner, "The smoke test needs programs", packages, missing)


@pytest.fixture(scope="session")
def packages(_machine: None) -> built.Packages:
    """The packages, built first if they are missing or older than what they are made of."""
    return built.packages()


@pytest.fixture(scope="module", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """Each of the systems in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """A screen for the first person."""
    with Screen() as shown:
        yield shown


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest, suite: str) -> Iterator[dict[str, Any]]:
    """What was measured on this system; kept in dist/smoke/figures.json and printed at the end."""
    every = request.config.stash.setdefault(FIGURES, {})
    yield every.setdefault(f"{request.path.stem.removeprefix('test_')} on {suite}", {})
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(every, indent=2, ensure_ascii=False)
    (RESULTS / "figures.json").write_text(text + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def system(suite: str) -> Iterator[BareSystem]:
    """The bare system, as it was installed."""
    with BareSystem(suite) as made:
        yield made
