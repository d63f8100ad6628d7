from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines.torch_failures import FAILURES, OUT_OF_MEMORY, explain, lacked_memory, port_was_taken

MODEL = LocalModel("A model", Path("/models/a-model"), 5)


@pytest.mark.parametrize(
    ("log", "status", "said"),
    [
        (
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12040).",
            1,
            "the NVIDIA driver is too old for this SGLang. Update the driver.",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory.", 1, "there is not enough memory. Use less context,"),
        ("ModuleNotFoundError: No module named 'sglang'", 1, "its environment is not whole. Repair SGLang"),
        ("", -9 + 146, "its process was killed, most likely for want of memory."),
        ("", None, "it did not become ready in time."),
        ("", 1, "SGLang could not load it. The log says more."),
    ],
)
def test_a_sentence_names_the_engine(log, status, said):
    assert explain("SGLang", MODEL, log, status, (OUT_OF_MEMORY, *FAILURES)).startswith(said)


def test_a_want_of_memory():
    assert lacked_memory("CUDA out of memory", 1, (OUT_OF_MEMORY,), FAILURES)
    assert lacked_memory("loading", 137, (OUT_OF_MEMORY,), FAILURES)
    assert not lacked_memory("loading", 1, (OUT_OF_MEMORY,), FAILURES)
    assert not lacked_memory("No module named 'torch'", 137, (OUT_OF_MEMORY,), FAILURES)
    assert not lacked_memory("loading", None, (OUT_OF_MEMORY,), FAILURES)


@pytest.mark.parametrize(
    "log",
    [
        "ERROR: [Errno 98] error while attempting to bind on address: address already in use",
        "OSError: [Errno 98] Address already in use",
        "RuntimeError: Failed to bind socket to 127.0.0.1:5000: [Errno 98]",
    ],
)
def test_a_taken_port(log):
    assert port_was_taken(log)
