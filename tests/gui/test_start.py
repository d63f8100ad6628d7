"""What a start of the window does without."""

from __future__ import annotations

import subprocess
import sys

NOT_NEEDED = (
    "http.client",
    "psutil",
    "ssl",
    "truststore",
    "app.engines.http_exchange",
    "app.engines.process",
    "app.engines.recognise",
    "app.hardware",
    "app.ui.settings.page",
)
"""Takes together longer to import than the window to paint; needed once a model is loaded, or later."""


def test_importing_the_window_imports_nothing_that_can_wait() -> None:
    program = f"import sys, app.ui.opening; print([n for n in {NOT_NEEDED!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
