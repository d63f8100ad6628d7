"""The load of the speed test: whether its own client holds an engine up, at 128 replies at once.

A paced server, in a process of its own, writes at a steady pace and keeps when it did. Our load process and a
bare client (sockets and a selector, nothing decoded) take turns at it. What we report as tokens a second must
be what the server delivered.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from app.benchmark.load_process import LoadProcess
from app.domain.generation import Cancellation
from tests.benchmarks.figures import at_least, at_most, median, percentile, spread
from tests.paced_server import Pace, PacedServer, Record

STREAMS = 128
TOKENS = 128
ITL_S = 0.02
"""6,400 tokens a second, more than most single GPUs make with a small model."""
ROUNDS = 5
BAR = 0.98
LIMIT_S = 60.0


def measure() -> dict[str, Any]:
    ours: dict[str, list[float]] = {
        "rate": [],
        "kept": [],
        "cpu": [],
        "ttft": [],
        "worst_ttft": [],
        "itl": [],
    }
    bare: dict[str, list[float]] = {"rate": [], "kept": [], "cpu": []}
    fastest: dict[str, list[float]] = {"ours": [], "bare": []}
    load = LoadProcess.start()
    try:
        with PacedServer(Pace(ttft_s=0.3, itl_s=(ITL_S,))) as server:
            for number in range(ROUNDS + 1):
                figures, reference = _ours(load, server), _bare(server)
                if number:  # the first one warms up
                    for name, value in figures.items():
                        ours[name].append(value)
                    for name, value in reference.items():
                        bare[name].append(value)
        with PacedServer(Pace(ttft_s=0.1, itl_s=(0.0,))) as server:
            for number in range(ROUNDS + 1):
                rates = _ours(load, server)["rate"], _bare(server)["rate"]
                if number:
                    fastest["ours"].append(rates[0])
                    fastest["bare"].append(rates[1])
    finally:
        load.close()
    tokens = STREAMS * TOKENS
    return {
        "throughput_kept": at_least(
            median(ours["rate"]),
            BAR,
            reference=median([rate / kept for rate, kept in zip(ours["rate"], ours["kept"], strict=True)]),
            ratio=median(ours["kept"]),
            unit="tokens/s that we measured; what the server delivered meanwhile",
        ),
        "ttft_off": at_most(median(ours["ttft"]), 0.02, unit="median of a round, against the server's"),
        "itl_off": at_most(median(ours["itl"]), 0.05, unit="95th percentile, against the server's"),
        "rate_over_bare_client": round(
            median([a / b for a, b in zip(ours["rate"], bare["rate"], strict=True)]), 4
        ),
        "bare_throughput_kept": round(median(bare["kept"]), 4),
        "cpu_seconds_per_1000_tokens": round(median(ours["cpu"]) / tokens * 1000, 4),
        "bare_cpu_seconds_per_1000_tokens": round(median(bare["cpu"]) / tokens * 1000, 4),
        "unpaced_tokens_per_s": round(median(fastest["ours"])),
        "bare_unpaced_tokens_per_s": round(median(fastest["bare"])),
        "streams": STREAMS,
        "spread": {
            "throughput_kept": spread(ours["kept"], 4),
            "ttft_off": spread(ours["ttft"], 4),
            "worst_ttft_off": spread(ours["worst_ttft"], 4),
            "itl_p95_off": spread(ours["itl"], 4),
        },
    }


def _ours(load: LoadProcess, server: PacedServer) -> dict[str, float]:
    before = _cpu_seconds(load.pid)
    done = load.round(server.job(STREAMS, TOKENS), Cancellation(), LIMIT_S)
    cpu = _cpu_seconds(load.pid) - before
    records = server.records()
    assert not any(sample.error for sample in done.samples)
    rate = STREAMS * TOKENS / done.span_s
    gaps = [gap for sample in done.samples for gap in sample.gaps_s]
    true_gaps = [gap for record in records for gap in record.gaps_s]
    ttfts = [sample.ttft_s or 0.0 for sample in done.samples]
    true_ttfts = [record.ttft_s for record in records]
    return {
        "rate": rate,
        "kept": rate / _delivered(records),
        "cpu": cpu,
        "ttft": abs(median(ttfts) / median(true_ttfts) - 1),
        "worst_ttft": abs(max(ttfts) / max(true_ttfts) - 1),
        "itl": abs(percentile(gaps, 0.95) / percentile(true_gaps, 0.95) - 1),
    }


def _bare(server: PacedServer) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.load_client", str(server.port)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    span_s, cpu = json.loads(done.stdout)
    rate = STREAMS * TOKENS / span_s
    return {"rate": rate, "kept": rate / _delivered(server.records()), "cpu": cpu}


def _delivered(records: list[Record]) -> float:
    """Tokens a second by the server's own clock."""
    return STREAMS * TOKENS / (max(it.end for it in records) - min(it.accepted for it in records))


def _cpu_seconds(pid: int | None) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _read_bare(port: int) -> tuple[float, float]:
    """What a client takes that only counts: seconds from its beginning to its end, and of processor time."""
    body = json.dumps({"max_tokens": TOKENS}).encode()
    request = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    selector = selectors.DefaultSelector()
    cpu, begin = time.process_time(), time.perf_counter()
    for _ in range(STREAMS):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(request)
        selector.register(sock, selectors.EVENT_READ, sock)
    open_ones, pieces = STREAMS, 0
    while open_ones:
        for key, _ in selector.select():
            sock = key.data
            data = sock.recv(65536)
            pieces += data.count(b'"content": " word')
            if b"[DONE]" in data or not data:
                selector.unregister(sock)
                sock.close()
                open_ones -= 1
    if pieces != STREAMS * TOKENS:
        raise RuntimeError(f"{pieces} pieces came.")
    return time.perf_counter() - begin, time.process_time() - cpu


if __name__ == "__main__":
    print(json.dumps(_read_bare(int(sys.argv[1]))))
