"""Keeps an engine from outliving the app, whatever kills the app.

Run as a program of its own between the app and an engine: ``guard COMMAND ARGUMENT...``. Its standard
input is a pipe whose other end only the app holds. When the app ends, however it ends, the pipe closes
and the guard ends the engine with everything the engine started. When the engine ends by itself, the
guard ends what is left of its children and passes its exit status on (128 + signal, as shells do).

An engine is asked to end and has some seconds for it; `BY_FORCE`, written into the pipe, ends it at once, and
once the pipe is closed so does SIGUSR1.

If the guard itself is killed: on Linux the kernel sends the engine a parent-death signal; on Windows the
job object that holds the engine closes with its last handle. macOS has neither, there the engine would
stay; nothing but a person kills a guard there.

Standard library only, and no import from the app: it starts with ``python -I -S`` in some 20 ms and
takes about 8 MB, in the app's environment or in a frozen bundle.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

TERMINATE_GRACE_S = 3.0
"""Time an engine has between the polite signal and the final one."""
CLEANING_GRACE_S = 1.0
"""Time that Python's resource tracker has, once all others of an engine are dead, to remove their shared
memory: hundreds of megabytes with vLLM, which else stay until the machine is started anew."""
BY_FORCE = b"!"
"""What the app writes before it closes the pipe where nobody is to wait for the engine's own way to end."""
HURRIED_CLEANING_GRACE_S = 0.4
"""`CLEANING_GRACE_S` then: the tracker takes some hundredths of a second where nothing hangs."""
_CLEANER = b"multiprocessing.resource_tracker"

NOT_STARTED = 127
"""Exit status when the command could not be run at all, as shells use it."""


def main(command: list[str]) -> int:
    """Run `command` under guard; returns its exit status."""
    if not command:
        sys.stderr.write("usage: guard COMMAND [ARGUMENT...]\n")
        return 2
    if sys.platform == "win32":
        return _windows(command)
    return _posix(command)


def kill_all(members: Callable[[], list[int]], grace_s: float = CLEANING_GRACE_S) -> None:
    """Kill the processes that `members` lists, those last that clean up after the others (Linux).

    These have `grace_s` for it.
    """
    deadline = time.monotonic() + grace_s
    while True:
        cleaners = []
        for pid in members():
            if _cleans_up(pid):
                cleaners.append(pid)
            else:
                _kill(pid)
        if not cleaners or time.monotonic() > deadline:
            break
        time.sleep(0.005)
    for pid in cleaners:
        _kill(pid)


def _cleans_up(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:  # noqa: PTH123  # pathlib costs 10 ms here
            return _CLEANER in words.read()
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


# The checker sees one system at a time; each half is checked where it runs.
if sys.platform != "win32":
    _PR_SET_PDEATHSIG = 1
    _PR_SET_CHILD_SUBREAPER = 36
    _hurried = threading.Event()
    """The app does not wait."""

    def _posix(command: list[str]) -> int:
        libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        if libc is not None:
            # Grandchildren whose parent ended become ours, so that none escapes.
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        guard = os.getpid()
        # Fork before any thread exists. The parent-death signal follows the *thread* that forked; this
        # one lives until the end.
        engine = os.fork()
        if engine == 0:
            os.setpgid(0, 0)
            if libc is not None:
                libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != guard:
                    os._exit(NOT_STARTED)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            try:
                os.execvp(command[0], command)
            except OSError as error:
                os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(NOT_STARTED)
        with contextlib.suppress(OSError):  # both do it, so that the group is there whoever comes first
            os.setpgid(engine, engine)
        signal.signal(signal.SIGTERM, lambda *_: _end(engine))
        signal.signal(signal.SIGUSR1, lambda *_: _end_by_force(engine))
        threading.Thread(target=_watch_app, args=(engine,), daemon=True).start()
        while True:
            pid, status = os.wait()
            if pid == engine:
                break
        _kill_whole_group(engine)
        _kill_adopted()
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def _watch_app(engine: int) -> None:
        while said := os.read(0, 4096):
            if BY_FORCE in said:
                _end_by_force(engine)
        _end(engine)

    def _end(engine: int) -> None:
        _kill_group(engine, signal.SIGTERM)
        threading.Thread(target=_kill_later, args=(engine,), daemon=True).start()

    def _end_by_force(engine: int) -> None:
        _hurried.set()
        _kill_whole_group(engine)

    def _kill_later(engine: int) -> None:
        time.sleep(TERMINATE_GRACE_S)
        _kill_whole_group(engine)

    def _kill_whole_group(engine: int) -> None:
        kill_all(lambda: _group(engine), HURRIED_CLEANING_GRACE_S if _hurried.is_set() else CLEANING_GRACE_S)
        _kill_group(engine, signal.SIGKILL)

    def _group(engine: int) -> list[int]:
        """The processes of the engine's group; none where the system does not list them in /proc."""
        members = []
        with contextlib.suppress(FileNotFoundError):
            for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):  # noqa: PTH208
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    if os.getpgid(pid) == engine:
                        members.append(pid)
        return members

    def _kill_group(engine: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS: EPERM for a zombie
            os.killpg(engine, number)

    def _kill_adopted() -> None:
        """Kill children that we became the parent of, until there is none left (Linux)."""
        children = f"/proc/self/task/{threading.main_thread().native_id}/children"
        while True:
            try:
                with open(children, encoding="ascii") as listing:  # noqa: PTH123  # pathlib costs 10 ms here
                    pids = [int(pid) for pid in listing.read().split()]
            except OSError:
                return
            if not pids:
                return
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

else:  # pragma: no cover - runs on Windows only
    import subprocess
    from ctypes import wintypes

    _JOB_OBJECT_EXTENDED_LIMIT_INFORMATION = 9
    _JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000

    class _BasicLimits(ctypes.Structure):
        _fields_ = [
            ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
            ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        ]

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = [
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_ulonglong * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        ]

    def _windows(command: list[str]) -> int:
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.CreateJobObjectW.restype = wintypes.HANDLE
        kernel32.CreateJobObjectW.argtypes = [ctypes.c_void_p, wintypes.LPCWSTR]
        kernel32.SetInformationJobObject.argtypes = [
            wintypes.HANDLE,
            ctypes.c_int,
            ctypes.c_void_p,
            wintypes.DWORD,
        ]
        kernel32.AssignProcessToJobObject.argtypes = [wintypes.HANDLE, wintypes.HANDLE]
        kernel32.GetCurrentProcess.restype = wintypes.HANDLE
        limits = _ExtendedLimits()
        limits.BasicLimitInformation.LimitFlags = _JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
        job = kernel32.CreateJobObjectW(None, None)
        # The guard puts itself into the job before the engine exists: children are born inside, and the
        # job closes with the guard's handle, however the guard ends.
        if not (
            job
            and kernel32.SetInformationJobObject(
                job, _JOB_OBJECT_EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
            )
            and kernel32.AssignProcessToJobObject(job, kernel32.GetCurrentProcess())
        ):
            sys.stderr.write(f"No job object: {ctypes.WinError(ctypes.get_last_error())}\n")
            return NOT_STARTED
        try:
            engine = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, creationflags=subprocess.CREATE_NO_WINDOW
            )
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error}\n")
            return NOT_STARTED

        def watch_app() -> None:
            while os.read(0, 4096):
                pass
            engine.terminate()  # Windows has no polite signal for a process without a console

        threading.Thread(target=watch_app, daemon=True).start()
        return engine.wait()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status & 0xFF if sys.platform != "win32" else status)
