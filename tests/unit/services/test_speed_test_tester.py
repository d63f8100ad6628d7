"""What this machine has to test, and who takes part; with the real starter model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.engine import EngineState, EngineStatus, LoadWishes
from app.domain.errors import EngineMissing
from app.services.attached_servers import AttachedServers
from app.services.engine_parts import EngineParts
from app.services.load_record import LoadHistory
from app.services.model_library import ModelLibrary
from app.services.speed_test_offer import Pick
from app.services.speed_test_tester import LocalTester
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings
from app.storage.speed_tests import SpeedTests
from tests.unit.services.test_attached_servers import Server, wanted

NAME = "SmolLM2-135M-Instruct.Q4_1"


class Supervisor:
    def __init__(self) -> None:
        self.now: list[EngineStatus] = []
        self.unloaded: list[str] = []

    def statuses(self) -> tuple[EngineStatus, ...]:
        return tuple(self.now)

    def unload(self, engine: str) -> None:
        self.unloaded.append(engine)


@pytest.fixture
def around(edgewise_home, tmp_path):
    paths = Paths.find()
    paths.create()
    with Database.open(tmp_path / "db.sqlite") as database:
        yield SimpleNamespace(
            paths=paths,
            supervisor=Supervisor(),
            servers=AttachedServers(paths, lambda: False),
            store=SpeedTests(database),
            history=LoadHistory(Ledger(database), paths.bandwidth),
            settings=Settings(),
        )


@pytest.fixture
def tester(around) -> LocalTester:
    supervisor: Any = around.supervisor
    return LocalTester(
        around.paths,
        around.store,
        EngineParts(around.paths),
        ModelLibrary(around.paths),
        supervisor,
        around.servers,
        around.history,
        lambda: around.settings,
    )


def test_without_models_there_is_nothing(empty_home, tester) -> None:
    (empty_home / "models" / f"{NAME}.gguf").unlink()
    assert tester.offer().families == ()


def test_engines_that_are_here_and_those_that_are_not(tester) -> None:
    (family,) = tester.offer().families
    assert family.name == "SmolLM2 135M Instruct"
    engines = {engine.id: engine for engine in family.engines}
    assert [form.name for form in engines["llama_cpp"].forms] == ["Q4_1"]
    assert family.usable == (engines["llama_cpp"],)
    assert not engines["transformers"].is_installed
    assert engines["transformers"].why_not == "It is not installed."
    assert engines["vllm"].why_not == "It reads safetensors; there is no such form of this model here."


def test_the_model_used_last_is_proposed(tester, around) -> None:
    assert tester.offer().proposed == ""
    around.settings = Settings(model=NAME)
    assert tester.offer().proposed == "SmolLM2 135M Instruct"


def test_what_is_loaded_is_told_and_unloaded(tester, around) -> None:
    around.supervisor.now = [
        EngineStatus(EngineState.READY, NAME, "llama.cpp", engine_id="llama_cpp"),
        EngineStatus(EngineState.STOPPED, engine="vLLM", engine_id="vllm"),
        EngineStatus(EngineState.READY, "a", "Box", engine_id="attached:1"),
    ]
    assert tester.offer().loaded == ("SmolLM2 135M Instruct in llama.cpp",)
    tester.unload_all()
    assert around.supervisor.unloaded == ["llama_cpp"]


def test_attached_servers_take_part_with_their_models(tester, around) -> None:
    server = Server()
    server.models = ["other", "team/smollm2-135m-instruct"]
    with server:
        asked = wanted(server, name="Box")
        around.servers.attach(asked, around.servers.look(asked))
        (family,) = tester.offer().families
        box = family.engines[-1]
        assert (box.name, box.is_attached) == ("Box", True)
        assert box.forms[box.best].name == "team/smollm2-135m-instruct"
        (entrant,) = tester.entrants([Pick(box, box.forms[0])])
        assert entrant.contender.model == "other"
        assert any("Box" in said for said in tester.differences([Pick(box, box.forms[0])]))


def test_who_takes_part_is_set_up_as_a_person_wished(tester, around) -> None:
    around.settings = Settings(loading={"llama_cpp": LoadWishes(context_length=512, threads=1, parallel=3)})
    (family,) = tester.offer().families
    engine = family.engines[0]
    (entrant,) = tester.entrants([Pick(engine, engine.forms[0])])
    assert entrant.contender == engine.forms[0].contender
    wishes = entrant._wishes
    assert (wishes.threads, wishes.context_length, wishes.parallel) == (1, None, None)


def test_an_engine_that_has_gone_meanwhile(tester) -> None:
    (family,) = tester.offer().families
    form = family.engines[0].forms[0]
    gone = next(engine for engine in family.engines if not engine.is_installed)
    with pytest.raises(EngineMissing, match="is not there any more"):
        tester.entrants([Pick(gone, form)])
