"""Loads a model with an engine on this machine's GPU, checks it, measures it, writes what came of it.

    python -m tests.gpu --engine vllm --python ENVIRONMENT/bin/python --model FOLDER --out FOLDER

What is measured is what is felt: the app's own adapter, process and client. The report (JSON) is written anew
after each step, so that a run that is cut off is not lost. See docs/measurements.md for what came of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.domain.errors import EngineStartFailed
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter, Launch, LoadOptions
from app.engines.installed_files import installed_versions
from app.engines.loaded_model import LoadedModel
from app.engines.memory import resident_memory
from app.engines.process import EngineProcess
from app.engines.transformers import Transformers
from app.engines.vllm import SERVER, Vllm
from app.engines.vllm_memory import gpu_memory_share
from tests.gpu import core, load


class Interpreter:
    """An environment that somebody else made, by its Python."""

    def __init__(self, python: Path, versions: dict[str, str]) -> None:
        self._python, self._versions = python, versions

    def python(self) -> Path:
        return self._python

    def installed_versions(self) -> dict[str, str]:
        return self._versions


class OlderVllm(Vllm):
    """vLLM whose server's module has another name; `env` is added, as a stripped build may need it."""

    def __init__(self, environment: Interpreter, server: str, env: dict[str, str]) -> None:
        super().__init__(environment)
        self._server, self._env = server, env

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        launch = super().launch(model, options, port=port, api_key=api_key)
        argv = tuple(self._server if word == SERVER else word for word in launch.argv)
        return dataclasses.replace(launch, argv=argv, env={**launch.env, **self._env})


class Run:
    """One engine with one model, and the report that grows with each step."""

    def __init__(
        self, adapter: EngineAdapter, model: LocalModel, options: LoadOptions, report: Path, logs: Path
    ) -> None:
        self.adapter, self.model, self.options, self.logs = adapter, model, options, logs
        self._path = report
        self.report: dict[str, Any] = {"engine": adapter.name, "options": asdict(options)}

    def write(self, **found: Any) -> None:
        """Add to the report, and keep it."""
        self.report |= found
        self._path.write_text(json.dumps(self.report, indent=2))
        print(time.strftime("%H:%M:%S"), self._path.stem, json.dumps(found), flush=True)

    def load(self) -> LoadedModel:
        """Start it; the seconds it took, and what it was at when, go into the report."""
        began, before, stages = time.perf_counter(), gpu_memory(), dict[str, float]()

        def told(process: EngineProcess) -> None:
            words = self.adapter.start_progress(process.read_log())
            stages.setdefault(words, round(time.perf_counter() - began, 1))

        loaded = LoadedModel.load(self.adapter, self.model, self.options, logs=self.logs, on_wait=told)
        took = time.perf_counter() - began
        resident = resident_memory(loaded.process.pid)
        self.write(
            ready_s=round(took, 1),
            stages_s=stages,
            gpu_memory=gpu_memory() - before,
            gpu_memory_by_its_log=loaded.report().gpu_bytes,
            main_memory=resident.total if resident else None,
        )
        return loaded

    def check(self, loaded: LoadedModel) -> None:
        """The core of the suite; a failure is written down and does not end the run."""
        checks: dict[str, str] = {}
        for one in core.CHECKS:
            try:
                checks[one.__name__] = one(loaded)
            except Exception:  # the report is for a person to read
                checks[one.__name__] = "FAILED: " + traceback.format_exc()[-1500:]
        self.write(checks=checks)

    def measure(self, loaded: LoadedModel, levels: list[int], repeats: int) -> None:
        """`repeats` rounds at each level after one to warm up; the median's is reported, with all speeds."""
        found: list[dict[str, Any]] = []
        for at_once in levels:
            load.measure(loaded, at_once)
            rounds = [load.measure(loaded, at_once) for _ in range(repeats)]
            speeds = [round(r.tokens_per_second, 1) for r in rounds]
            found.append({**asdict(load.middle(rounds)), "all_tokens_per_second": speeds})
            self.write(rounds=found, gpu_memory_in_use=gpu_memory())

    def stop(self, loaded: LoadedModel) -> None:
        """End it."""
        before, began = gpu_memory(), time.perf_counter()
        loaded.stop()
        self.write(stopped_s=round(time.perf_counter() - began, 2), gpu_memory_freed=before - gpu_memory())


def gpu_memory() -> int:
    """Bytes in use on all GPUs by everybody."""
    return sum(int(info.used) for info in _infos())


def _infos() -> list[Any]:
    import pynvml

    pynvml.nvmlInit()
    handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    return [pynvml.nvmlDeviceGetMemoryInfo(handle) for handle in handles]


def main() -> None:
    """See the module."""
    chosen = _chosen()
    chosen.out.mkdir(parents=True, exist_ok=True)
    size = sum(file.stat().st_size for file in chosen.model.glob("*.safetensors"))
    model = LocalModel(chosen.model.name, chosen.model, size, format=Format.SAFETENSORS)
    environment = Interpreter(chosen.python, installed_versions(chosen.python.parent.parent))
    options = LoadOptions(chosen.context, threads=4)
    adapter: EngineAdapter
    if chosen.engine == "vllm":
        adapter = OlderVllm(environment, chosen.server, dict(pair.split("=", 1) for pair in chosen.env))
        if chosen.kv_cache:
            options = dataclasses.replace(options, gpu_memory_share=_share(size, chosen.kv_cache))
    else:
        adapter = Transformers(environment)
    report = chosen.out / f"{chosen.name or chosen.engine}.json"
    run = Run(adapter, model, options, report, chosen.logs or chosen.out / "logs")
    loaded = run.load()
    try:
        run.check(loaded)
        run.measure(loaded, chosen.at_once, chosen.rounds)
        if chosen.kill:
            run.write(killed=core.killed_while_streaming(loaded))
    finally:
        run.stop(loaded)
    if chosen.failures:
        failing_starts(run, chosen.python)


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu")
    parser.add_argument("--engine", choices=("vllm", "transformers"), required=True)
    parser.add_argument("--python", type=Path, required=True, help="of the engine's environment")
    parser.add_argument("--model", type=Path, required=True, help="a folder with safetensors")
    parser.add_argument("--out", type=Path, required=True, help="for the report")
    parser.add_argument("--name", help="of the report; the engine's otherwise")
    parser.add_argument("--logs", type=Path, help="for the engine's logs")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--kv-cache", type=int, help="bytes of one full context: chooses the GPU's share")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 32, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kill", action="store_true", help="kill it at the end, in the middle of a reply")
    parser.add_argument("--failures", action="store_true", help="bring about starts that fail, too")
    parser.add_argument("--server", default=SERVER, help="vLLM's module, where it is an older one")
    parser.add_argument("--env", nargs="*", default=[], metavar="NAME=VALUE", help="added for vLLM")
    return parser.parse_args()


def _share(weights: int, kv_cache: int) -> float | None:
    smallest = min(_infos(), key=lambda info: int(info.total))
    return gpu_memory_share(
        memory_total=smallest.total, memory_free=smallest.free, weights=weights, kv_cache=kv_cache
    )


def failing_starts(run: Run, python: Path) -> None:
    """Starts that cannot succeed, side by side; what a person would read goes into the report."""
    tries = {
        "context too long": dataclasses.replace(run.options, gpu_memory_share=0.19),
        "share not free": dataclasses.replace(run.options, gpu_memory_share=0.92),
    }
    said: dict[str, str] = {}

    def one(name: str, options: LoadOptions) -> None:
        try:
            LoadedModel.load(run.adapter, run.model, options, logs=run.logs / name.replace(" ", "-")).stop()
            said[name] = "it started"
        except EngineStartFailed as error:
            said[name] = f"{type(error).__name__}: {error.message}"

    with _held_memory(python, 0.5):
        threads = [threading.Thread(target=one, args=pair) for pair in tries.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    run.write(failing_starts=said)


@contextmanager
def _held_memory(python: Path, share: float) -> Iterator[None]:
    """Another program that holds that part of the first GPU."""
    script = (
        "import torch; _, total = torch.cuda.mem_get_info();"
        f"kept = torch.empty(int(total * {share}), dtype=torch.uint8, device='cuda').fill_(1);"
        "torch.cuda.synchronize(); print('held', flush=True); input()"
    )
    with subprocess.Popen([python, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()


if __name__ == "__main__":
    main()
