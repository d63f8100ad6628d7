"""The starter model as a folder of safetensors, for the engines that want it so: made once from the GGUF.

Transformers makes it, so its environment's Python is needed; it lies beside the GGUF file in .cache/models.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines.environments import installed

PYTHON_VARIABLE = "EDGEWISE_TEST_TRANSFORMERS_PYTHON"

_MAKE = """
import sys
from pathlib import Path
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
source, target = Path(sys.argv[1]), sys.argv[2]
where = {"gguf_file": source.name, "local_files_only": True, "trust_remote_code": False}
tokenizer = AutoTokenizer.from_pretrained(source.parent, **where)
model = AutoModelForCausalLM.from_pretrained(
    source.parent, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **where
)
model.hf_quantizer = None
model.config.__dict__.pop("quantization_config", None)
model.save_pretrained(target)
tokenizer.save_pretrained(target)
"""


def transformers_python() -> Path:
    """The Python of an environment with Transformers: of one that is given, else of the tests' own."""
    given = os.environ.get(PYTHON_VARIABLE)
    return Path(given) if given else installed("transformers").python()


def safetensors_of(gguf: Path, python: Path) -> Path:
    """The folder with the weights of `gguf` in bfloat16, made if it is not there whole."""
    folder = gguf.with_name(f"{gguf.stem}-safetensors")
    if not (folder / "config.json").exists():
        unfinished = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        subprocess.run([python, "-P", "-c", _MAKE, gguf, unfinished], check=True, timeout=300)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def starter_safetensors(starter_model: Path) -> Path:
    """The real starter model as safetensors. Never write to it."""
    return safetensors_of(starter_model, transformers_python())
