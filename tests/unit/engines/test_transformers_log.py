"""Logs of our Transformers server, as the pinned versions wrote them, and what a person reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines.base import LoadReport
from app.engines.transformers_log import (
    explain_failure,
    lacked_memory,
    port_was_taken,
    read_load,
    start_progress,
)

MODEL = LocalModel("Zoë’s", Path("/models/zoe"), 1)
TRACEBACK = """edgewise: importing
Traceback (most recent call last):
  File "auto_factory.py", line 264, in from_pretrained
    has_remote_code, trust_remote_code=trust_remote_code)  # or MemoryError: not enough memory
"""


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        ("port 4567 is taken (Address already in use)", "its port was taken"),
        (
            "not enough memory for a context of 4096 tokens: it needs 9 bytes, 5 are free",
            "there is not enough memory for a context of 4096 tokens. Load it with less context.",
        ),
        ("no safetensors in the folder /models/zoe", "the folder zoe holds no weights in the safetensors"),
        ("no such model: /models/zoe", "zoe is not there"),
        ("cannot quantize a GGUF file on loading", "a GGUF file has its quantization already"),
        (
            "cannot quantize: bitsandbytes is not installed",
            "bitsandbytes, is not installed",
        ),
        ("cannot quantize on Metal: bitsandbytes does not run there", "does not run on a Mac's GPU"),
        ("RuntimeError: operator torchvision::nms does not exist", "packages for another kind of machine"),
        ("ModuleNotFoundError: No module named 'uvicorn'", "the package uvicorn is missing"),
        (
            "ImportError: Using a `device_map` requires `accelerate`. Please run `pip install accelerate`",
            "the package accelerate is missing",
        ),
        (
            "ValueError: The repository /models/zoe contains custom code which must be executed to correctly"
            " load the model. Please pass the argument `trust_remote_code=True`",
            "it needs a program that came with the model",
        ),
        (
            "ValueError: The checkpoint you are trying to load has model type `zoe4` but Transformers does"
            " not recognize this architecture.",
            "does not know models of the kind “zoe4” yet",
        ),
        (
            "ValueError: GGUF model with architecture zoe4 is not supported yet.",
            "does not know models of the kind “zoe4” yet",
        ),
        (
            "ValueError: GGUF architecture 'zoe4' is not supported yet. Supported: ['llama']",
            "does not know models of the kind “zoe4” yet",
        ),
        (
            "ValueError: /m.gguf holds tensors of ggml type 39, which is not supported yet.",
            "Transformers does not read its quantization",
        ),
        ("a GGUF model in several files: /m-00001-of-00002.gguf", "reads GGUF models in one file alone"),
        ("ValueError: Invalid layer type: linear_attention", "layers of the kind “linear_attention”"),
        (
            "SafetensorError: Error while deserializing header: incomplete metadata",
            "end early or are damaged",
        ),
        ("OSError: [Errno 13] Permission denied: '/models/zoe'", "zoe may not be read by you"),
    ],
)
def test_what_the_server_said_last(last, sentence):
    log = f"{TRACEBACK}Cannot serve: {last}\n"
    assert sentence in explain_failure(MODEL, log, 1)
    assert lacked_memory(log, 1) == ("not enough memory" in last)
    assert port_was_taken(log) == last.startswith("port")


@pytest.mark.parametrize(
    "last",
    [
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate"
        " memory: you tried to allocate 13 bytes. Error code 12 (Cannot allocate memory)",
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "RuntimeError: MPS backend out of memory (MPS allocated: 9 GB)",
        "MemoryError: ",
        "MemoryError: Memory footprint 10 is more than available memory 5",
    ],
)
def test_too_little_memory(last):
    log = f"{TRACEBACK}Cannot serve: {last}\n"
    assert explain_failure(MODEL, log, 1).startswith("there is not enough memory")
    assert lacked_memory(log, 1)


def test_killed_without_a_word():
    assert "most likely for want of memory" in explain_failure(MODEL, "edgewise: loading weights\n", 137)
    assert lacked_memory("edgewise: loading weights\n", 137)
    assert not lacked_memory("edgewise: loading weights\n", 1)


def test_never_ready():
    assert "did not become ready in time" in explain_failure(MODEL, "edgewise: loading weights\n", None)


def test_anything_else_points_to_the_log():
    assert explain_failure(MODEL, f"{TRACEBACK}Cannot serve: KeyError: 'x'\n", 1).endswith(
        "The log says more."
    )


def test_progress():
    log = ""
    assert start_progress(log) == ""
    log += "edgewise: importing\n"
    assert start_progress(log) == "starting PyTorch"
    log += "Some warning\nedgewise: loading weights\n"
    assert start_progress(log) == "loading weights"
    unpacked = (
        "\rConverting and de-quantizing GGUF tensors...:  20%|██        | 55/272 [00:01<00:02, 72.37it/s]"
    )
    assert start_progress(log + unpacked) == "loading weights: 55 of 272"
    log += "\rLoading weights:   0%|          | 0/272 [00:00<?, ?it/s]"
    log += "\rLoading weights:  65%|██████▌   | 177/272 [00:00<00:00, 1769.33it/s]"
    assert start_progress(log) == "loading weights: 177 of 272"
    log += "\nedgewise: warming up\n"
    assert start_progress(log) == "trying the model out"
    log += "edgewise: ready: torch.bfloat16 on cpu, context 2048\n"
    assert start_progress(log) == "trying the model out"


def test_memory_on_a_gpu_is_what_it_says():
    report = read_load("edgewise: memory: weights 1000 mapped 0 cache 234 on cuda\n")
    assert (report.gpu_bytes, report.mapped_bytes) == (1234, 0)


def test_main_memory_is_measured_and_what_is_mapped_is_needed():
    report = read_load("edgewise: memory: weights 1000 mapped 900 cache 234 on cpu\n")
    assert (report.gpu_bytes, report.mapped_bytes) == (0, 900)
    assert read_load("") == LoadReport()
