"""The worker alone: what it imports, and how it is reached."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.benchmark.load_messages import read_message, write_job
from app.domain.speed_test import Round
from tests.paced_server import Pace, PacedServer


def test_it_imports_little():
    program = "import app.benchmark.load_worker, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"PySide6", "psutil", "pynvml", "asyncio", "huggingface_hub", "logging"} & set(
        done.stdout.split()
    )


@pytest.mark.parametrize("command", [["-m", "app", "--load-worker"], ["-m", "app.benchmark.load_worker"]])
def test_it_does_its_jobs_and_ends_with_its_input(command):
    with PacedServer(Pace(ttft_s=0.02, itl_s=(0.001,))) as server:
        jobs = write_job(server.job(2, 8)) + write_job(server.job(1, 8))
        worker = subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert worker.stdin is not None
        assert worker.stdout is not None
        with worker:
            worker.stdin.write(jobs)
            worker.stdin.flush()
            rounds: list[Round] = []
            while len(rounds) < 2:
                message = read_message(worker.stdout.readline())
                if isinstance(message, Round):
                    rounds.append(message)
            worker.stdin.close()
            assert worker.wait(10) == 0
    assert [len(done.samples) for done in rounds] == [2, 1]
    assert all(sample.completion_tokens == 8 for done in rounds for sample in done.samples)
