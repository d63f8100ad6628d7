"""A download's worker, as the app sees it: a child process that tells how far it is, and can be killed."""

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
from app.domain.errors import HubError, HubUnreachable
from app.domain.own_program import own_program
from app.models.download_messages import DownloadJob, Failed, Message, Progress, read_message, write_job
from app.models.hub_errors import without_secrets

FLAG = "--download-worker"
"""What makes a frozen app a worker; see `app.__main__`."""
_TAIL = 40
"""Lines kept of what a worker says besides messages: a traceback."""
_TRACEBACK = "Traceback (most recent call last)"


class DownloadProcess:
    """One worker. `on_message` gets its progress, and one last message; always from a thread of its own."""

    def __init__(self, job: DownloadJob, on_message: Callable[[Message], None]) -> None:
        """Start it. Raises HubError when the process cannot be started."""
        self._on_message = on_message
        detached: dict[str, object] = (
            {"creationflags": 0x08000000}  # CREATE_NO_WINDOW
            if sys.platform == "win32"
            else {"start_new_session": True}  # a Ctrl+C in our terminal is for us alone
        )
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                _command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=Path(app.__file__).parents[1],  # where `-m` finds the app
                env={**os.environ, "HF_HUB_DISABLE_XET": "1"},
                **detached,  # type: ignore[call-overload]
            )
        except OSError as error:
            raise HubError(
                "The download’s process cannot be started. Close other programs, then try again.",
                detail=str(error),
            ) from error
        self._reader = threading.Thread(target=self._read, args=(job,), daemon=True, name="download")
        self._reader.start()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once; returns before it has ended (`wait`)."""
        with suppress(OSError):
            self._process.kill()

    def wait(self) -> None:
        """Block until it has ended and its last message was handed on."""
        self._reader.join()

    def _read(self, job: DownloadJob) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with suppress(OSError):  # it ended before it read its job: its exit says why
            stdin.write(write_job(job))
            stdin.flush()
        last: Message | None = None
        said: deque[str] = deque(maxlen=_TAIL)
        for line in stdout:
            message = read_message(line)
            if message is None:
                said.append(line.decode("utf-8", errors="replace").rstrip())
            elif isinstance(message, Progress):
                self._on_message(message)
            else:
                last = message
        status = self._process.wait()
        stdout.close()
        with suppress(OSError):
            stdin.close()
        self._on_message(last or Failed(_unexpected(status, "\n".join(said))))


def _command() -> list[str]:
    if (program := own_program()) is not None:  # a frozen app has no interpreter to call; __main__ dispatches
        return [program, FLAG]
    return [sys.executable, "-m", "app.models.download_worker"]


def _unexpected(status: int, said: str) -> HubError:
    """What to say of a worker that ended without a last message."""
    detail = without_secrets(f"exit status {status}\n{said}".strip())
    if _TRACEBACK in said:  # it would do the same again
        return HubError(
            "The download ended because of a mistake in Edgewise. Please report it, with the log.",
            detail=detail,
        )
    # Killed from outside, by a system short of memory say: like any other interruption.
    return HubUnreachable("The download was interrupted.", detail=detail)
