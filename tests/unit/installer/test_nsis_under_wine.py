"""The installer for Windows installs, upgrades and removes, under Wine; skipped where there is none.

Wine runs 64-bit programs alone here, so NSIS's 64-bit kind is compiled from the same script.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import __version__
from build import windows
from build.bootstrap import PROJECT
from build.commands import Runner
from build.windows import Payload
from tests.unit.installer.icon_file import icon

PROGRAM = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/cmd.exe")
"""Stands in for Edgewise.exe: it stays open until its input ends."""
UNINSTALL_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Edgewise"

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("wine", "wineserver", "makensis"))) or not PROGRAM.is_file(),
        reason="needs Wine and NSIS: apt-get install --no-install-recommends wine wine64 nsis",
    ),
    pytest.mark.timeout(300),
]


@dataclass(frozen=True)
class Windows:
    """A Windows of Wine's with a home of its own."""

    prefix: Path
    environment: dict[str, str]

    def start(self, *words: str | Path, said: Path) -> subprocess.Popen[bytes]:
        # Into a file: Wine's own helpers may keep a pipe open for as long as anything runs.
        with said.open("wb") as out:
            return subprocess.Popen(
                ["wine", *map(str, words)],
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def run(self, *words: str | Path) -> tuple[int, str]:
        said = self.prefix.with_name("said")
        process = self.start(*words, said=said)
        assert process.stdin is not None
        process.stdin.close()
        return process.wait(60), said.read_text(encoding="utf-8", errors="replace")

    def registry(self, key: str) -> str:
        """What lies there; empty if there is no such key."""
        status, said = self.run("reg", "query", key, "/s")
        return said if status == 0 else ""

    @property
    def person(self) -> Path:
        return next(path for path in (self.prefix / "drive_c/users").iterdir() if path.name != "Public")

    @property
    def local(self) -> Path:
        return self.person / "AppData/Local"

    @property
    def installed(self) -> Path:
        return self.local / "Programs/Edgewise"

    @property
    def start_menu(self) -> Path:
        return self.person / "AppData/Roaming/Microsoft/Windows/Start Menu/Programs"


@pytest.fixture
def wine(tmp_path: Path) -> Iterator[Windows]:
    environment = os.environ | {
        "WINEPREFIX": str(tmp_path / "prefix"),
        "WINEDEBUG": "-all",
        # Neither .NET nor a browser is asked for, and nothing is put into the menus of this desktop.
        "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=d",
        "LC_ALL": "C.UTF-8",
        # The links of Wine's home to this person's folders would let a test write there.
        "HOME": str(tmp_path),
    }
    environment.pop("DISPLAY", None)
    found = Windows(tmp_path / "prefix", environment)
    assert found.run("wineboot", "-i")[0] == 0
    yield found
    subprocess.run(["wineserver", "-k"], env=environment, timeout=60, check=False)
    subprocess.run(["wineserver", "-w"], env=environment, timeout=60, check=False)


@pytest.fixture
def installer(tmp_path: Path) -> Callable[[str, Sequence[str]], Path]:
    """Compiles one that carries the program and files of these names."""

    def compile_(name: str, files: Sequence[str]) -> Path:
        folder = tmp_path / name
        (folder / "_internal/bin").mkdir(parents=True)
        shutil.copy(PROGRAM, folder / "Edgewise.exe")
        for file in files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(file, encoding="utf-8")
        runner = Runner(PROJECT, tmp_path / "log", os.environ)
        payload = Payload.of(folder, with_model=True)
        out = tmp_path / f"edgewise-{name}.exe"
        return windows.make(payload, out, icon(tmp_path / "e.ico"), runner, target="amd64-unicode")

    return compile_


def files_in(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_installs_upgrades_and_removes(
    wine: Windows, installer: Callable[[str, Sequence[str]], Path]
) -> None:
    first = installer("first", ["_internal/old/a.txt", "_internal/Grüße $HOME.txt"])
    second = installer("second", ["_internal/new.txt", "_internal/Grüße $HOME.txt"])

    # What Wine gives itself out for at first is Windows 7.
    assert wine.run(first, "/S")[0] == 3
    assert not wine.installed.exists()
    assert wine.run("winecfg", "-v", "win10")[0] == 0

    assert wine.run(first, "/S")[0] == 0
    assert files_in(wine.installed) == {
        *("Edgewise.exe", "Uninstall.exe", "_internal/old/a.txt", "_internal/Grüße $HOME.txt")
    }
    entry = wine.registry(UNINSTALL_KEY)
    assert __version__ in entry
    assert "EstimatedSize" in entry
    assert "Edgewise.gguf" in wine.registry(r"HKCU\Software\Classes\.gguf\OpenWithProgids")
    assert '" "%1"' in wine.registry(r"HKCU\Software\Classes\Edgewise.gguf\shell\open\command")
    assert (wine.start_menu / "Edgewise.lnk").is_file()
    assert not (wine.person / "Desktop/Edgewise.lnk").exists(), "only if somebody asks for it"

    # A newer version takes the older one's place and leaves what is the person's.
    (wine.installed / "edgewise-data").mkdir()
    (wine.installed / "edgewise-data/chat.db").write_text("a chat", encoding="utf-8")
    (wine.installed / "_internal/old/mine.txt").write_text("mine", encoding="utf-8")
    (wine.person / "Desktop/Edgewise.lnk").write_bytes(b"a link")
    prompt = wine.prefix.with_name("prompt")
    open_window = wine.start(wine.installed / "Edgewise.exe", said=prompt)
    assert until(lambda: prompt.stat().st_size > 0), "it runs"
    assert wine.run(second, "/S")[0] == 4, "it is open"
    assert (wine.installed / "_internal/old/a.txt").is_file(), "nothing was touched"
    assert wine.run(wine.installed / "Uninstall.exe", "/S", f"_?={_path(wine, wine.installed)}")[0] == 4
    open_window.communicate(b"exit\n", timeout=60)

    assert wine.run(second, "/S")[0] == 0
    mine = {"edgewise-data/chat.db", "_internal/old/mine.txt"}
    assert files_in(wine.installed) == {
        *("Edgewise.exe", "Uninstall.exe", "_internal/new.txt", "_internal/Grüße $HOME.txt", *mine)
    }
    assert (wine.person / "Desktop/Edgewise.lnk").is_file(), "as the person had it"

    # Elsewhere: the one before goes.
    elsewhere = wine.local / "Zoë und Ötzi"
    # NSIS wants the folder without quotes, which Wine puts around an argument with spaces.
    assert wine.run(second, "/S", *f"/D={_path(wine, elsewhere)}".split(" "))[0] == 0
    assert files_in(wine.installed) == mine
    assert "Edgewise.exe" in files_in(elsewhere)

    too_long = _path(wine, wine.local / ("x" * 232))
    assert wine.run(second, "/S", f"/D={too_long}")[0] == 5

    data = wine.local / "Edgewise"
    data.mkdir()
    (data / "edgewise.db").write_text("a chat", encoding="utf-8")
    assert wine.run(elsewhere / "Uninstall.exe", "/S")[0] == 0
    assert until(lambda: not elsewhere.exists())
    assert until(lambda: not wine.registry(UNINSTALL_KEY))
    assert files_in(data) == {"edgewise.db"}
    assert files_in(wine.installed) == mine
    assert not (wine.start_menu / "Edgewise.lnk").exists()
    assert not (wine.person / "Desktop/Edgewise.lnk").exists()
    for key in ("Edgewise", r"Classes\.gguf", r"Classes\Edgewise.gguf", r"Classes\Applications\Edgewise.exe"):
        assert not wine.registry(rf"HKCU\Software\{key}"), key


def _path(wine: Windows, path: Path) -> str:
    """As a Windows program wants it."""
    return "C:\\" + str(path.relative_to(wine.prefix / "drive_c")).replace("/", "\\")
