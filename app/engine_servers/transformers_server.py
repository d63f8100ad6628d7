"""A Transformers model behind the OpenAI HTTP API, on loopback.

Run by the Python of Edgewise's Transformers environment:
`python -m app.engine_servers.transformers_server --model PATH --name NAME --port N --context N`.
The API key comes in EDGEWISE_API_KEY. `transformers serve` is not used because it can neither fix a reply's
length nor batch requests.

What it writes is read by the adapter: `edgewise: ` and what the start is at, `Cannot serve: ` and why not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine_servers.model_files import check_files

if TYPE_CHECKING:
    from app.engine_servers.generation import Generation
    from app.engine_servers.model_loading import LoadedWeights

HOST = "127.0.0.1"
CPU_SEQUENCES = 8
GPU_SEQUENCES = 32
"""Replies at once; more wait. A processor gains nothing from more, a GPU does."""
CPU_STEP = 256
GPU_STEP = 1024
"""Tokens of prompts in one step at most; what of it a device does in time is found out at the start."""
GRACE_S = 1
"""Time for open replies to end with the server."""


def main() -> None:
    """Load, then serve until ended."""
    options = _options()
    key = os.environ.pop("EDGEWISE_API_KEY", "")
    if not key:
        sys.exit("Cannot serve: EDGEWISE_API_KEY is missing")
    listener = _bind(options.port)
    try:
        check_files(options.model)
        _say("importing")
        status = asyncio.run(_serve(options, key, listener))
    except Exception as error:
        # Whatever a model's files or an environment lack, Transformers says by any exception it likes. All of
        # it is for the log, the last line for the adapter.
        traceback.print_exc()
        ours = type(error).__module__.startswith("app.engine_servers")
        sys.stderr.write(f"Cannot serve: {'' if ours else type(error).__name__ + ': '}{error}\n")
        status = 1
    sys.stderr.flush()
    # Not sys.exit: the generating thread may be in the middle of a step that takes seconds.
    os._exit(status)


async def _serve(options: argparse.Namespace, key: str, listener: socket.socket) -> int:
    import torch
    import uvicorn

    from app.engine_servers.chat_template import ChatTemplate
    from app.engine_servers.http_api import Served, application
    from app.engine_servers.model_loading import load, mapped_bytes

    if options.threads:
        torch.set_num_threads(options.threads)
    _say("loading weights")
    loaded = load(options.model, dtype=options.dtype, quantize_bits=options.quantize_bits)
    device = loaded.model.device
    template = ChatTemplate(loaded.template, loaded.special_tokens)
    starting = threading.Thread(target=template.start, daemon=True)
    starting.start()
    context = min(options.context, loaded.trained_length or options.context)
    generation, cache = _generation(loaded, context, options)
    served = Served(
        name=options.name,
        tokenizer=loaded.tokenizer,
        vocabulary=int(loaded.model.config.get_text_config().vocab_size),
        template=template,
        generation=generation,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            application(served, key),
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    failed = threading.Event()

    def ended() -> None:
        failed.set()
        server.should_exit = True

    generation.start(ended)
    try:
        step = await generation.settle()
        starting.join()
        _say(
            f"memory: weights {loaded.model.get_memory_footprint()} mapped {mapped_bytes(options.model)}"
            f" cache {cache} on {device.type}"
        )
        _say(f"ready: {loaded.model.dtype}, context {context}, steps of {step}")
        await server.serve(sockets=[listener])
    finally:
        template.close()
        generation.stop()
    return 1 if failed.is_set() else 0


def _generation(loaded: LoadedWeights, context: int, options: argparse.Namespace) -> tuple[Generation, int]:
    """What generates with the model, and the bytes that it reserves for that."""
    from app.engine_servers.batched_generation import BatchedGeneration, page_bytes
    from app.engine_servers.cache_size import cache_pages
    from app.engine_servers.model_loading import memory_free
    from app.engine_servers.single_generation import SingleGeneration, is_single

    _say("warming up")
    if is_single(loaded.model):
        return SingleGeneration(loaded.model, context_length=context, end_tokens=loaded.end_tokens), 0
    on_gpu = loaded.model.device.type != "cpu"
    sequences = options.sequences or (GPU_SEQUENCES if on_gpu else CPU_SEQUENCES)
    page = page_bytes(loaded.model)
    pages = cache_pages(context, sequences, page, memory_free(loaded.model.device), options.cache_bytes)
    generation = BatchedGeneration(
        loaded.model,
        context_length=context,
        sequences=sequences,
        pages=pages,
        step_tokens=GPU_STEP if on_gpu else CPU_STEP,
        end_tokens=loaded.end_tokens,
    )
    return generation, pages * page


def _bind(port: int) -> socket.socket:
    """The port, taken before the slow part and listened at after it."""
    listener = socket.socket()
    if sys.platform != "win32":  # there the option would let two servers have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        sys.exit(f"Cannot serve: port {port} is taken ({error.strerror})")
    return listener


def _say(what: str) -> None:
    sys.stderr.write(f"edgewise: {what}\n")
    sys.stderr.flush()


def _options() -> Any:
    parser = argparse.ArgumentParser(description="Serve a Transformers model on loopback.")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file or a folder with safetensors")
    parser.add_argument("--name", required=True, help="what the API calls it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens")
    parser.add_argument("--threads", type=int, default=0, help="of the processor; 0: PyTorch's own choice")
    parser.add_argument("--dtype", choices=("auto", "bfloat16", "float16", "float32"), default="auto")
    parser.add_argument("--quantize-bits", type=int, choices=(8, 4), help="weights, on loading")
    parser.add_argument("--sequences", type=int, default=0, help="replies at once; 0: by the device")
    parser.add_argument("--cache-bytes", type=int, help="of the KV cache; left out: by what is free")
    return parser.parse_args()


if __name__ == "__main__":
    main()
