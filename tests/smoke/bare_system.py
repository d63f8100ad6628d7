"""A minimal Debian that runs: file system, processes and network of its own, the kernel of this machine.

Its mounts and processes belong to namespaces, whose first process ends when our end of a pipe closes. So
nothing is left behind, however a test ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.processes import is_alive
from tests.smoke import base_system

# Bash reaps whatever loses its parent, while it waits for `cat`; that ends with our end of the pipe.
FIRST_PROCESS = """
set -e
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
mkdir -p -m 1777 /tmp/.X11-unix "$1/tmp/.X11-unix"
mount --bind /tmp/.X11-unix "$1/tmp/.X11-unix"
mount --bind "$2" "$1/var/cache/apt/archives"
ip link set lo up
echo ready
cat >/dev/null
"""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
SOME_OUTPUT = 4000
NOT_LISTED = (
    *("/proc", "/sys", "/dev", "/run", "/srv", "/tmp/.X11-unix"),
    *("/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/cache/debconf", "/var/log"),
)


def namespace_of(pid: int) -> int:
    """What tells the process namespace of `pid` from others. Raises OSError when that has ended."""
    return Path(f"/proc/{pid}/ns/pid").stat().st_ino


class BareSystem:
    """One of them, in `root`. To be used by `with`."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.root = base_system.unpack(suite)
        packages = base_system.CACHE / f"{suite}-packages"  # what apt fetched once it need not fetch again
        (packages / "partial").mkdir(parents=True, exist_ok=True)
        self._unshare = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"),
                *("bash", "-c", FIRST_PROCESS, "first", str(self.root), str(packages)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert self._unshare.stdout is not None
            assert self._unshare.stdout.readline() == "ready\n", "the system's mounts failed"
            self.first = psutil.Process(self._unshare.pid).children()[0].pid
            self._namespace = namespace_of(self.first)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> BareSystem:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs in it, and remove it. Its mounts go with its processes."""
        assert self._unshare.stdin is not None
        assert self._unshare.stdout is not None
        self._unshare.stdin.close()
        self._unshare.stdout.close()
        self._unshare.wait(timeout=60)
        shutil.rmtree(self.root)

    def command(
        self,
        words: Sequence[str],
        *,
        uid: int = 0,
        environment: Mapping[str, str] | None = None,
        folder: str = "/",
        network: bool = False,
    ) -> list[str]:
        """What to start here so that `words` run in there. Without `network` there is its loopback alone."""
        variables = {"PATH": SYSTEM_PATH, "HOME": "/root", **(environment or {})}
        return [
            *("nsenter", f"--target={self.first}", "--mount", "--pid", *([] if network else ["--net"]), "--"),
            *("chroot", f"--userspec={uid}:{uid}", "--groups=", str(self.root)),
            *("env", "-i", f"--chdir={folder}", *(f"{name}={value}" for name, value in variables.items())),
            *words,
        ]

    def run(self, *words: str, timeout_s: float = 60, check: bool = True, **more: Any) -> str:
        """Run `words` to their end, as root unless `uid` is given; what they printed."""
        done = subprocess.run(
            self.command(words, **more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
        if check:
            said = done.stdout[-SOME_OUTPUT:]
            assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{said}"
        return done.stdout

    def apt_get(self, *words: str) -> str:
        """Run apt-get, which alone may use the network."""
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        return self.run(
            # This system lives for minutes: what it writes need not reach the disk.
            *("apt-get", "--yes", "--quiet", "-o", "Dpkg::Options::=--force-unsafe-io", *words),
            environment={"DEBIAN_FRONTEND": "noninteractive", **proxies},
            network=True,
            timeout_s=600,
        )

    def bring(self, file: Path, name: str) -> str:
        """Put a file of this machine into the system's /srv; where it lies there."""
        target = self.root / "srv" / name
        try:
            os.link(file, target)
        except OSError:  # another file system
            shutil.copyfile(file, target)
        return f"/srv/{name}"

    def processes(self, uid: int | None = None) -> list[psutil.Process]:
        """What runs in it, of one user or of all; its first process aside."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = namespace_of(process.pid) == self._namespace
                if mine and is_alive(process) and uid in (None, process.uids().real):
                    found.append(process)
            except (psutil.NoSuchProcess, OSError):
                continue
        return [process for process in found if not self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.pid == self.first or (process.ppid() == self.first and process.name() == "cat")
        except psutil.NoSuchProcess:
            return True

    def files(self) -> set[str]:
        """Every path in it but those of the kernel and of dpkg's, debconf's and apt's own records."""
        found: set[str] = set()
        for folder, folders, names in os.walk(self.root):
            inside = "" if folder == str(self.root) else "/" + os.path.relpath(folder, self.root)
            folders[:] = [name for name in folders if f"{inside}/{name}" not in NOT_LISTED]
            found.update(f"{inside}/{name}" for name in (*folders, *names))
        return found
