"""What the advice says to fit is loaded by the real engine under just that limit, and not under much less."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.advisor.correction import UNCORRECTED
from app.advisor.ladder import Candidate, Goal, Rung, Subject, climb
from app.domain.errors import EdgewiseError
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.engines.llama_cpp import LlamaCpp
from app.models.footprint import MARGIN_BYTES
from app.models.gguf_header import read_header
from tests.unit.advisor.cases import machine

CONTEXT = 8192
LONGER_THAN_A_STEP = "Say something. " * 200
GROUPS = Path("/sys/fs/cgroup/memory")


class Limited(LlamaCpp):
    """llama-server in a control group of its own.

    Without mapping the file: pages of it that are in memory already would not be counted.
    """

    def __init__(self, group: Path) -> None:
        self._join = f'echo $$ > "{group}/cgroup.procs"; exec "$0" "$@"'

    def launch(self, model, options, *, port, api_key):
        launch = super().launch(model, options, port=port, api_key=api_key)
        return dataclasses.replace(
            launch, argv=("/bin/sh", "-c", self._join, *launch.argv, "--load-mode", "none")
        )


@contextmanager
def memory_limit(limit: int) -> Iterator[Path]:
    """A control group that may use `limit` bytes; skips where this user may not make one."""
    own = [line.partition(":memory:")[2].strip() for line in _text("/proc/self/cgroup").splitlines()]
    inside = next((path for path in own if path), "/").lstrip("/")
    group = GROUPS / inside / f"edgewise-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("memory can be limited only where control groups (version 1) may be made")
    try:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def rung_with(free: int, path: Path) -> Rung:
    """The advice for a machine with `free` bytes."""
    candidate = Candidate("Q4_1", path.stat().st_size, read_header(path), exact=True, path=path)
    here = machine()
    here = dataclasses.replace(here, memory=dataclasses.replace(here.memory, available=free))
    return climb(Subject("SmolLM2", (candidate,), CONTEXT), here, Goal(CONTEXT), UNCORRECTED).rungs[0]


@pytest.fixture
def loads(load: Callable, starter_model: Path) -> Callable[[int], bool]:
    """Whether the model loads, and replies to a prompt that needs all buffers, with so many bytes."""

    def tried(limit: int) -> bool:
        with memory_limit(limit) as group:
            try:
                loaded = load(adapter=Limited(group), context=CONTEXT)
                question = [ChatMessage(Role.USER, LONGER_THAN_A_STEP)]
                request = ChatRequest(question, SamplingParams(max_tokens=3))
                *_, last = loaded.client.stream(request, Cancellation())
                loaded.stop()
            except EdgewiseError:
                return False
            return isinstance(last, Finished)

    return tried


def test_what_is_said_to_fit_loads(loads: Callable[[int], bool], starter_model: Path) -> None:
    need = rung_with(10**10, starter_model).need.total
    assert rung_with(need + MARGIN_BYTES, starter_model).fits
    assert not rung_with(need + MARGIN_BYTES - 1, starter_model).fits
    assert loads(need), "without touching the margin"


def test_much_less_is_too_little(loads: Callable[[int], bool], starter_model: Path) -> None:
    need = rung_with(10**10, starter_model).need.total
    assert not loads(int(need * 0.7)), "so the limit is one"
