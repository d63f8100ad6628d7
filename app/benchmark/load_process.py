"""The process that puts load on an engine, as the app sees it: does a round at a time, and can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import app
from app.benchmark.load_messages import LoadJob, Pieces, read_message, write_job
from app.domain.errors import Cancelled, EdgewiseError, EngineTimeout
from app.domain.generation import Cancellation
from app.domain.own_program import own_program
from app.domain.speed_test import Round

FLAG = "--load-worker"
"""What makes a frozen app a worker; see `app.__main__`."""
_TAIL = 40
"""Lines kept of what a worker says besides messages: a traceback."""
_TRACEBACK = "Traceback (most recent call last)"


class LoadWorkerGone(EdgewiseError):
    """The process that puts load on an engine did not start, or ended by itself."""


class LoadProcess:
    """One worker after another: a new one is started when the last one was killed or has ended.

    One thread at a time may call; a `Cancellation` may be thrown by any.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls) -> LoadProcess:
        """With a worker that is on its way, so that the first round finds it ready. Raises LoadWorkerGone."""
        load = cls()
        load._process = _start()
        return load

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while there is none."""
        return None if self._process is None else self._process.pid

    def round(
        self,
        job: LoadJob,
        cancellation: Cancellation,
        timeout_s: float,
        on_pieces: Callable[[int], None] = lambda _: None,
    ) -> Round:
        """Do `job`, and return what was measured. Blocks.

        `on_pieces` hears on this thread how many pieces have come by now, at most ten times a second. What
        goes wrong with single requests is said in their samples. Raises Cancelled; EngineTimeout if the round
        takes longer than `timeout_s`; LoadWorkerGone. After each of them the worker is gone, and with it its
        connections.
        """
        if cancellation.cancelled:
            raise _cancelled()
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
        cut = _Cut(self._process)
        timer = threading.Timer(timeout_s, cut, args=("late",))
        timer.daemon = True
        timer.start()
        cancellation.on_cancel(lambda: cut("cancelled"))
        try:
            done, said = _ask(self._process, job, on_pieces)
        except BaseException:
            cut("failed")
            raise
        finally:
            cancellation.on_cancel(None)
            timer.cancel()
            cut.over()
            if cut.why:
                self.close()
        if cut.why == "cancelled":
            raise _cancelled()
        if done is not None:
            return done
        if cut.why:
            raise EngineTimeout(
                f"The engine did not answer {_requests(job)} within {timeout_s:.0f} s.", detail=said
            )
        process, self._process = self._process, None
        raise _gone(_end(process), said, job.address.api_key)

    def close(self) -> None:
        """End the worker at once, if there is one, and wait until it is gone. It may be used again."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(OSError):
                process.kill()
            _end(process)


class _Cut:
    """Kills a worker once, and remembers why; not any more once its round is over. Any thread may call."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.why = ""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = process

    def __call__(self, why: str) -> None:
        with self._lock:
            if self._process is not None and not self.why:
                self.why = why
                with suppress(OSError):
                    self._process.kill()

    def over(self) -> None:
        with self._lock:
            self._process = None


def _ask(
    process: subprocess.Popen[bytes], job: LoadJob, on_pieces: Callable[[int], None]
) -> tuple[Round | None, str]:
    """What the worker measured, None if it ended before; and what it said besides messages."""
    assert process.stdin is not None
    assert process.stdout is not None
    said: deque[str] = deque(maxlen=_TAIL)
    with suppress(OSError):  # it has ended: its exit says why
        process.stdin.write(write_job(job))
        process.stdin.flush()
    for line in process.stdout:
        message = read_message(line)
        if isinstance(message, Pieces):
            on_pieces(message.count)
        elif isinstance(message, Round):
            return message, ""
        else:
            said.append(line.decode("utf-8", errors="replace").rstrip())
    return None, "\n".join(said)


def _start() -> subprocess.Popen[bytes]:
    detached: dict[str, object] = (
        {"creationflags": 0x08000000}  # CREATE_NO_WINDOW
        if sys.platform == "win32"
        else {"start_new_session": True}  # a Ctrl+C in our terminal is for us alone
    )
    try:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=Path(app.__file__).parents[1],  # where `-m` finds the app
            env=os.environ,
            **detached,  # type: ignore[call-overload]
        )
    except OSError as error:
        raise LoadWorkerGone(
            "The process that measures cannot be started. Close other programs, then try again.",
            detail=str(error),
        ) from error
    return process


def _command() -> list[str]:
    if (program := own_program()) is not None:  # a frozen app has no interpreter to call; __main__ dispatches
        return [program, FLAG]
    return [sys.executable, "-m", "app.benchmark.load_worker"]


def _end(process: subprocess.Popen[bytes]) -> int:
    """Wait until it is gone, and close what led to it; returns its exit status."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what it never read
                pipe.close()
    return process.wait()


def _gone(status: int, said: str, key: str) -> LoadWorkerGone:
    detail = f"exit status {status}\n{said}".strip()
    if key:
        detail = detail.replace(key, "…")
    if _TRACEBACK in said:
        return LoadWorkerGone(
            "The measuring ended because of a mistake in Edgewise. Please report it, with the log.",
            detail=detail,
        )
    return LoadWorkerGone("The process that measures was ended from outside.", detail=detail)


def _requests(job: LoadJob) -> str:
    return "a request" if len(job.prompts) == 1 else f"{len(job.prompts)} requests at once"


def _cancelled() -> Cancelled:
    return Cancelled("It was cancelled.")
