from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.hub import Format
from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.sglang import SGLang
from tests.unit.engines.recorded_help import unknown

MODEL = LocalModel("Zoë, 家", Path("/models/Zoë, 家"), 1 << 30, format=Format.SAFETENSORS)
CPU = Cpu("A processor", "x86_64", 4, 8, 4)
H100 = Gpu("NVIDIA H100", 80 << 30, 79 << 30, "580.95", "9.0", cuda_version="13.0")
SERVER = Machine("Linux 6.8", CPU, Memory(32 << 30, 20 << 30), Disk("/", 1 << 40, 1 << 39), (H100,))


class Environment:
    def python(self):
        return Path("/data/engines/sglang/e64c/bin/python")


ENGINE = SGLang(Environment())
LAUNCH = ENGINE.launch(
    MODEL,
    LoadOptions(4096, 3, dtype="bfloat16", gpu_memory_share=0.4, tensor_parallel=2),
    port=5000,
    api_key="secret",
)


def value(flag):
    return LAUNCH.argv[LAUNCH.argv.index(flag) + 1]


def test_its_own_help_knows_every_option():
    assert unknown(LAUNCH.argv, "sglang-0.5.23") == []
    assert unknown(["--no-such-option", "--dtype", "int3"], "sglang-0.5.23") == [
        "--no-such-option",
        "--dtype",
    ]


def test_the_command_line():
    assert value("--model-path") == str(MODEL.path)
    assert "--served-model-name=Zoë, 家" in LAUNCH.argv
    assert (value("--host"), value("--port")) == ("127.0.0.1", "5000")
    assert value("--context-length") == "4096"
    assert value("--mem-fraction-static") == "0.40"
    assert value("--tp-size") == "2"
    assert value("--load-format") == "safetensors", "never a pickle"
    assert "--trust-remote-code" not in LAUNCH.argv
    plain = ENGINE.launch(MODEL, LoadOptions(4096, 3), port=5000, api_key="secret")
    assert "--mem-fraction-static" not in plain.argv


def test_the_key_is_in_no_argument():
    assert not any("secret" in argument for argument in LAUNCH.argv)
    assert LAUNCH.env["EDGEWISE_API_KEY"] == "secret"


@pytest.mark.parametrize(
    ("machine", "can_run", "why"),
    [
        (
            SERVER,
            True,
            "Should run on the NVIDIA H100: Edgewise starts it as its makers document it, but",
        ),
        (replace(SERVER, gpus=()), False, "SGLang needs an NVIDIA GPU, and there is none."),
        (replace(SERVER, gpus=(replace(H100, compute_capability="7.0"),)), False, "too old for SGLang"),
        (replace(SERVER, system="Windows 11"), False, "Linux alone"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_whether_it_runs_on_a_machine(machine, can_run, why):
    fitness = ENGINE.fitness(machine)
    assert fitness.can_run is can_run
    assert fitness.experimental is can_run, "it was never tried"
    assert why in fitness.why


# As the source of 0.5.23 has it.
LOG = """\
[2026-11-24 13:00:00] server_args={'model_path': '/models/x'}
[2026-11-24 13:00:20] Load weight begin. avail mem=78.50 GB
[2026-11-24 13:00:30] Load weight end. elapsed=10.00 s
[2026-11-24 13:00:32] Capture decode CUDA graph begin. This can take up to several minutes.
[2026-11-24 13:00:40] Capture decode CUDA graph end. Time elapsed: 8.00 s.
"""


def test_a_start_is_told_step_by_step():
    lines = LOG.splitlines(keepends=True)
    assert [ENGINE.start_progress("".join(lines[: n + 1])) for n in range(len(lines))] == [
        "importing",
        "loading the weights",
        "reserving the KV cache",
        "capturing CUDA graphs",
        "warming up",
    ]


def test_what_the_log_means():
    log = "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: 0.1"
    assert ENGINE.explain_failure(MODEL, log, 1).startswith("its weights leave no memory for the KV cache.")
    assert ENGINE.lacked_memory(log, 1)
    assert not ENGINE.lacked_memory("Address already in use", 1)
    assert ENGINE.port_was_taken("Address already in use")
    assert ENGINE.read_load(LOG).gpu_bytes == 0


def test_replies_at_once():
    options = LoadOptions(4096, 3, parallel=128)
    argv = ENGINE.launch(MODEL, options, port=5000, api_key="secret").argv
    assert argv[argv.index("--max-running-requests") + 1] == "128"
    assert unknown(argv, "sglang-0.5.23") == []
