"""What is vLLM's own: it has processes beside the one that answers, says by a metric what it computes, and is
slow to start. What it has in common with the others is in test_replies.py and test_lives.py."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.domain.errors import EngineGone, EngineStartFailed, NotEnoughMemory
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    Role,
    SamplingParams,
    TextDelta,
)
from app.engines.isolation import cache_folder
from app.engines.loaded_model import LoadedModel
from tests.engines.real_engines import ENGINES, environment
from tests.gpu.core import running, wait_until
from tests.gpu.load import measure
from tests.processes import is_alive

pytestmark = [
    pytest.mark.installed_engines,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(sys.platform != "linux", reason="vLLM is for Linux"),
]
END_S = 10.0
STORY = ChatRequest(
    [ChatMessage(Role.USER, "Tell a very long story.")],
    SamplingParams(temperature=0.0, max_tokens=400),
    ignore_eos=True,
)


@pytest.fixture(scope="module")
def vllm(starter_model):
    """The adapter, the model as safetensors, the options."""
    return ENGINES["vllm"](starter_model)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What was said while the server started."""
    return []


@pytest.fixture(scope="module")
def before():
    """What lay in shared memory and in the home folder before it started."""
    return shared_memory(), home_files()


@pytest.fixture(scope="module")
def loaded(vllm, told, before, tmp_path_factory):
    """One server for all tests here; the last one ends it."""

    def tell(process):
        told.append(vllm.adapter.start_progress(process.read_log()))

    logs = tmp_path_factory.mktemp("Protokolle 家")
    began = time.monotonic()
    loaded = LoadedModel.load(vllm.adapter, vllm.model, vllm.options, logs=logs, on_wait=tell)
    print(f"ready after {time.monotonic() - began:.1f} s")
    yield loaded
    loaded.stop()


def shared_memory() -> set[str]:
    return {str(path) for path in Path("/dev/shm").iterdir()}


def home_files() -> set[Path]:
    return set(Path.home().rglob("*"))


def family(loaded):
    root = psutil.Process(loaded.process.pid)
    return [root, *root.children(recursive=True)]


def all_end(processes):
    psutil.wait_procs(processes, timeout=END_S)
    return [process for process in processes if is_alive(process)] == []


def begun(loaded, cancellation):
    """A reply that has begun."""
    events = loaded.client.stream(STORY, cancellation)
    for _ in range(3):
        assert isinstance(next(events), TextDelta)
    return events


def test_a_start_says_what_it_is_at(loaded, told):
    assert told[0] == "importing"
    # Small weights load between two looks: what each line of the log would have had it say.
    lines = loaded.process.read_log().splitlines(keepends=True)
    logs = ("".join(lines[:count]) for count in range(len(lines)))
    said = list(dict.fromkeys(loaded.adapter.start_progress(log) for log in logs))
    print(said)
    assert any(words.startswith("loading the weights") for words in said)
    assert not any("compil" in words for words in said), "on a processor that costs more than it brings"


def test_its_caches_are_its_environments(loaded, before):
    assert home_files() <= before[1]
    assert cache_folder(environment("vllm").python()).is_dir()


def test_a_cancel_frees_the_engine(loaded):
    took = []
    for _ in range(3):
        cancellation = Cancellation()
        events = begun(loaded, cancellation)
        assert running(loaded) == 1
        began = time.monotonic()
        cancellation.cancel()
        assert list(events)[-1] == Finished(FinishReason.CANCELLED)
        client_s = time.monotonic() - began
        wait_until(lambda: running(loaded) == 0, END_S)
        took.append(time.monotonic() - began)
        assert client_s < 0.2
    print("cancelled, and nothing computed any more, after", took)
    assert sorted(took)[1] < 2.0, "a step of eight replies takes a tenth of a second on two cores"


def test_eight_at_once_are_batched(loaded):
    alone, together = measure(loaded, 1), measure(loaded, 8)
    print(alone, together)
    assert together.tokens_per_second > 3 * alone.tokens_per_second


def test_more_context_than_the_model_was_made_for(vllm, tmp_path):
    options = dataclasses.replace(vllm.options, context_length=99_999)
    with pytest.raises(EngineStartFailed, match="was made for 8192 tokens of context, not for 99999"):
        LoadedModel.load(vllm.adapter, vllm.model, options, logs=tmp_path)


def test_a_pool_that_holds_no_context(vllm, tmp_path):
    options = dataclasses.replace(vllm.options, kv_cache_bytes=8 << 20)
    with pytest.raises(NotEnoughMemory, match=r"a context of 512 tokens needs .* GiB for the KV cache"):
        LoadedModel.load(vllm.adapter, vllm.model, options, logs=tmp_path)


APP = """
import sys, threading
from pathlib import Path
from app.engines.loaded_model import LoadedModel
from tests.engines.real_engines import ENGINES
vllm = ENGINES["vllm"](Path(sys.argv[1]))
loaded = LoadedModel.load(vllm.adapter, vllm.model, vllm.options, logs=Path(sys.argv[2]))
print(loaded.process.pid, flush=True)
threading.Event().wait()
"""


def test_an_app_that_is_killed_leaves_nothing(vllm, starter_model, tmp_path):
    shared = shared_memory()
    with subprocess.Popen(
        [sys.executable, "-c", APP, starter_model, tmp_path], stdout=subprocess.PIPE, text=True
    ) as app:
        assert app.stdout is not None
        guard = psutil.Process(int(app.stdout.readline()))
        everybody = [guard, *guard.children(recursive=True)]
        assert len(everybody) > 3, "vLLM has processes of its own"
        app.kill()
    assert all_end(everybody)
    assert shared_memory() <= shared


def test_a_guard_that_is_killed_leaves_nothing(loaded, before):
    """Last: it ends the server of this file."""
    everybody = family(loaded)
    events = begun(loaded, Cancellation())
    os.kill(loaded.process.pid, signal.SIGKILL)
    with pytest.raises(EngineGone):
        list(events)
    loaded.stop()
    assert all_end(everybody)
    assert shared_memory() <= before[0]
