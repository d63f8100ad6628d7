from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.domain.errors import EngineMissing
from app.domain.hub import Format
from app.domain.machine import Cpu, Disk, Gpu, Machine, Memory
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.isolation import SOURCES
from app.engines.transformers import SERVER, Transformers

PYTHON = Path("/data/engines/transformers/e64cd90d-1a2b/bin/python")
MODEL = LocalModel("-Zoë 家", Path("/models/Zoë 家"), 1, format=Format.SAFETENSORS)
OPTIONS = LoadOptions(4096, 2)


class Installed:
    def python(self) -> Path:
        return PYTHON


class Missing:
    def python(self) -> Path:
        raise EngineMissing("Transformers is not installed. Install it on the Engines page.")


def launch(options=OPTIONS, model=MODEL):
    return Transformers(Installed()).launch(model, options, port=4567, api_key="a secret")


def value(launch, flag):
    return launch.argv[launch.argv.index(flag) + 1]


def machine(system="Linux 6.8", architecture="x86_64", *gpus):
    cpu = Cpu("A processor", architecture, 4, 8, 4)
    return Machine(system, cpu, Memory(16 << 30, 12 << 30), Disk("/", None, None), gpus)


def test_what_is_started():
    start = launch()
    assert start.argv[0] == str(PYTHON)
    assert value(start, "-m") == SERVER
    assert value(start, "--model") == str(MODEL.path)
    assert value(start, "--port") == "4567"
    assert value(start, "--context") == "4096"
    assert value(start, "--threads") == "2"
    assert value(start, "--dtype") == "auto"
    assert "--name=-Zoë 家" in start.argv, "a name that begins with a dash is no option"
    assert start.context_length == 4096
    assert not any("quantize" in part or "cache" in part for part in start.argv)


def test_the_server_is_where_its_python_looks_for_it():
    assert launch().env["PYTHONPATH"] == str(SOURCES)
    assert (SOURCES / (SERVER.replace(".", "/") + ".py")).is_file()


def test_wishes_reach_the_server():
    options = LoadOptions(512, 1, dtype="bf16", quantize_bits=4, kv_cache_bytes=1000)
    start = launch(options)
    assert value(start, "--dtype") == "bfloat16"
    assert value(start, "--quantize-bits") == "4"
    assert value(start, "--cache-bytes") == "1000"


def test_the_key_is_not_in_the_arguments():
    start = launch()
    assert "secret" not in " ".join(start.argv)
    assert start.env["EDGEWISE_API_KEY"] == "a secret"


def test_it_is_offline_and_keeps_to_itself():
    start = launch()
    assert start.env["HF_HUB_OFFLINE"] == start.env["TRANSFORMERS_OFFLINE"] == "1"
    for name in ("PYTHONHOME", "PYTHONSTARTUP", "HF_TOKEN", "HF_ENDPOINT", "OMP_NUM_THREADS"):
        assert name.startswith(tuple(start.env_without))


def test_its_threads_do_not_wait_actively():
    assert launch().env["OMP_WAIT_POLICY"] == "PASSIVE"
    assert launch().env["OMP_NUM_THREADS"] == "2"
    assert ("KMP_BLOCKTIME" in launch().env) == (sys.platform != "linux")


def test_without_its_environment():
    with pytest.raises(EngineMissing, match="Install it on the Engines page"):
        Transformers(Missing()).launch(MODEL, OPTIONS, port=1, api_key="k")


@pytest.mark.parametrize(
    ("computer", "why"),
    [
        (machine(), "Runs on the processor. llama.cpp is much faster there."),
        (machine("Darwin 24", "arm64"), "Runs on this Mac's GPU."),
        (
            machine("Linux 6.8", "x86_64", Gpu("RTX 4090", 24 << 30, 20 << 30, cuda_version="13.1")),
            "Runs on the RTX 4090.",
        ),
    ],
)
def test_where_it_runs(computer, why):
    fitness = Transformers(Missing()).fitness(computer)
    assert (fitness.can_run, fitness.why) == (True, why)


def test_where_it_does_not_run():
    fitness = Transformers(Missing()).fitness(machine("Darwin 20", "x86_64"))
    assert not fitness.can_run
    assert fitness.why


def test_replies_at_once():
    assert value(launch(LoadOptions(4096, 2, parallel=32)), "--sequences") == "32"
    assert "--sequences" not in launch().argv
