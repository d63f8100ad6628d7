"""What the one button does: step by step, with stops and failures, and going on."""

from __future__ import annotations

import pytest

from app.advisor.guide_answer import ModelSuggestion, Step, StepKind
from app.domain.download import DownloadState
from app.domain.engine import EngineState, EngineStatus
from app.domain.environment import EnvironmentState, EnvironmentStatus, InstallProgress, InstallTask
from app.domain.environment import InstallPhase as Phase
from app.domain.errors import HubUnreachable
from app.domain.hub import Format
from app.services.advice_follower import Stage

MODEL = ModelSuggestion("a", "A model", "Q4_K_M", Format.GGUF, "owner/repository", 1, 100, None, "Runs well")
INSTALL = Step(StepKind.INSTALL, "Install it.", "transformers")
DOWNLOAD = Step(StepKind.DOWNLOAD, "Download it.", "transformers", MODEL)
START = Step(StepKind.START, "Start it.", "transformers", MODEL)
CHAT = Step(StepKind.CHAT, "Open a chat with it.", "transformers", MODEL)
ALL = (INSTALL, DOWNLOAD, START, CHAT)


def stages(follower) -> list[Stage]:
    return [it.stage for it in follower.steps]


@pytest.fixture
def installing(follower, hands, qtbot):
    follower.set_steps(ALL)
    follower.follow()
    qtbot.waitUntil(lambda: "install transformers" in hands.done)
    return follower


def installed(hands) -> None:
    hands.environment = EnvironmentStatus("transformers", EnvironmentState.READY)


def downloading(follower, hands, qtbot) -> None:
    installed(hands)
    qtbot.waitUntil(lambda: "download A model · Q4_K_M" in hands.done)
    qtbot.waitUntil(lambda: follower.steps[1].share == 0.1)


def test_all_of_it(installing, hands, qtbot) -> None:
    hands.environment = EnvironmentStatus(
        "transformers",
        EnvironmentState.ABSENT,
        task=InstallTask.INSTALL,
        progress=InstallProgress(Phase.DOWNLOADING, "Downloading torch", 50, 100),
    )
    qtbot.waitUntil(lambda: installing.steps[0].share == 0.5)
    assert installing.steps[0].words == "Downloading torch"
    downloading(installing, hands, qtbot)
    with qtbot.waitSignals([installing.chat_requested, installing.ended]):
        hands.tell(DownloadState.DONE, 100)
    assert stages(installing) == [Stage.DONE] * 4
    assert hands.done[-1] == "load A model in transformers"
    assert not installing.is_running


def test_stopped_and_gone_on_with(installing, hands, qtbot) -> None:
    downloading(installing, hands, qtbot)
    installing.stop()
    assert hands.done[-1] == "pause 7"
    assert stages(installing) == [Stage.DONE, Stage.STOPPED, Stage.WAITING, Stage.WAITING]
    installing.follow()
    qtbot.waitUntil(lambda: installing.steps[1].share == 0.1)
    assert hands.done.count("install transformers") == 1


def test_an_installation_that_is_stopped(installing, hands) -> None:
    installing.stop()
    assert hands.done[-1] == "cancel transformers"
    assert stages(installing)[0] is Stage.STOPPED


def test_an_installation_that_fails(installing, hands, qtbot) -> None:
    qtbot.waitUntil(lambda: installing._has_begun)
    hands.environment = EnvironmentStatus(
        "transformers", EnvironmentState.PARTIAL, error="The disk is full.", detail="ENOSPC"
    )
    qtbot.waitUntil(lambda: installing.steps[0].stage is Stage.FAILED)
    assert (installing.steps[0].problem, installing.steps[0].log) == ("The disk is full.", "ENOSPC")


def test_a_hub_that_does_not_answer(follower, hands, qtbot) -> None:
    hands.error = HubUnreachable("The hub cannot be reached.")
    follower.set_steps((DOWNLOAD, START, CHAT))
    follower.follow()
    qtbot.waitUntil(lambda: follower.steps[0].stage is Stage.FAILED)
    hands.error = None
    follower.follow()
    qtbot.waitUntil(lambda: follower.steps[0].share == 0.1)


@pytest.mark.parametrize("state", [DownloadState.FAILED, DownloadState.PAUSED])
def test_what_the_models_page_does_is_followed(follower, hands, state, qtbot) -> None:
    follower.set_steps((DOWNLOAD, START, CHAT))
    follower.follow()
    qtbot.waitUntil(lambda: follower.steps[0].share == 0.1)
    hands.tell(state, 10, "It failed." if state is DownloadState.FAILED else "")
    assert follower.steps[0].stage is (Stage.FAILED if state is DownloadState.FAILED else Stage.STOPPED)


def test_a_start_that_fails_says_why(follower, hands, qtbot) -> None:
    hands.loads = EngineState.STARTING
    follower.set_steps((START, CHAT))
    follower.follow()
    qtbot.waitUntil(lambda: "load A model in transformers" in hands.done)
    qtbot.waitUntil(lambda: follower._model is not None)
    hands.status_changed.emit(
        EngineStatus(
            EngineState.FAILED, model="A model", engine_id="transformers", error="Too big.", log="bad_alloc"
        )
    )
    assert (follower.steps[0].problem, follower.steps[0].log) == ("Too big.", "bad_alloc")
    assert not follower.is_running


def test_what_is_blocked_is_not_begun(follower, hands) -> None:
    blocked = Step(StepKind.DOWNLOAD, "Download it.", "llama_cpp", MODEL, blocked="Offline mode is on.")
    follower.set_steps((blocked, START))
    follower.follow()
    assert follower.steps[0].problem == "Offline mode is on."
    assert not hands.done


def test_what_a_person_does_is_left_to_them(follower, hands, qtbot) -> None:
    library = Step(StepKind.LIBRARY, "Install LangChain.", "vllm")
    follower.set_steps((CHAT, library))
    with qtbot.waitSignal(follower.chat_requested) as heard:
        follower.follow()
    assert heard.args == ["A model", "transformers"]
    assert stages(follower) == [Stage.DONE, Stage.BY_HAND]


def test_a_server_that_is_attached_is_chatted_with(follower, qtbot) -> None:
    follower.set_steps((Step(StepKind.CHAT, "Open a chat with it.", "vllm", None, server="attached:3"),))
    with qtbot.waitSignal(follower.chat_requested) as heard:
        follower.follow()
    assert heard.args == [None, "attached:3"]


def test_looked_at_again_what_arrived_is_done(follower) -> None:
    follower.set_steps((DOWNLOAD, START))
    here = Step(StepKind.DOWNLOAD, "It is in the library.", "transformers", MODEL, done=True)
    follower.set_steps((here, START))
    assert stages(follower) == [Stage.DONE, Stage.WAITING]
