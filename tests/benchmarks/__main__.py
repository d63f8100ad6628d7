"""`python -m tests.benchmarks [name …]`: runs the benchmarks and prints one JSON object.

Each runs in a process of its own, one after another. Figures are for reading, not for passing: the exit
status is 0 unless a benchmark breaks. Be alone on the machine: `load_average` says whether one was.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.figures import load_average, machine, versions

BENCHMARKS = (
    "decode",
    "first_token",
    "start",
    "transcript",
    "open_conversation",
    "engine",
    "probe",
    "forecast",
    "advice",
    "library",
    "library_view",
    "load_client",
)
ONE = "--one"


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] == [ONE]:
        measured = importlib.import_module(f"tests.benchmarks.{arguments[1]}").measure()
        print(json.dumps(measured))
        return 0
    unknown = [name for name in arguments if name not in BENCHMARKS]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. There is: {', '.join(BENCHMARKS)}.")
        return 2
    report: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "machine": machine(),
        "benchmarks": {},
    }
    broken = False
    for name in arguments or BENCHMARKS:
        print(f"{name}…", file=sys.stderr, flush=True)
        before = load_average()
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks", ONE, name], stdout=subprocess.PIPE, text=True
        )
        if done.returncode == 0:
            measured = json.loads(done.stdout.splitlines()[-1])
            measured["load_average_before"] = round(before[0], 2) if before else None
        else:
            measured = {"broken": f"exit status {done.returncode}"}
            broken = True
        report["benchmarks"][name] = measured
    print(json.dumps(report, indent=2))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
