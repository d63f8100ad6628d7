"""The fuzzers run, and find what is broken on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="it has no wheel here")
ROOT = Path(__file__).parents[2]


def fuzz(module: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "-seed=1", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("module", ["tests.fuzz.gguf_header", "tests.fuzz.header_values"])
def test_nothing_is_found_in_a_few_seconds(module: str, tmp_path: Path) -> None:
    done = fuzz(module, tmp_path, "-runs=1000")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Done 1000 runs" in done.stdout
    assert list(tmp_path.rglob("crash-*")) == []


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text(
        "from tests.fuzz import gguf_header\n"
        "gguf_header.KEPT_PER_BYTE, gguf_header.KEPT_AT_LEAST = 0, 100\n"
        "gguf_header.main(['-runs=1000'])\n"
    )
    done = fuzz("broken", tmp_path)
    assert done.returncode != 0
    assert "bytes kept of" in done.stdout
    assert len(list(tmp_path.rglob("crash-*"))) == 1
