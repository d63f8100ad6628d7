from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import EngineMissing
from app.domain.hub import Format
from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.tensorrt_llm import TensorRtLlm
from tests.unit.engines.recorded_help import unknown

MODEL = LocalModel("Zoë, 家", Path("/models/Zoë, 家"), 1 << 30, format=Format.SAFETENSORS)
CPU = Cpu("A processor", "x86_64", 4, 8, 4)
H100 = Gpu("NVIDIA H100", 80 << 30, 79 << 30, "580.95", "9.0", cuda_version="13.0")
SERVER = Machine("Linux 6.8", CPU, Memory(32 << 30, 20 << 30), Disk("/", 1 << 40, 1 << 39), (H100,))


def launch():
    return TensorRtLlm().launch(MODEL, LoadOptions(4096, 3, tensor_parallel=2), port=5000, api_key="secret")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    program = tmp_path / "trtllm-serve"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_its_source_knows_every_option(installed):
    assert unknown(launch().argv, "tensorrt-llm-serve") == []


def test_the_command_line(installed):
    argv = launch().argv
    assert argv[:2] == (str(installed), str(MODEL.path))
    assert argv[argv.index("--host") + 1] == "127.0.0.1", "it knows no key"
    assert argv[argv.index("--max_seq_len") + 1] == "4096"
    assert argv[argv.index("--tp_size") + 1] == "2"
    assert not any("secret" in argument for argument in argv)
    assert "--trust_remote_code" not in argv


def test_where_it_is_not_there_the_way_to_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="then attach it by its address"):
        launch()


@pytest.mark.parametrize(
    ("machine", "can_run", "why"),
    [
        (SERVER, True, "never tried on a real GPU"),
        (replace(SERVER, gpus=(replace(H100, compute_capability="7.5"),)), False, "too old for TensorRT-LLM"),
        (replace(SERVER, gpus=()), False, "TensorRT-LLM needs an NVIDIA GPU"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_whether_it_runs_on_a_machine(machine, can_run, why):
    fitness = TensorRtLlm().fitness(machine)
    assert fitness.can_run is can_run
    assert why in fitness.why


def test_what_the_log_means():
    engine = TensorRtLlm()
    assert engine.port_was_taken("RuntimeError: Failed to bind socket to 127.0.0.1:5000: [Errno 98]")
    assert engine.lacked_memory("torch.OutOfMemoryError: CUDA out of memory.", 1)
    said = engine.explain_failure(MODEL, "ValueError: No GPU devices found on the node", 1)
    assert said.startswith("TensorRT-LLM found no GPU that it can use.")
    assert engine.start_progress("anything") == ""
    assert engine.read_load("anything").gpu_bytes == 0


def test_replies_at_once(installed):
    options = LoadOptions(4096, 3, parallel=128)
    argv = TensorRtLlm().launch(MODEL, options, port=5000, api_key="secret").argv
    assert argv[argv.index("--max_batch_size") + 1] == "128"
    assert unknown(argv, "tensorrt-llm-serve") == []
