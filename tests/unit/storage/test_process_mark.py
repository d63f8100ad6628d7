"""A process is told from one that got its number later, and from one that is gone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import psutil

from app.storage.process_mark import ProcessMark


def test_this_process_runs_and_one_of_its_number_that_began_earlier_does_not() -> None:
    mark = ProcessMark.of_this()
    assert mark.runs()
    assert replace(mark, began=mark.began + 1).runs()  # the clock was set
    assert not replace(mark, began=mark.began - 3600).runs()


def test_a_process_that_ended_does_not_run_also_before_anybody_asked_for_its_status() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        mark = ProcessMark(process.pid, psutil.Process(process.pid).create_time())
        assert mark.runs()
        process.kill()
        assert process.stdout is not None
        process.stdout.read()  # its end: from here on it is a zombie, or about to be one
        psutil.wait_procs([psutil.Process(process.pid)], timeout=0)
        process.wait()
    assert not mark.runs()
