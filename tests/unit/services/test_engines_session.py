"""The engines page's session: real uv with tiny wheels, and the real llama-server with the starter model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.domain.engine import EngineState, LoadWishes
from app.domain.environment import EnvironmentState
from app.engines.environment import Environments
from app.engines.pins import pins
from app.services.background import Background
from app.services.engine_card import Planned, Standing
from app.services.engine_parts import EngineParts
from app.services.engine_supervisor import EngineSupervisor
from app.services.engines_session import EnginesSession
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.storage.settings import Settings
from tests.wheelhouse import ENGINE, only_from, pin, some_machine, write_wheel

PATIENCE_MS = 60_000


@pytest.fixture
def room(qapp, edgewise_home, monkeypatch, tmp_path) -> Iterator[SimpleNamespace]:
    """A session for which Transformers is made of a tiny package, with all that is around it."""
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "tiny", "1.0")
    only_from(wheels, monkeypatch)
    paths = Paths.find()
    paths.create()
    made = SimpleNamespace(wheels=wheels, settings=Settings(), paths=paths)
    made.parts = EngineParts(paths)
    made.parts._environments = Environments(
        tmp_path / "engines", some_machine, pins() | {ENGINE: pin("tiny==1.0", check=("tiny",))}
    )
    library = ModelLibrary(paths)
    made.supervisor = EngineSupervisor(
        made.parts.adapters,
        find_model=lambda name: library.choose(name, None),
        wishes=lambda engine: made.settings.wishes_for(engine),
        logs=paths.logs,
        installed=made.parts.is_installed,
    )
    background = Background()
    made.session = EnginesSession(
        paths, made.parts, made.supervisor, library, background, lambda: made.settings
    )
    made.session.settings_changed.connect(lambda settings: setattr(made, "settings", settings))
    yield made
    made.session.close()
    made.supervisor.shut_down()
    background.finish()


@pytest.fixture
def session(room) -> EnginesSession:
    return room.session


def standing(session: EnginesSession, engine: str) -> Standing | None:
    return next((card.standing for card in session.cards if card.id == engine), None)


def until(qtbot, session: EnginesSession, engine: str, wanted: Standing) -> None:
    qtbot.waitUntil(lambda: standing(session, engine) is wanted, timeout=PATIENCE_MS)


def looked(qtbot, session: EnginesSession) -> None:
    session.look()
    until(qtbot, session, ENGINE, Standing.ABSENT)


def test_what_there_is(session, qtbot) -> None:
    assert session.cards == ()
    looked(qtbot, session)
    assert [card.id for card in session.cards] == [
        "llama_cpp",
        "llama_cpp_cuda",
        "llama_cpp_vulkan",
        "transformers",
        "vllm",
        "sglang",
        "tensorrt_llm",
    ]
    llama = session.card("llama_cpp")
    assert llama.fitness is not None
    assert llama.fitness.can_run
    assert llama.models == ("SmolLM2-135M-Instruct.Q4_1",)
    assert llama.formats == "GGUF"
    assert llama.version.startswith("llama-cpp-python ")


def test_installed_checked_and_removed(room, session, qtbot) -> None:
    looked(qtbot, session)
    with qtbot.waitSignal(session.installed_changed, timeout=PATIENCE_MS):
        session.install(ENGINE, room.wheels)
    until(qtbot, session, ENGINE, Standing.STOPPED)
    card = session.card(ENGINE)
    assert card.environment is not None
    assert card.environment.notice == "Transformers is installed."
    session.verify(ENGINE)
    qtbot.waitUntil(lambda: "is whole" in session.card(ENGINE).environment.notice, timeout=PATIENCE_MS)
    with qtbot.waitSignal(session.log_read) as read:
        session.read_install_log(ENGINE)
    assert "tiny" in read.args[1]


def test_offline_nothing_is_fetched(room, session, qtbot) -> None:
    room.settings = Settings(offline=True)
    looked(qtbot, session)
    session.install(ENGINE)
    until(qtbot, session, ENGINE, Standing.INSTALL_FAILED)
    assert session.card(ENGINE).problem.startswith("Offline mode is on")
    session.install(ENGINE, room.wheels)  # from a folder it can be
    until(qtbot, session, ENGINE, Standing.STOPPED)


def test_an_installation_that_is_cancelled(room, session, qtbot) -> None:
    write_wheel(room.wheels, "tiny", "1.0", code="import time; time.sleep(600)")
    looked(qtbot, session)
    session.install(ENGINE, room.wheels)
    until(qtbot, session, ENGINE, Standing.INSTALLING)
    session.cancel_install(ENGINE)
    qtbot.waitUntil(lambda: standing(session, ENGINE) in (Standing.ABSENT, Standing.PARTIAL))


def test_started_measured_and_stopped(session, qtbot) -> None:
    looked(qtbot, session)
    session.watch(True)
    session.start("llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.READY)
    assert session.card("llama_cpp").status.context_length == 8192
    qtbot.waitUntil(lambda: (session.card("llama_cpp").status.memory or 0) > 100_000_000)
    session.watch(False)
    with qtbot.waitSignal(session.log_read) as read:
        session.read_log("llama_cpp")
    assert read.args[0] == ""
    assert "llama" in read.args[1]
    session.stop("llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.STOPPED)


def test_a_look_does_not_undo_what_was_heard_meanwhile(room, session, qtbot) -> None:
    looked(qtbot, session)
    session.start("llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.READY)
    stale = replace(session.card("llama_cpp").status, state=EngineState.STOPPED)
    session._looked((session._facts, [stale]))
    assert standing(session, "llama_cpp") is Standing.READY


def test_what_a_start_would_do_follows_the_wishes(room, session, qtbot) -> None:
    looked(qtbot, session)
    with qtbot.waitSignal(session.planned) as planned:
        session.open("llama_cpp")
    engine, plan = planned.args
    assert engine == "llama_cpp"
    assert isinstance(plan, Planned)
    assert plan.context_length == 8192
    assert 50_000_000 < plan.memory < plan.free
    with qtbot.waitSignal(session.planned) as planned:
        session.set_wishes("llama_cpp", LoadWishes(context_length=2048))
    assert planned.args[1].context_length == 2048
    assert room.settings.loading == {"llama_cpp": LoadWishes(context_length=2048)}
    assert session.card("llama_cpp").wishes == LoadWishes(context_length=2048)
    session.set_wishes("llama_cpp", LoadWishes())
    assert room.settings.loading == {}


def test_the_model_that_a_start_loads(room, session, qtbot) -> None:
    first = room.paths.models / "SmolLM2-135M-Instruct.Q4_1.gguf"
    (room.paths.models / "another.gguf").hardlink_to(first)
    looked(qtbot, session)
    assert session.card("llama_cpp").models == ("another", "SmolLM2-135M-Instruct.Q4_1")
    room.settings = Settings(model="SmolLM2-135M-Instruct.Q4_1")
    session.look()
    qtbot.waitUntil(lambda: session.card("llama_cpp").models[0] != "another")
    session.choose_model("llama_cpp", "another")
    assert session.card("llama_cpp").models[0] == "another"
    session.start("llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.READY)
    assert session.card("llama_cpp").status.model == "another"


def test_a_start_that_fails_is_tried_again_with_its_model(room, session, qtbot) -> None:
    broken = room.paths.models / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    looked(qtbot, session)
    room.supervisor.load("broken", "llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.FAILED)
    assert session.card("llama_cpp").problem
    broken.unlink()
    broken.hardlink_to(room.paths.models / "SmolLM2-135M-Instruct.Q4_1.gguf")
    session.start("llama_cpp")
    until(qtbot, session, "llama_cpp", Standing.READY)
    assert session.card("llama_cpp").status.model == "broken"


def test_idle_minutes_are_a_setting(room, session) -> None:
    session.set_idle_minutes(None)
    assert room.settings.idle_minutes is None


def test_a_folder_that_does_not_hold_the_wheels(room, session, qtbot, tmp_path) -> None:
    looked(qtbot, session)
    empty = Path(tmp_path / "empty")
    empty.mkdir()
    session.install(ENGINE, empty)
    until(qtbot, session, ENGINE, Standing.INSTALL_FAILED)
    assert session.card(ENGINE).problem.endswith(".")
    assert session.card(ENGINE).environment.state is not EnvironmentState.READY
