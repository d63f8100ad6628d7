"""What a Linux control group (a container, a systemd unit) leaves this process: processor time, memory.

Version 2 has one tree; version 1 has one for each controller. A limit on any level above counts, and
the smallest decides. `root` is the file system's root, so that other systems' files can be read in tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.hardware.reading import ROOT, text, whole_number

NO_LIMIT_V1 = 1 << 60
"""Version 1 says "no limit" with the largest page-aligned number; anything near it is none."""
MOST = (1 << 64) - 1
DEEPEST = 64
"""Levels of groups that are looked at; systemd makes fewer than ten."""


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """A limit in bytes and what is left of it. Page cache that can be dropped counts as left."""

    limit: int
    left: int


def cpu_quota(root: Path = ROOT) -> float | None:
    """How many processors' worth of time the groups grant, or None without a limit."""
    quotas = []
    for folder in _folders(root, "cpu"):
        if _is_v2(root):
            quota, _, period = text(folder / "cpu.max").partition(" ")
        else:
            quota, period = text(folder / "cpu.cfs_quota_us"), text(folder / "cpu.cfs_period_us")
        granted, of = whole_number(quota, MOST), whole_number(period, MOST)
        if granted and of:
            quotas.append(granted / of)
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> MemoryLimit | None:
    """The tightest memory limit above this process, or None."""
    v2 = _is_v2(root)
    limit_file, usage_file, inactive = (
        ("memory.max", "memory.current", "inactive_file")
        if v2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    limits = []
    for folder in _folders(root, "memory"):
        limit = whole_number(text(folder / limit_file), NO_LIMIT_V1 - 1)
        if not limit:  # a limit of nothing would have ended this process
            continue
        used = whole_number(text(folder / usage_file), MOST) or 0
        taken = used - _statistic(folder / "memory.stat", inactive)
        limits.append(MemoryLimit(limit, max(0, limit - max(0, taken))))
    return min(limits, key=lambda each: each.left, default=None)


def swap_left(root: Path = ROOT) -> int | None:
    """Bytes of swap that version 2's groups leave this process, or None without a limit.

    Version 1 limits memory and swap only together.
    """
    if not _is_v2(root):
        return None
    left = []
    for folder in _folders(root, "memory"):
        limit = whole_number(text(folder / "memory.swap.max"), NO_LIMIT_V1 - 1)
        if limit is not None:
            left.append(max(0, limit - (whole_number(text(folder / "memory.swap.current"), MOST) or 0)))
    return min(left, default=None)


def _is_v2(root: Path) -> bool:
    return (root / "sys/fs/cgroup/cgroup.controllers").exists()


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The group of this process for `controller`, and those above it.

    Inside a container the path that /proc tells may be the host's, which is not mounted here; the
    mount's own root is then this process's group, and it is always among what is returned.
    """
    mount = root / "sys/fs/cgroup"
    if not _is_v2(root):
        mount /= controller
    group = _group(root, controller)
    while True:
        folder = mount / str(group).lstrip("/")
        if _is_folder(folder):
            yield folder
        if group == group.parent:
            return
        group = group.parent


def _group(root: Path, controller: str) -> PurePosixPath:
    """The path of this process's group, as /proc/self/cgroup tells it (lines "id:controllers:path")."""
    v2 = _is_v2(root)
    for line in text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if path.startswith("/") and (not controllers if v2 else controller in controllers.split(",")):
            return PurePosixPath("/", *[part for part in path.split("/") if part not in ("", "..")][:DEEPEST])
    return PurePosixPath("/")


def _is_folder(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except (OSError, ValueError):  # a name too long for the system, or with a null character
        return False


def _statistic(file: Path, name: str) -> int:
    for line in text(file).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return whole_number(value, MOST) or 0
    return 0
