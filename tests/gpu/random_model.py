"""Writes a model of any shape with random weights: real work for a GPU, and nothing to download.

    python tests/gpu/random_model.py CONFIG.json TOKENIZER_FOLDER OUT

Runs in an environment with torch and transformers, not in the app's. What such a model says is noise; how
fast it says it depends on the shape alone.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path


def main(config_file: Path, tokenizer: Path, out: Path) -> None:
    """Write `out`: bfloat16 safetensors in shards, the configuration, the tokenizer's files."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    out.mkdir(parents=True, exist_ok=True)
    for file in tokenizer.iterdir():
        if file.name.startswith("tokenizer") or file.suffix == ".jinja":
            shutil.copyfile(file, out / file.name)
    shutil.copyfile(config_file, out / "config.json")
    began = time.monotonic()
    torch.manual_seed(1)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(out), dtype=torch.bfloat16)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters:,} parameters after {time.monotonic() - began:.0f} s", flush=True)
    model.to("cpu").save_pretrained(out, max_shard_size="4GB")
    print(f"written after {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
