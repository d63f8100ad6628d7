"""An engine as a child process: started, watched until it is ready, stopped, its log kept.

Nothing here knows a particular engine; adapters say what to run (`base.Launch`).
"""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.domain.errors import EngineMissing, EngineStartFailed
from app.domain.generation import Cancellation
from app.domain.own_program import own_program
from app.engines import guard
from app.engines.base import HOST, Launch

POLL_INTERVAL_S = 0.02
TELL_INTERVAL_S = 0.5
STOP_TIMEOUT_S = guard.TERMINATE_GRACE_S + 2.0
LOG_TAIL_BYTES = 256 * 1024
"""What `read_log` returns at most; a log is read by people."""
KEPT_LOGS = 20


def free_port() -> int:
    """A loopback port nobody listens on right now. Another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def new_api_key() -> str:
    """A key that other users and web pages on this machine cannot guess."""
    return secrets.token_urlsafe(32)


class EngineProcess:
    """One running engine. Made by `start`; methods may be called from any thread."""

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self._process = process
        self.log_path = log_path
        self._stop_lock = threading.Lock()
        self._never_ready = False

    @classmethod
    def start(cls, launch: Launch, *, log_path: Path) -> EngineProcess:
        """Start the process; it is not ready yet (`wait_until_ready`).

        Raises EngineMissing when its program cannot be run, EngineStartFailed when its log cannot be kept.
        """
        try:
            log_path.parent.mkdir(parents=True, exist_ok=True)
            _forget_old_logs(log_path.parent)
            log = log_path.open("wb")
        except OSError as error:
            raise EngineStartFailed(
                f"The engine's log cannot be written to {log_path.parent} ({error.strerror}). "
                "Free some space there, or check its permissions.",
                detail=str(error),
            ) from error
        detached: dict[str, object] = (
            {"creationflags": 0x08000000}  # CREATE_NO_WINDOW
            if sys.platform == "win32"
            else {"start_new_session": True}  # a Ctrl+C in our terminal is for us alone
        )
        with log:
            try:
                process: subprocess.Popen[bytes] = subprocess.Popen(
                    [*guard_command(), *launch.argv],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(launch.env, launch.env_without),
                    **detached,  # type: ignore[call-overload]
                )
            except OSError as error:
                raise EngineMissing("The engine's program cannot be run.", detail=str(error)) from error
        return cls(process, log_path)

    @property
    def pid(self) -> int:
        """The guard's process id; the engine is its child."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs, or if it was stopped because it never became ready; 128 + signal if killed."""
        if self._never_ready:
            return None
        status = self._process.poll()
        return status if status is None or status >= 0 else 128 - status

    def wait_until_ready(
        self,
        *,
        port: int,
        path: str,
        timeout_s: float,
        cancellation: Cancellation,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Block until `path` answers 200. Otherwise stop the process and raise EngineStartFailed.

        `on_wait` is called on this thread every `TELL_INTERVAL_S`. The error's detail is the log.
        `exit_status` is None after a start that never became ready.
        """
        deadline = time.monotonic() + timeout_s
        told = time.monotonic()
        woken = threading.Event()
        cancellation.on_cancel(woken.set)
        try:
            while self.exit_status is None and time.monotonic() < deadline and not woken.is_set():
                # Another program may have taken the port, and it may answer 200 to anything.
                if _answers(port, path) and _listens(self.pid, port):
                    return
                if time.monotonic() - told >= TELL_INTERVAL_S:
                    on_wait()
                    told = time.monotonic()
                woken.wait(POLL_INTERVAL_S)
        finally:
            cancellation.on_cancel(None)
        ended_itself = self.exit_status is not None
        self.stop(at_once=woken.is_set())
        if woken.is_set():
            raise EngineStartFailed("The start was cancelled.")
        self._never_ready = not ended_itself
        raise EngineStartFailed("The engine did not become ready.", detail=self.read_log())

    def wait(self) -> int:
        """Block until the process ends; returns `exit_status`."""
        status = self._process.wait()
        return status if status >= 0 else 128 - status

    def stop(self, *, at_once: bool = False) -> None:
        """End the process and everything it started. Returns when it has ended.

        It is asked to end and has `guard.TERMINATE_GRACE_S` for it; `at_once` it is killed without being
        asked, also where another thread is waiting for it to end.
        """
        if at_once:
            self._kill()
        with self._stop_lock:
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()  # the guard sees it and ends the engine
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.returncode < 0 and sys.platform != "win32":
                _kill_session(self.pid)

    def _kill(self) -> None:
        pipe = self._process.stdin
        try:
            if pipe is not None:
                pipe.write(guard.BY_FORCE)
                pipe.flush()
        except BrokenPipeError:  # it has ended
            pass
        except (OSError, ValueError):  # closed: it was asked already
            if sys.platform == "win32":
                self._process.kill()  # and the engine goes with its guard's job
            else:
                self._process.send_signal(signal.SIGUSR1)

    def read_log(self) -> str:
        """The end of the engine's log."""
        try:
            with self.log_path.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - LOG_TAIL_BYTES))
                return log.read().decode("utf-8", errors="replace")
        except OSError:
            return ""


def guard_command() -> list[str]:
    """What stands before a command so that it ends with this process; see `app.engines.guard`."""
    if (program := own_program()) is not None:  # a frozen app has no interpreter to call; __main__ dispatches
        return [program, "--engine-guard"]
    return [sys.executable, "-I", "-S", guard.__file__]


def _environment(added: Mapping[str, str], without: Sequence[str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(tuple(without) or "\0")
    }
    return {**kept, **added}


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2.0)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listens(guard_pid: int, port: int) -> bool:
    """Whether what runs under the guard listens at `port`; true as well where that may not be seen."""
    import psutil  # a tenth of the start-up: only who asks pays

    try:
        for process in psutil.Process(guard_pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                connections = process.net_connections("tcp")
                if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
                    return True
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return False


def _kill_session(guard_pid: int) -> None:
    """End what a guard that was itself killed left behind; it had made a session of its own.

    The kernel ends the engine with its guard, but not what the engine had started.
    """
    import psutil

    def members() -> list[int]:
        found = []
        for pid in psutil.pids():
            with suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) == guard_pid:
                    found.append(pid)
        return found

    guard.kill_all(members)


def _forget_old_logs(folder: Path) -> None:
    logs: list[tuple[float, Path]] = []
    for path in folder.glob("*.log"):
        with suppress(OSError):  # another Edgewise tidies too
            logs.append((path.stat().st_mtime, path))
    for _, path in sorted(logs)[: -KEPT_LOGS + 1]:
        with suppress(OSError):  # Windows keeps a log that is still open
            path.unlink()
