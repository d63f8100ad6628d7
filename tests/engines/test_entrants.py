"""Real engines as they take part in a speed test."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import psutil
import pytest

from app.benchmark.entrant import Needs
from app.domain.attached import AttachedServer, ServerFacts
from app.domain.engine import LoadWishes
from app.domain.errors import Cancelled, EngineGone, EngineMissing, EngineStartFailed, WouldNotFit
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.engines.attached import AttachedServerEngine
from app.hardware.probe import probe
from app.services import loading
from app.services.engine_parts import EngineParts
from app.services.entrants import Around, AttachedEntrant, entrants_for
from app.services.load_record import LoadHistory
from app.services.model_forms import differences
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from tests.processes import is_alive

NEEDS = Needs(context_length=8 * 256, longest_request=256, parallel=8)


@pytest.fixture
def paths(tmp_path):
    made = Paths(
        tmp_path, tmp_path / "models", tmp_path / "logs", tmp_path / "edgewise.db", tmp_path / "s.json"
    )
    made.create()
    return made


@pytest.fixture
def around(paths):
    return Around(paths, EngineParts(paths), lambda: probe(paths.models))


@pytest.fixture
def starter(starter_model):
    return LocalModel(starter_model.stem, starter_model, starter_model.stat().st_size)


@pytest.fixture
def entrant(around, starter):
    (made,) = entrants_for(around, [("llama_cpp", starter, LoadWishes(threads=2))])
    return made


@pytest.fixture
def started(entrant):
    running = entrant.start(NEEDS, Cancellation(), lambda _: None)
    yield running
    running.stop(at_once=True)


def ask(client, tokens, stop=Cancellation()):  # noqa: B008  # never thrown
    request = ChatRequest(
        [ChatMessage(Role.USER, "Tell me of the sea.")],
        SamplingParams(max_tokens=tokens, temperature=0.0),
        ignore_eos=True,
        uncached=True,
    )
    began = time.monotonic()
    times = [(time.monotonic() - began, event) for event in client.stream(request, stop)]
    return began, began + times[0][0], began + times[-1][0], times[-1][1]


def test_eight_at_once(started):
    """With fewer slots the last ones' first tokens would wait for the first ones' last."""
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: ask(started.client, 48), range(8)))
    usages = [last.usage for *_, last in replies if isinstance(last, Finished)]
    assert [usage and usage.completion_tokens for usage in usages] == [48] * 8
    assert max(first for _, first, *_ in replies) < min(end for *_, end, _ in replies)


def test_what_is_told_of_it(started, starter, starter_model, entrant):
    contender, facts = entrant.contender, started.facts
    assert (contender.engine_id, contender.engine, contender.family) == (
        "llama_cpp", "llama.cpp", "SmolLM2 135M Instruct",
    )  # fmt: skip
    assert (contender.precision, contender.model) == ("Q4_1", starter.name)
    assert facts.model_hash == hashlib.sha256(starter_model.read_bytes()).hexdigest()
    assert (facts.model_file, facts.model_bytes) == (starter_model.name, starter.size)
    assert (facts.context_length, facts.request_context, facts.parallel, facts.threads) == (2048, 2048, 8, 2)
    assert "build" in facts.versions["llama.cpp"]
    assert facts.flags[facts.flags.index("--parallel") + 1] == "8"
    assert facts.flags[facts.flags.index("--cache-ram") + 1] == "0"
    assert facts.flags[facts.flags.index("--model") + 1] == starter_model.name
    assert not any(
        started.address.api_key in word or str(starter_model.parent) in word for word in facts.flags
    )
    assert facts.device == probe(starter_model.parent).cpu.model
    assert started.load_s is not None
    assert 0 < started.load_s < 60
    assert started.memory() > 100e6
    assert started.dialect.uncached
    assert started.crashed() is None


def test_no_more_than_it_was_trained_for_in_one_request(entrant):
    running = entrant.start(Needs(16_384, 256, 64), Cancellation(), lambda _: None)
    try:
        assert (running.facts.context_length, running.facts.request_context) == (16_384, 8192)
        assert running.facts.parallel == 64
    finally:
        running.stop()


def test_by_force_it_is_gone_within_a_second(started):
    family = [psutil.Process(started.pid), *psutil.Process(started.pid).children(recursive=True)]

    def reply():
        with suppress(EngineGone):
            ask(started.client, 1000)

    busy = threading.Thread(target=reply)
    busy.start()
    began = time.monotonic()
    started.stop(at_once=True)
    assert time.monotonic() - began < 1.0
    assert [one for one in family if is_alive(one)] == []
    busy.join()
    assert started.crashed() is None, "it was ended"


def test_a_crash_is_told_with_its_log(started):
    psutil.Process(started.pid).children()[0].kill()
    psutil.Process(started.pid).wait(10)
    assert "llama" in (started.crashed() or "")


def test_a_cancel_leaves_nothing(entrant):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        entrant.start(NEEDS, cancellation, lambda _: None)
    late = Cancellation()
    with pytest.raises(Cancelled):
        # Told once the engine is ready, when its facts are found out.
        entrant.start(NEEDS, late, lambda words: late.cancel() if "checksum" in words else None)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_the_ledger_learns_from_a_reply(paths, starter):
    database = Database.open(paths.database)
    try:
        ledger = Ledger(database)
        history = LoadHistory(ledger, paths.bandwidth)
        around = Around(paths, EngineParts(paths), lambda: probe(paths.models), history)
        (entrant,) = entrants_for(around, [("llama_cpp", starter, LoadWishes(threads=2))])
        running = entrant.start(NEEDS, Cancellation(), lambda _: None)
        try:
            *_, last = ask(running.client, 64)
            running.replied(
                GenerationMetrics(ttft_s=0.1, duration_s=1.0, prompt_tokens=9, completion_tokens=64)
            )
        finally:
            running.stop(at_once=True)
        assert isinstance(last, Finished)
        (entry,) = ledger.entries(10)
        assert (entry.engine, entry.context_length) == ("llama_cpp", 2048)
        assert entry.measured_memory == pytest.approx(entry.forecast_memory, rel=0.25)
        assert entry.measured_speed is not None
    finally:
        database.close()


def test_what_does_not_fit_is_not_started(entrant, monkeypatch):
    monkeypatch.setattr(loading, "available_memory", lambda: 50_000_000)
    with pytest.raises(WouldNotFit, match=r"needs about 0\.\d GB, and 0\.\d GB are free"):
        entrant.start(NEEDS, Cancellation(), lambda _: None)


def test_an_attached_server(started):
    key = started.address.api_key
    server = AttachedServer(3, "The cluster", started.address.where, has_key=True)
    seen: list[ServerFacts] = []
    engine = AttachedServerEngine(server, lambda: seen[-1], seen.append, lambda: key, lambda: False)
    entrant = AttachedEntrant(engine, started.address.model)
    running = entrant.start(NEEDS, Cancellation(), lambda _: None)
    assert (entrant.contender.engine, entrant.contender.precision) == ("The cluster", "")
    assert (running.pid, running.load_s, running.memory(), running.crashed()) == (None, None, None, None)
    assert (running.facts.context_length, running.facts.parallel) == (None, None)
    assert running.facts.request_context == 2048
    assert running.address.api_key == key
    *_, last = ask(running.client, 5)
    assert isinstance(last, Finished)
    running.stop(at_once=True)
    assert started.crashed() is None, "it is not ours"


def test_who_cannot_take_part(around, starter, tmp_path):
    with pytest.raises(EngineMissing, match=r"There is no engine “nobody”\. There is: llama_cpp"):
        entrants_for(around, [("nobody", starter, LoadWishes())])
    with pytest.raises(EngineStartFailed, match=r"vLLM does not read GGUF files"):
        entrants_for(around, [("vllm", starter, LoadWishes())])


def test_wishes_decide_the_precision(around, starter):
    wanted = [
        ("transformers", starter, LoadWishes(dtype="float32", threads=3)),
        ("llama_cpp", starter, LoadWishes()),
    ]
    unpacked, stored = entrants_for(around, wanted)
    assert (unpacked.contender.precision, stored.contender.precision) == ("fp32", "Q4_1")
    assert unpacked.contender.family == stored.contender.family
    assert len(differences([unpacked.contender, stored.contender])) == 1
    plain = entrants_for(
        around, [(engine, model, replace(wishes, dtype=None)) for engine, model, wishes in wanted]
    )
    assert plain[0].contender.precision == "bf16"
