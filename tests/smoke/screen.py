"""A screen that nobody sees, and hands and eyes for it: Xvfb, xdotool and ImageMagick of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.faults.waiting import until

SIZE = "1280x860x24"
TITLE = "Edgewise"
KEY_DELAY_MS = 15


class Screen:
    """One X server. Programs in a bare system reach it by its socket's folder. To be used by `with`."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        # Access is granted to all (-ac): it listens on no network.
        self._server = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "TERM", "Xvfb", "-displayfd", str(writer)),
                *("-screen", "0", SIZE, "-nolisten", "tcp", "-ac", "-noreset"),
            ],
            pass_fds=(writer,),
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        self.display = f":{number}"

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.terminate()
        self._server.wait(timeout=30)

    def window(self) -> str | None:
        """The number of Edgewise's window, None while there is none to be seen."""
        done = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", TITLE],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=30,
        )
        return next(iter(done.stdout.split()), None)

    def wait_for_window(self, deadline_s: float = 60) -> str:
        """The number of the window once it is to be seen."""
        until(lambda: self.window() is not None, deadline_s)
        window = self.window()
        assert window is not None
        return window

    def focus(self, window: str) -> None:
        """Give a window the keyboard. Without a window manager nobody else does."""
        self._do("windowfocus", "--sync", window)

    def write(self, text: str) -> None:
        """Type `text` into what has the keyboard."""
        self._do("type", "--delay", str(KEY_DELAY_MS), text)

    def press(self, *keys: str) -> None:
        """Press keys one after another, such as "Return", "ctrl+q"."""
        self._do("key", "--delay", str(KEY_DELAY_MS), *keys)

    def close_window(self, window: str) -> None:
        """Ctrl+Q, and wait until nothing is to be seen."""
        self.focus(window)
        self.press("ctrl+q")
        until(lambda: self.window() is None)

    def keep(self, picture: Path) -> None:
        """Keep what is to be seen as a PNG."""
        picture.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["import", "-window", "root", picture], env=self._environment(), check=True, timeout=60
        )

    def _do(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._environment(), check=True, timeout=60)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display}
