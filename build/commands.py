"""Run other programs for the setup: their output goes to one log, a failure becomes one sentence."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LINES_SHOWN = 20
"""How much of a failed program's output is repeated on the screen; the log has all of it."""


class SetupFailed(Exception):
    """Something a person can act on. The text is shown as it is."""


def exit_status(work: Callable[[], None]) -> int:
    """Do a program's `work`; a failure that a person can act on becomes a sentence, and 1 or 130."""
    try:
        work()
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command to go on.", file=sys.stderr)
        return 130
    return 0


class Runner:
    """Runs programs in the project's folder and keeps what they say in `log`."""

    def __init__(self, folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.log = log
        self.environment = dict(environment)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("", encoding="utf-8")

    def run(
        self, what: str, command: Sequence[str | Path], on_line: Callable[[str], None] | None = None
    ) -> str:
        """Run `command` to its end and return what it printed; `what` names it if it fails."""
        words = [str(word) for word in command]
        said: list[str] = []
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(words)}\n")
            log.flush()
            try:
                process = subprocess.Popen(
                    words,
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                raise SetupFailed(f"{what} failed: {error}") from error
            with process:
                assert process.stdout is not None
                for line in process.stdout:
                    log.write(line)
                    log.flush()
                    said.append(line)
                    if on_line is not None:
                        on_line(line)
        if process.returncode != 0:
            tail = "".join(deque(said, LINES_SHOWN)).rstrip()
            raise SetupFailed(
                f"{tail}\n\n{what} failed (exit {process.returncode}). The whole log: {self.log}"
            )
        return "".join(said)
