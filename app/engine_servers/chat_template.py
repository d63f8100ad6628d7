"""A model's chat template, rendered in a process that can be ended.

A template is a program that came with the model. Jinja's sandbox keeps it from the machine, not from looping
forever or from filling the memory, and a thread cannot be stopped. So it runs in `template_worker`, a process
that is ended when it takes too long. Standard library only.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

RENDER_TIMEOUT_S = 5.0
"""A template takes milliseconds."""
START_TIMEOUT_S = 120.0
"""The worker imports for two seconds, on a busy machine for far longer."""


class TemplateFailed(Exception):
    """The template refused the messages, or did not come to an end; the text says which."""


class ChatTemplate:
    """One model's template. Any thread; one message list is rendered at a time."""

    def __init__(
        self,
        template: str | None,
        special_tokens: Mapping[str, str],
        *,
        command: Sequence[str] = (sys.executable, "-P", "-s", "-m", "app.engine_servers.template_worker"),
        timeout_s: float = RENDER_TIMEOUT_S,
    ) -> None:
        self._set_up = json.dumps({"template": template, "special_tokens": dict(special_tokens)})
        self._missing = template is None
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the worker, so that the first message need not wait for it. Raises TemplateFailed."""
        if not self._missing:
            with self._lock:
                self._running()

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt for the next reply. Raises TemplateFailed."""
        if self._missing:
            raise TemplateFailed("This model has no chat template: it completes texts, but does not chat.")
        with self._lock:
            answer = self._ask(self._running(), json.dumps(list(messages)), self._timeout_s)
        if "text" in answer:
            return str(answer["text"])
        raise TemplateFailed(f"The model's chat template refused these messages: {answer.get('refused')}")

    def close(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            _end(worker)

    def _running(self) -> subprocess.Popen[str]:
        worker = self._worker
        if worker is None or worker.poll() is not None:
            worker = self._worker = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            self._ask(worker, self._set_up, START_TIMEOUT_S)
        return worker

    def _ask(self, worker: subprocess.Popen[str], question: str, timeout_s: float) -> dict[str, object]:
        """One line there, one line back."""
        assert worker.stdin is not None
        assert worker.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            worker.kill()

        timer = threading.Timer(timeout_s, end)
        timer.start()
        line = ""
        try:
            with suppress(OSError):  # it ended: there is no line
                worker.stdin.write(question + "\n")
                worker.stdin.flush()
                line = worker.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self._worker = None
            _end(worker)
            raise TemplateFailed(
                f"The model's chat template did not come to an end within {timeout_s:g} s."
                if late.is_set()
                else "The model's chat template took more memory than it may."
            )
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    with suppress(OSError):
        worker.communicate()
