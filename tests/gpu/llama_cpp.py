"""llama.cpp with one of our GPU packages on this machine's GPU: memory against the forecast, replies, speed.

    python -m tests.gpu.llama_cpp --environment FOLDER --model FILE.gguf --out FOLDER

The environment holds the wheel of build/gpu_package.py; llama-server is the app's, found as the app finds it.
Like tests/gpu/__main__.py, whose report this makes. See docs/measurements.md for what came of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.installed_files import installed_versions
from app.engines.llama_cpp_on_gpu import LlamaCppCuda, LlamaCppVulkan
from app.engines.llama_cpp_programs import list_devices
from app.models.footprint import MAX_LAYERS, RunOptions, forecast
from app.models.gguf_header import read_header
from tests.gpu import core
from tests.gpu.__main__ import Interpreter, Run

ADAPTERS = {"cuda": LlamaCppCuda, "vulkan": LlamaCppVulkan}


def main() -> None:
    """See the module."""
    chosen = _chosen()
    chosen.out.mkdir(parents=True, exist_ok=True)
    python = chosen.environment / "bin" / "python"
    adapter = ADAPTERS[chosen.backend](Interpreter(python, installed_versions(chosen.environment)))
    most = max(chosen.at_once)
    options = LoadOptions(chosen.context, threads=4, parallel=most, gpu_layers=chosen.layers)
    expected = forecast(
        read_header(chosen.model),
        RunOptions(chosen.context, sequences=most),
        gpu_layers=MAX_LAYERS if chosen.layers is None else chosen.layers,
    )
    model = LocalModel(chosen.model.stem, chosen.model, chosen.model.stat().st_size)
    run = Run(adapter, model, options, chosen.out / f"{chosen.name}.json", chosen.out / "logs")
    run.write(
        devices=list_devices(adapter.library()),
        forecast={"gpu": expected.gpu.total, "host": expected.host.total},
    )
    loaded = run.load()
    try:
        run.check(loaded)
        run.measure(loaded, chosen.at_once, chosen.rounds)
        if chosen.kill:
            run.write(killed=core.killed_while_streaming(loaded))
    finally:
        run.stop(loaded)


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.llama_cpp")
    parser.add_argument("--backend", choices=ADAPTERS, default="cuda")
    parser.add_argument("--environment", type=Path, required=True, help="that the wheel was installed into")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--out", type=Path, required=True, help="for the report and the logs")
    parser.add_argument("--name", default="llama.cpp", help="of the report")
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--layers", type=int, help="on the GPU; otherwise all")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kill", action="store_true", help="kill it at the end, in the middle of a reply")
    return parser.parse_args()


if __name__ == "__main__":
    main()
