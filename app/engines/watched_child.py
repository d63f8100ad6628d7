"""A program that is run to its end: its lines read as they come, its log kept, cancelled within a second.

For programs that make something (uv) or look at something; `process` is for engines, which serve.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import Cancelled, InstallFailed
from app.domain.generation import Cancellation
from app.engines.process import guard_command

TICK_S = 0.5
TERMINATE_GRACE_S = 0.5
"""What a cancelled program gets to end by itself."""
LONGEST_OUTPUT = 400
"""Lines returned at most, the last ones; the log has all."""

_CANCELLED = b"\0cancelled"


def run_watched(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    log: BinaryIO,
    cancellation: Cancellation,
    *,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[], None] | None = None,
    timeout_s: float | None = None,
    clean: Callable[[str], str] = str,
) -> tuple[int | None, str]:
    """Run `command`; returns its exit status (None after `timeout_s`) and what it printed.

    Its folder is that of the log. Each line passes through `clean` before it goes anywhere. `on_line` and
    `on_tick` (every `TICK_S`) are called on this thread. It ends with this process, with all that it started.
    Raises Cancelled, and InstallFailed when it cannot be started.
    """
    words = [*guard_command(), *map(str, command)]
    detached: dict[str, object] = (
        {"creationflags": 0x08000000}  # CREATE_NO_WINDOW
        if sys.platform == "win32"
        else {"start_new_session": True}  # a Ctrl+C in our terminal is for us alone
    )
    try:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=Path(log.name).parent,
            env=environment,
            **detached,  # type: ignore[call-overload]
        )
    except OSError as error:
        raise InstallFailed(
            f"{Path(words[0]).name} cannot be started ({error.strerror}). Close other programs, then try "
            "again.",
            detail=str(error),
        ) from error
    lines: queue.Queue[bytes | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(child, lines), daemon=True, name="child output")
    reader.start()
    cancellation.on_cancel(lambda: lines.put(_CANCELLED))
    said: list[str] = []
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    next_tick = time.monotonic()
    try:
        while True:
            now = time.monotonic()
            if now >= next_tick:
                if on_tick is not None:
                    on_tick()
                # However long a look takes, most of the time is the program's.
                next_tick = max(now + TICK_S, time.monotonic() + 10 * (time.monotonic() - now))
            if deadline is not None and now >= deadline:
                return None, "\n".join(said)
            try:
                raw = lines.get(timeout=max(0.0, next_tick - time.monotonic()))
            except queue.Empty:
                continue
            if raw is None:
                return child.wait(), "\n".join(said)
            if raw is _CANCELLED:
                raise Cancelled("It was cancelled.")
            line = clean(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
            log.write(line.encode() + b"\n")
            log.flush()
            said.append(line)
            del said[:-LONGEST_OUTPUT]
            if on_line is not None:
                on_line(line)
    finally:
        cancellation.on_cancel(None)
        _end(child)
        reader.join()
        if child.stdout is not None:
            child.stdout.close()


def _read(child: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert child.stdout is not None
    with suppress(OSError, ValueError):
        for line in child.stdout:
            lines.put(line)
    lines.put(None)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, if it still runs."""
    if child.stdin is not None:
        with suppress(OSError):
            child.stdin.close()  # the guard sees it and ends the program
    try:
        child.wait(TERMINATE_GRACE_S)
    except subprocess.TimeoutExpired:
        import psutil  # a tenth of the start-up: only who needs it pays

        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(child.pid).children(recursive=True)
            for process in below:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    process.kill()
        with suppress(subprocess.TimeoutExpired):
            child.wait(TERMINATE_GRACE_S)  # the guard's own end tells that all are gone
        child.kill()
        child.wait()
