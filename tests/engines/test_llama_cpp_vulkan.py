"""llama.cpp's build for Vulkan: installed from its wheel, and computing on Mesa's lavapipe, a processor.

`make gpu-package GPU=vulkan` makes the wheel; Debian's mesa-vulkan-drivers has lavapipe. It is slow, so that
replies are short.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.domain.environment import EnvironmentState
from app.domain.errors import EngineStartFailed, InstallFailed
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
from app.engines.base import LoadOptions
from app.engines.environment import Environment, Environments
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_on_gpu import LlamaCppVulkan
from app.engines.llama_cpp_programs import list_devices
from app.engines.loaded_model import LoadedModel
from app.hardware.devices import parse_devices
from app.hardware.probe import probe
from app.models.footprint import RunOptions, forecast
from app.models.gguf_header import read_header
from tests.engines.environments import nobody_looks

WHEELS = Path(__file__).resolve().parents[2] / "dist" / "wheels"
LAVAPIPE = Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")

pytestmark = [
    pytest.mark.installed_engines,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not any(WHEELS.glob("edgewise_llama_cpp_vulkan-*.whl")),
        reason="no wheel in dist/wheels: make gpu-package GPU=vulkan",
    ),
    pytest.mark.skipif(not LAVAPIPE.is_file(), reason="lavapipe (mesa-vulkan-drivers) is not installed"),
]


@pytest.fixture(scope="module")
def lavapipe():
    """Vulkan knows no other device; ggml takes one that computes on the processor only when it is told to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VK_DRIVER_FILES", str(LAVAPIPE))
        patch.setenv("VK_ICD_FILENAMES", str(LAVAPIPE))
        patch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
        yield patch


@pytest.fixture(scope="module")
def environment(tmp_path_factory, lavapipe) -> Environment:
    root = tmp_path_factory.mktemp("Motoren 家")
    environment = Environments(root, lambda: probe(root)).of("llama_cpp_vulkan")
    environment.install(nobody_looks, Cancellation(), WHEELS)
    return environment


@pytest.fixture(scope="module")
def adapter(environment) -> LlamaCppVulkan:
    return LlamaCppVulkan(environment)


@pytest.fixture(scope="module")
def vulkan(adapter, model, tmp_path_factory):
    logs = tmp_path_factory.mktemp("logs")
    loaded = LoadedModel.load(adapter, model, LoadOptions(512, 2), logs=logs)
    yield loaded
    loaded.stop()


def request(words: str, tokens: int) -> ChatRequest:
    return ChatRequest([ChatMessage(Role.USER, words)], SamplingParams(temperature=0.0, max_tokens=tokens))


def said(loaded: LoadedModel, words: str, tokens: int) -> str:
    *deltas, last = loaded.client.stream(request(words, tokens), Cancellation())
    assert isinstance(last, Finished)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def test_it_is_installed_from_the_folder_and_whole(environment) -> None:
    assert environment.state is EnvironmentState.READY
    assert environment.version() == "0.3.36"
    environment.verify(nobody_looks, Cancellation())


def test_lavapipe_is_found_and_known_to_be_no_gpu(adapter) -> None:
    listed = list_devices(adapter.library())
    assert "Vulkan0: llvmpipe" in listed
    assert parse_devices(listed) == ()


def test_all_layers_lie_on_the_device_and_it_replies(vulkan) -> None:
    log = vulkan.process.read_log()
    assert "offloaded 31/31 layers" in log
    assert "Vulkan0 model buffer size" in log
    assert said(vulkan, "What is the capital of France?", 8).strip()


def test_it_says_about_what_the_built_in_one_says(vulkan, model, tmp_path) -> None:
    """The arithmetic differs in its last bits, so that later tokens may."""
    own = LoadedModel.load(LlamaCpp(), model, LoadOptions(512, 2), logs=tmp_path)
    try:
        words = "What is the capital of France? Answer in one word."
        assert said(vulkan, words, 4) == said(own, words, 4)
    finally:
        own.stop()


def test_a_reply_is_cancelled_at_once(vulkan) -> None:
    cancellation = Cancellation()
    events = vulkan.client.stream(request("Tell me a long story.", 200), cancellation)
    assert isinstance(next(events), TextDelta)
    began = time.monotonic()
    cancellation.cancel()
    *_, last = events
    assert time.monotonic() - began < 2.0
    assert last == Finished(FinishReason.CANCELLED)


def test_its_memory_is_main_memory_and_counted_once(vulkan, model) -> None:
    report = vulkan.report()
    assert (report.gpu_layers, report.gpu_bytes) == (0, 0)
    memory = vulkan.memory(report)
    expected = forecast(read_header(model.path), RunOptions(512)).total
    # The driver's compiled programs are beside the model's.
    assert expected < memory < 3 * expected


def test_without_a_device_it_says_so(adapter, model, lavapipe, tmp_path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GGML_VK_VISIBLE_DEVICES")
        with pytest.raises(EngineStartFailed, match="finds no GPU that it can compute on"):
            LoadedModel.load(adapter, model, LoadOptions(512, 2), logs=tmp_path)


def test_it_is_not_installed_where_it_finds_none(tmp_path, lavapipe) -> None:
    environment = Environments(tmp_path, lambda: probe(tmp_path)).of("llama_cpp_vulkan")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GGML_VK_VISIBLE_DEVICES")
        with pytest.raises(InstallFailed, match="finds no GPU that it can compute on"):
            environment.install(nobody_looks, Cancellation(), WHEELS)
    assert environment.state is EnvironmentState.ABSENT
