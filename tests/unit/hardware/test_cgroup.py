"""Control groups of both versions, from files as those systems hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.hardware.cgroup import MemoryLimit, cpu_quota, memory_limit, swap_left

GIB = 1 << 30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_no_groups_no_limits(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
    assert memory_limit(tmp_path) is None


def test_version_2_in_a_container_with_its_own_namespace(tmp_path: Path) -> None:
    # docker run --cpus 1.5 --memory 2g
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory.current": f"{GIB}\n",
            "sys/fs/cgroup/memory.stat": f"anon 1000\nfile 900\ninactive_file {GIB // 2}\n",
        },
    )
    assert cpu_quota(root) == 1.5
    assert memory_limit(root) == MemoryLimit(2 * GIB, 3 * GIB // 2)


def test_version_2_a_limit_on_a_level_above_counts(tmp_path: Path) -> None:
    # A systemd slice with CPUQuota=50% and MemoryMax=1G around a service without limits.
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/user-1000.slice/app.scope\n",
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/user.slice/cpu.max": "50000 100000\n",
            "sys/fs/cgroup/user.slice/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/user.slice/memory.current": "1048576\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/memory.max": "max\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/app.scope/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/app.scope/memory.max": f"{8 * GIB}\n",
            "sys/fs/cgroup/user.slice/user-1000.slice/app.scope/memory.current": "1048576\n",
        },
    )
    assert cpu_quota(root) == 0.5
    assert memory_limit(root) == MemoryLimit(GIB, GIB - 1048576)


def test_version_1_in_a_container_where_proc_tells_the_hosts_path(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/01\n4:memory:/docker/01\n1:name=systemd:/docker/01\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3 * GIB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"cache 1\ninactive_file 5\ntotal_inactive_file {GIB}\n",
        },
    )
    assert cpu_quota(root) == 2.0
    assert memory_limit(root) == MemoryLimit(4 * GIB, 2 * GIB)


def test_version_1_without_limits(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
        },
    )
    assert cpu_quota(root) is None
    assert memory_limit(root) is None


def test_rubbish_is_no_limit_and_a_path_cannot_climb_out(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "nonsense\n0::/../../etc\n",
            "sys/fs/cgroup/cgroup.controllers": "",
            "sys/fs/cgroup/cpu.max": "lots 0\n",
            "sys/fs/cgroup/memory.max": "plenty\n",
        },
    )
    assert cpu_quota(root) is None
    assert memory_limit(root) is None


def test_swap_is_what_the_groups_leave_of_it(tmp_path: Path) -> None:
    # docker run --memory 2g --memory-swap 2g: no swap at all.
    files = {
        "proc/self/cgroup": "0::/a/b\n",
        "sys/fs/cgroup/cgroup.controllers": "memory\n",
        "sys/fs/cgroup/a/memory.swap.max": f"{GIB}\n",
        "sys/fs/cgroup/a/memory.swap.current": f"{GIB // 4}\n",
        "sys/fs/cgroup/a/b/memory.swap.max": "max\n",
    }
    assert swap_left(write(tmp_path, files)) == GIB // 4 * 3
    assert swap_left(write(tmp_path, {"sys/fs/cgroup/a/b/memory.swap.max": "0\n"})) == 0


@pytest.mark.parametrize("number", ["9" * 5000, "-5", "1e9", "٤٢", "0"])
def test_numbers_that_cannot_be(tmp_path: Path, number: str) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/" + "deep/" * 3000 + "\n",
            "sys/fs/cgroup/cgroup.controllers": "",
            "sys/fs/cgroup/cpu.max": f"{number} {number}\n",
            "sys/fs/cgroup/memory.max": f"{number}\n",
        },
    )
    assert cpu_quota(root) is None
    assert memory_limit(root) is None


def test_a_usage_that_cannot_be_leaves_the_limit(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "sys/fs/cgroup/cgroup.controllers": "",
            "sys/fs/cgroup/memory.max": f"{GIB}\n",
            "sys/fs/cgroup/memory.current": "9" * 5000,
            "sys/fs/cgroup/memory.stat": "inactive_file -1\n",
        },
    )
    assert memory_limit(root) == MemoryLimit(GIB, GIB)
