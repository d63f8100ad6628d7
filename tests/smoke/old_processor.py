r"""A bare system whose every program runs on an older processor, by qemu's emulation.

The kernel gives whatever is started to qemu: binfmt_misc, mounted in a user namespace of its own, knows that
for the processes in it alone (since Linux 6.7). So the app's children and theirs are emulated, too.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.smoke.bare_system import SYSTEM_PATH, BareSystem

QEMU = "qemu-x86_64-static"

# Programs for x86-64 whose first program header is PT_PHDR: all that are linked dynamically. qemu itself is
# linked statically, and not meant: it would be given to itself.
_HEADER = {0: b"\x7fELF\x02\x01\x01", 18: b"\x3e\x00", 64: b"\x06\x00\x00\x00"}
_LENGTH = 68

FIRST_PROCESS = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
ip link set lo up
mount -t binfmt_misc none "$1/mnt"
printf %s "$2" >"$1/mnt/register"
root=$1
shift 2
exec chroot "$root" env -i "$@"
"""


def registration() -> str:
    """The line that tells binfmt_misc to start such programs by qemu."""
    magic, mask = bytearray(_LENGTH), bytearray(_LENGTH)
    for offset, content in _HEADER.items():
        magic[offset : offset + len(content)] = content
        mask[offset : offset + len(content)] = b"\xff" * len(content)
    escaped = ("".join(f"\\x{byte:02x}" for byte in part) for part in (magic, mask))
    # F: opened now, from here; in the system it is not to be found.
    return f":emulated:M::{':'.join(escaped)}:{shutil.which(QEMU)}:F"


def can_emulate() -> bool:
    """Whether this kernel keeps such registrations apart."""
    mount = ["mount", "-t", "binfmt_misc", "none", "/mnt"]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", *mount],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0


def run(system: BareSystem, processor: str, home: str, words: Sequence[str], timeout_s: float) -> str:
    """Run `words` in `system` on qemu's `processor`, without a network; what they printed."""
    (system.root / home.lstrip("/")).mkdir(parents=True)
    variables = (f"QEMU_CPU={processor}", f"HOME={home}", f"PATH={SYSTEM_PATH}", "LANG=C.UTF-8")
    done = subprocess.run(
        [
            *("timeout", "--signal=KILL", str(timeout_s)),
            *("unshare", "--map-root-user", "--mount", "--pid", "--net", "--fork", "--kill-child"),
            *("bash", "-c", FIRST_PROCESS, "first", str(system.root), registration(), *variables, *words),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={"PATH": SYSTEM_PATH, "QEMU_CPU": processor},
    )
    assert done.returncode == 0, (
        f"{' '.join(words)} ended with {done.returncode} on {processor}:\n{done.stdout}"
    )
    return done.stdout


def logs(system: BareSystem, home: str) -> list[Path]:
    """What llama.cpp's server wrote for the person at home there."""
    return sorted(system.root.glob(f"{home.lstrip('/')}/.local/state/Edgewise/log/llama_cpp-*.log"))
