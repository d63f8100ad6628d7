"""The launcher with a package `sglang` of our own, which tells what it was given and logs as SGLang does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "a-key-nobody-may-read"
SOURCES = Path(__file__).resolve().parents[3]
LAUNCH_SERVER = """
import logging, multiprocessing, os, sys

def child():
    print("child", sys.argv[0].rpartition("/")[2], "EDGEWISE_API_KEY" in os.environ, flush=True)

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.info(f"server_args={{'api_key': '{sys.argv[-1]}'}}")
    logging.info("given %s", sys.argv[-1])
    logging.info("plain %d %%", 50)
    print("arguments", sys.argv[1:-1], len(sys.argv[-1]), flush=True)
    print("command", open("/proc/self/cmdline").read().replace("\\0", " "), flush=True)
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    process.join()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SGLang is for Linux")


@pytest.fixture
def launched(tmp_path):
    package = tmp_path / "sglang"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "launch_server.py").write_text(LAUNCH_SERVER)

    def run(key):
        return subprocess.run(
            [sys.executable, "-P", "-m", "app.engine_servers.sglang_server", "--port", "5000"],
            env={**os.environ, "PYTHONPATH": f"{SOURCES}:{tmp_path}", "EDGEWISE_API_KEY": key},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_the_key_reaches_sglang_and_is_written_nowhere(launched):
    done = launched(KEY)
    assert done.returncode == 0, done.stderr
    assert f"arguments ['--port', '5000', '--api-key'] {len(KEY)}" in done.stdout
    assert "server_args={'api_key': '…'}" in done.stdout
    assert "given …" in done.stdout
    assert "plain 50 %" in done.stdout
    assert KEY not in done.stdout + done.stderr


def test_what_it_starts_is_sglangs_and_has_no_key(launched):
    assert "child launch_server.py False" in launched(KEY).stdout


def test_without_a_key_it_does_not_serve(launched):
    done = launched("")
    assert done.returncode == 1
    assert "Cannot serve: EDGEWISE_API_KEY is missing" in done.stderr
