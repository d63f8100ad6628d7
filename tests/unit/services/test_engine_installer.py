"""The installer of engines, with the real uv and tiny wheels."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from app.domain.environment import EnvironmentState, InstallTask
from app.engines.environment import Environments
from app.services.engine_installer import OFFLINE, EngineInstaller, find_environments
from app.storage.paths import Paths
from tests.faults.waiting import until
from tests.wheelhouse import ENGINE, only_from, pin, some_machine, write_wheel

PATIENCE_S = 60.0
SLEEPS = "import time; time.sleep(600)"


class Switch:
    """The offline switch."""

    def __init__(self) -> None:
        self.on = False

    def __call__(self) -> bool:
        return self.on


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    write_wheel(folder, "tiny", "1.0")
    only_from(folder, monkeypatch)
    return folder


@pytest.fixture
def offline() -> Switch:
    return Switch()


@pytest.fixture
def make(tmp_path: Path, wheels: Path, offline: Switch):
    """Makes an installer whose only engine is made of the given requirements."""
    made: list[EngineInstaller] = []

    def maker(*requirements: str, on_change=None) -> EngineInstaller:
        environments = Environments(
            tmp_path / "engines", some_machine, {ENGINE: pin(*(requirements or ("tiny==1.0",)))}
        )
        made.append(EngineInstaller(environments, offline, on_change))
        return made[-1]

    yield maker
    for installer in made:
        installer.close()


def test_from_nothing_to_installed_checked_and_removed(make) -> None:
    changes: list[str] = []
    installer: EngineInstaller = make(on_change=lambda: changes.append(installer.status(ENGINE).state.name))
    assert installer.status(ENGINE).plan is None  # nothing was read yet
    installer.refresh()
    status = installer.wait(ENGINE, PATIENCE_S)
    assert status.state is EnvironmentState.ABSENT
    assert status.plan is not None
    assert (status.size, status.log, status.why_not) == (None, "", "")
    installer.install(ENGINE)
    assert installer.status(ENGINE).task is InstallTask.INSTALL
    status = installer.wait(ENGINE, PATIENCE_S)
    assert (status.state, status.task, status.progress) == (EnvironmentState.READY, None, None)
    assert (status.error, status.notice) == ("", "Transformers is installed.")
    assert status.size
    assert Path(status.log).is_file()
    installer.verify(ENGINE)
    assert installer.wait(ENGINE, PATIENCE_S).notice == "Transformers is whole and starts."
    installer.remove(ENGINE)
    status = installer.wait(ENGINE, PATIENCE_S)
    assert status.state is EnvironmentState.ABSENT
    assert "is removed" in status.notice
    assert {"ABSENT", "READY"} <= set(changes)


def test_an_error_is_told_and_forgotten_with_the_next_try(make, wheels: Path) -> None:
    installer = make("tiny==2.0")
    installer.install(ENGINE)
    status = installer.wait(ENGINE, PATIENCE_S)
    assert "has no tiny==2.0" in status.error
    assert "No solution found" in status.detail
    assert status.state is EnvironmentState.ABSENT
    installer.refresh()
    assert installer.wait(ENGINE, PATIENCE_S).error == status.error
    write_wheel(wheels, "tiny", "2.0")
    installer.install(ENGINE)
    assert installer.status(ENGINE).error == ""
    assert installer.wait(ENGINE, PATIENCE_S).state is EnvironmentState.READY


def test_offline_nothing_is_tried_but_a_folder_will_do(make, offline: Switch, wheels: Path) -> None:
    offline.on = True
    installer = make()
    installer.install(ENGINE)
    status = installer.wait(ENGINE, PATIENCE_S)
    assert status.error == OFFLINE
    assert status.log == ""  # uv was never started
    installer.install(ENGINE, wheels)
    assert installer.wait(ENGINE, PATIENCE_S).state is EnvironmentState.READY


def test_switched_offline_meanwhile_it_stops(make, offline: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # an index that never answers
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.delenv("PIP_NO_INDEX")
        installer = make("gone==1.0")
        installer.install(ENGINE)
        silent.settimeout(PATIENCE_S)
        silent.accept()[0].close()
        offline.on = True
        status = installer.wait(ENGINE, PATIENCE_S)
    assert status.error == OFFLINE
    assert status.state is EnvironmentState.ABSENT


def test_cancelling_what_runs_and_what_waits(make, wheels: Path) -> None:
    write_wheel(wheels, "tiny", "9.0", code=SLEEPS)
    installer = make("tiny==9.0")
    installer.install(ENGINE)
    until(lambda: "Starting" in getattr(installer.status(ENGINE).progress, "words", ""))
    installer.install(ENGINE)  # not twice
    installer.cancel(ENGINE)
    status = installer.wait(ENGINE, 10)
    assert (status.task, status.error, status.notice) == (None, "", "It was cancelled.")
    assert status.state is EnvironmentState.ABSENT


def test_closing_ends_what_runs(make, wheels: Path) -> None:
    write_wheel(wheels, "tiny", "9.0", code=SLEEPS)
    installer = make("tiny==9.0")
    installer.install(ENGINE)
    until(lambda: "Starting" in getattr(installer.status(ENGINE).progress, "words", ""))
    installer.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "engine installer"]
    installer.install(ENGINE)  # nothing begins any more
    assert installer.status(ENGINE).task is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_is_seen_and_the_next_order_is_carried_out(make, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = make()
    seen: list[type[BaseException] | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda bug: seen.append(bug.exc_type))
    with monkeypatch.context() as patch:
        patch.setattr("app.engines.environment.Environment.install", lambda *_: 1 / 0)
        installer.install(ENGINE)
        assert installer.wait(ENGINE, PATIENCE_S).task is None
    until(lambda: seen == [ZeroDivisionError])
    installer.install(ENGINE)
    assert installer.wait(ENGINE, PATIENCE_S).state is EnvironmentState.READY


def test_the_environments_of_this_installation(empty_home: Path) -> None:
    environments = find_environments(Paths.find())
    assert environments.of("vllm").log == empty_home / "engines" / "vllm" / "install.log"
