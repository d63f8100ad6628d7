"""Loads of a real engine in the ledger: what was forecast, what was measured, what the next one learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import NotEnoughMemory
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.machine import Bandwidth
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.services.engine_supervisor import EngineSupervisor
from app.services.load_record import LoadHistory
from app.services.loading import LoadWishes, load_model, load_planned, plan_load
from app.services.reply import Reply, ReplyRequest
from app.storage.bandwidth import save_bandwidth
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.ledger import Ledger
from tests.made_models import MADE_MODELS

WISHES = LoadWishes(context_length=2048, threads=1)
ENGINE = LlamaCpp()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Database.open(tmp_path / "a.db") as database:
        yield Ledger(database)


@pytest.fixture
def history(ledger: Ledger, tmp_path: Path) -> LoadHistory:
    save_bandwidth(tmp_path / "bandwidth.json", Bandwidth(20 * 10**9, 30 * 10**9, 1, "?", "2026-11-24"))
    return LoadHistory(ledger, tmp_path / "bandwidth.json")


def ask(loaded: LoadedModel, tokens: int) -> GenerationMetrics:
    request = ChatRequest(
        [ChatMessage(Role.USER, "Tell me a story. " * 40)],
        SamplingParams(temperature=0.0, max_tokens=tokens),
        ignore_eos=True,
    )
    *_, last = loaded.client.stream(request, Cancellation())
    assert isinstance(last, Finished)
    return GenerationMetrics.measured(ttft_s=0.1, duration_s=1.0, usage=last.usage, timings=last.timings)


def test_a_load_is_written_down_and_the_next_one_learns_from_it(
    history: LoadHistory, ledger: Ledger, model: LocalModel, tmp_path: Path
) -> None:
    plan = plan_load(model, WISHES, engine=ENGINE.id, experience=history.experience())
    loaded = load_planned(ENGINE, model, plan, logs=tmp_path / "logs")
    try:
        record = history.begin(plan, loaded)
        (ready,) = ledger_after(ledger)
        assert ready.measured_memory is not None
        assert ready.measured_speed is None
        record.replied(ask(loaded, 48))
        record.replied(ask(loaded, 2))
    finally:
        loaded.stop()
    (entry,) = ledger.entries()
    expected = replace(
        plan.expected,
        id=entry.id,
        measured_memory=entry.measured_memory,
        measured_speed=entry.measured_speed,
    )
    assert entry == expected
    assert entry.measured_memory is not None
    assert entry.measured_memory > ready.measured_memory, "buffers are taken when they are first written to"
    assert entry.memory_error == pytest.approx(0.0, abs=0.08)
    assert entry.raw_speed is not None
    assert entry.measured_speed is not None
    assert 0.0 < entry.measured_speed < entry.raw_speed

    again = plan_load(model, WISHES, engine=ENGINE.id, experience=history.experience()).expected
    assert again.raw_memory == entry.raw_memory
    assert again.forecast_memory >= entry.measured_memory
    assert again.forecast_speed is not None
    assert entry.forecast_speed is not None
    off, off_before = (
        abs(it / entry.measured_speed - 1) for it in (again.forecast_speed, entry.forecast_speed)
    )
    assert off <= off_before


def ledger_after(ledger: Ledger) -> list:
    """The entries once all that was asked for is written."""
    ledger.set_speed(-1, 0.0).result()
    return ledger.entries()


@pytest.mark.parametrize("kind", ["Q4_K", "Q8_0"])
def test_weights_that_are_laid_out_anew_count_once(
    kind: str, history: LoadHistory, ledger: Ledger, tmp_path: Path
) -> None:
    made = MADE_MODELS["qwen2_0_5b"]().with_small_vocabulary()
    made.tensors = [
        (name, shape, kind if of == "Q8_0" and shape[0] % 256 == 0 else of)
        for name, shape, of in made.tensors
    ]
    path = made.write(tmp_path / "made.gguf")
    model = LocalModel("made", path, path.stat().st_size)
    plan = plan_load(model, WISHES, engine=ENGINE.id)
    loaded = load_planned(ENGINE, model, plan, logs=tmp_path / "logs")
    try:
        history.begin(plan, loaded)
    finally:
        loaded.stop()
    (entry,) = ledger_after(ledger)
    assert entry.measured_memory is not None
    # No reply was made: the intermediate results are missing.
    assert 0.8 < entry.measured_memory / entry.forecast_memory < 1.03


def test_a_chat_writes_its_load_and_its_speed_down(
    history: LoadHistory, ledger: Ledger, model: LocalModel, tmp_path: Path, qapp: object
) -> None:
    supervisor = EngineSupervisor(
        lambda: (ENGINE,), lambda _: model, lambda _: WISHES, tmp_path / "logs", history=history
    )
    try:
        with Database.open(tmp_path / "chats.db") as database:
            store = Conversations(database)
            chat = store.create().result().id
            question = store.append(chat, Role.USER, "Count to a hundred.", parent_id=None).result()
            request = ReplyRequest(
                chat, [question], "", SamplingParams(temperature=0.0, max_tokens=48), None, ENGINE.id
            )
            reply = Reply(request, store, supervisor, lambda: None)
            reply.start()
            reply.join()
    finally:
        supervisor.shut_down()
    (entry,) = ledger_after(ledger)
    assert (entry.model, entry.context_length, entry.threads) == (model.name, 2048, 1)
    assert entry.memory_error == pytest.approx(0.0, abs=0.1)
    assert entry.measured_speed is not None


def test_a_want_of_memory_is_told_with_figures(model: LocalModel, tmp_path: Path) -> None:
    with pytest.raises(NotEnoughMemory) as caught:
        load_model(ENGINE, model, LoadWishes(context_length=8_000_000, threads=1), logs=tmp_path)
    assert "there is not enough memory" in caught.value.message
    assert "It needs about 1" in caught.value.message
    assert "GB at a context of 8,000,000 tokens; " in caught.value.message
    assert caught.value.message.endswith(" GB were free.")
    assert "failed to allocate" in caught.value.detail


def test_an_engine_that_is_gone_takes_no_memory(
    history: LoadHistory, ledger: Ledger, model: LocalModel, tmp_path: Path
) -> None:
    plan = plan_load(model, WISHES, engine=ENGINE.id)
    loaded = load_planned(ENGINE, model, plan, logs=tmp_path / "logs")
    loaded.stop()
    record = history.begin(plan, loaded)
    record.replied(GenerationMetrics(None, 1.0))
    (entry,) = ledger_after(ledger)
    assert (entry.measured_memory, entry.measured_speed) == (None, None)
