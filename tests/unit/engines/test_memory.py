"""Memory of a process and its children, as the system counts it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.engines.memory import process_tree, resident_memory

SIZE = 64 << 20
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import sys
kept = bytearray(b"x") * {size}
print("ready", flush=True)
sys.stdin.read()
'''])
child.wait()
"""


@pytest.fixture
def parent_of_a_large_child():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(size=SIZE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline().strip() == b"ready"
        yield parent
        parent.stdin.close()


def test_children_count(parent_of_a_large_child):
    resident = resident_memory(parent_of_a_large_child.pid)
    assert resident is not None
    assert SIZE < resident.total < 3 * SIZE
    if sys.platform == "linux":
        assert resident.of_files is not None
        assert SIZE <= resident.total - resident.of_files < 2 * SIZE


def test_a_process_that_ended_has_none(parent_of_a_large_child):
    parent = parent_of_a_large_child
    parent.stdin.close()
    parent.wait(30)
    assert resident_memory(parent.pid) is None


def test_the_tree_of_a_process(parent_of_a_large_child):
    tree = process_tree(parent_of_a_large_child.pid)
    assert parent_of_a_large_child.pid in tree
    assert len(tree) == 2


def test_a_process_that_is_gone_has_no_tree():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert process_tree(gone.pid) == frozenset()
