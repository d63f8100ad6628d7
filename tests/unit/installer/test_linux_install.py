"""install.sh puts Edgewise into a home directory, replaces an older one, and leaves a person's data alone."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app import __version__
from build.archive import make_archive
from build.icon import PROJECT
from build.payload import payload
from tests.unit.installer.stand_in_bundle import EPOCH, make_bundle

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="installs on Linux")

SHARE = {
    "applications/edgewise.desktop": (PROJECT / "installer/linux/edgewise.desktop").read_bytes(),
    "icons/hicolor/16x16/apps/edgewise.png": b"png",
    "man/man1/edgewise.1.gz": b"page",
}
VALUES = {
    "ARCHITECTURE": platform.machine(),
    "GLIBC": "2.17",
    "LIBRARIES": "libc.so.6",
    "PACKAGES": "libc6",
}


@pytest.fixture
def unpacked(tmp_path: Path) -> Callable[..., Path]:
    def unpack(name: str = "Heruntergeladenes für Zoë", **values: str) -> Path:
        bundle = tmp_path / "bundle"
        if not bundle.exists():
            make_bundle(bundle)
        target = tmp_path / f"edgewise-{__version__}.tar.gz"
        make_archive(payload(bundle), SHARE, VALUES | values, target, EPOCH)
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        with tarfile.open(target) as archive:
            archive.extractall(folder, filter="data")
        return folder / f"edgewise-{__version__}"

    return unpack


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "Zoë “Grüße” $HOME 100% 'home' `\"back\\slash"
    (home / ".local" / "share" / "Edgewise").mkdir(parents=True)
    (home / ".local" / "share" / "Edgewise" / "edgewise.db").write_bytes(b"conversations")
    return home


def run(script: Path, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C"} | more
    return subprocess.run(
        ["sh", script, *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_where_a_desktop_looks(unpacked: Callable[..., Path], home: Path) -> None:
    done = run(unpacked() / "install.sh", home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    program = home / ".local/lib/edgewise"
    assert done.stdout.startswith(f"Edgewise was installed.\n  the program          {program}\n")
    assert f"Your shell does not look into {home}/.local/bin yet." in done.stdout
    assert "libraries" not in done.stdout
    command = home / ".local/bin/edgewise"
    assert command.resolve() == program / "edgewise"
    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert "sleep" in answer.stdout
    assert (program / "_internal/licences/Grüße.txt").read_text(encoding="utf-8") == "Größe"
    assert (program / "_internal/libcarried.so").is_symlink()
    assert not (program / "edgewise-data").exists()
    share = home / ".local/share"
    assert (share / "icons/hicolor/16x16/apps/edgewise.png").read_bytes() == b"png"
    assert not [path for path in (home / ".local/lib").iterdir() if path != program]


def test_the_menu_entry_starts_the_program_whatever_the_home_is_called(
    unpacked: Callable[..., Path], home: Path
) -> None:
    run(unpacked() / "install.sh", home)
    entry = home / ".local/share/applications/edgewise.desktop"
    lines = entry.read_text(encoding="utf-8").splitlines()
    (line,) = [line.removeprefix("Exec=") for line in lines if line.startswith("Exec=")]
    assert not any(line.startswith("TryExec=") for line in lines)
    # As the Desktop Entry Specification says: first the string's escapes, then the quotes', then the codes.
    quoted = re.fullmatch(r'"(.*)" %F', line.replace("\\\\", "\\"))
    assert quoted is not None
    assert re.sub(r'\\(["`$\\])', r"\1", quoted[1]).replace("%%", "%") == f"{home}/.local/bin/edgewise"
    if shutil.which("desktop-file-validate"):
        checked = subprocess.run(
            ["desktop-file-validate", entry], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout


def test_a_newer_version_replaces_an_older_one_whole(unpacked: Callable[..., Path], home: Path) -> None:
    run(unpacked() / "install.sh", home)
    program = home / ".local/lib/edgewise"
    (program / "_internal" / "only-in-the-old-one").touch()
    (program / "edgewise-data").mkdir()
    (program / "edgewise-data" / "edgewise.db").write_bytes(b"portable")
    gone = home / ".local/share/icons/hicolor/old.png"
    gone.write_bytes(b"")
    with (program / "installed-files.txt").open("a", encoding="utf-8") as manifest:
        manifest.write(f"{gone}\n")
    done = run(unpacked() / "install.sh", home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Edgewise was replaced by this version.\n")
    assert not (program / "_internal" / "only-in-the-old-one").exists()
    assert not gone.exists()
    assert (program / "edgewise-data" / "edgewise.db").read_bytes() == b"portable"


def test_removing_leaves_what_is_the_persons(unpacked: Callable[..., Path], home: Path) -> None:
    before = files_below(home)
    run(unpacked() / "install.sh", home)
    done = run(home / ".local/lib/edgewise/install.sh", home, "--uninstall")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"Edgewise was removed from {home}/.local/lib/edgewise.\n"
        "Your conversations, models and settings are still there:\n"
        f"  {home}/.local/share/Edgewise\n"
    )
    after = files_below(home)
    # The databases of menus and types are the desktop's; they forget Edgewise.
    desktops = {name for name in after if name.endswith("mimeinfo.cache") or "/share/mime/" in name}
    assert {name: after[name] for name in after if name not in desktops} == before
    assert not any(b"edgewise" in after[name] for name in desktops)
    again = run(unpacked() / "install.sh", home, "--uninstall")
    assert again.returncode == 1
    assert again.stderr == f"Edgewise is not installed in {home}/.local/lib/edgewise.\n"


def test_removing_leaves_portable_data(unpacked: Callable[..., Path], home: Path) -> None:
    run(unpacked() / "install.sh", home)
    data = home / ".local/lib/edgewise/edgewise-data"
    data.mkdir()
    (data / "edgewise.db").write_bytes(b"portable")
    done = run(unpacked() / "install.sh", home, "--uninstall")
    assert f"\n  {data}\n" in done.stdout
    assert files_below(data.parent) == {"edgewise-data/edgewise.db": b"portable"}


@pytest.fixture
def set_aside(unpacked: Callable[..., Path], home: Path) -> Path:
    """An installation that was ended while the old version, with portable data, was aside."""
    run(unpacked() / "install.sh", home)
    program = home / ".local/lib/edgewise"
    (program / "edgewise-data").mkdir()
    (program / "edgewise-data" / "edgewise.db").write_bytes(b"portable")
    program.rename(program.with_name(".edgewise-previous"))
    return program


@pytest.mark.parametrize("new_is_there", [False, True])
def test_an_installation_that_was_cut_off_is_finished(
    unpacked: Callable[..., Path], home: Path, set_aside: Path, new_is_there: bool
) -> None:
    if new_is_there:
        shutil.copytree(set_aside.with_name(".edgewise-previous"), set_aside, symlinks=True)
        shutil.rmtree(set_aside / "edgewise-data")
    (set_aside.with_name(".edgewise-unfinished") / "half").mkdir(parents=True)
    done = run(unpacked() / "install.sh", home)
    assert done.returncode == 0, done.stderr
    assert (set_aside / "edgewise-data" / "edgewise.db").read_bytes() == b"portable"
    assert [path.name for path in set_aside.parent.iterdir()] == ["edgewise"]


def test_a_running_edgewise_is_neither_replaced_nor_removed(
    unpacked: Callable[..., Path], home: Path
) -> None:
    script = unpacked() / "install.sh"
    run(script, home)
    before = files_below(home)
    with subprocess.Popen([home / ".local/bin/edgewise", "600"]) as running:
        try:
            for arguments in ([], ["--uninstall"]):
                refused = run(script, home, *arguments)
                assert refused.returncode == 1
                assert refused.stderr == "Edgewise is running. Close it, then run this again.\n"
        finally:
            running.kill()
    assert files_below(home) == before


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"GLIBC": "2.999"}, "Edgewise needs glibc 2.999 or newer; this system has 2."),
        ({"ARCHITECTURE": "riscv64"}, "This is Edgewise for riscv64 processors; this computer has "),
    ],
)
def test_a_computer_that_cannot_run_it_is_told_before_anything_changes(
    unpacked: Callable[..., Path], home: Path, values: dict[str, str], sentence: str
) -> None:
    before = files_below(home)
    done = run(unpacked(**values) / "install.sh", home)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert files_below(home) == before


def test_a_system_with_another_c_library_is_told(
    unpacked: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    getconf = tmp_path / "bin" / "getconf"
    getconf.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    getconf.chmod(0o755)
    done = run(unpacked() / "install.sh", home, PATH=f"{getconf.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "This system has another C library." in done.stderr


def test_libraries_that_are_missing_are_named(unpacked: Callable[..., Path], home: Path) -> None:
    script = unpacked(LIBRARIES="libc.so.6 libnobody.so.9", PACKAGES="libnobody9") / "install.sh"
    done = run(script, home)
    assert done.returncode == 0
    assert "The window needs libraries that this system lacks: libnobody.so.9.\n" in done.stdout
    assert "sudo apt-get install libnobody9" in done.stdout


def test_data_folders_of_the_persons_own_choice_are_kept_to(
    unpacked: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    own = tmp_path / "my data"
    script = unpacked() / "install.sh"
    run(script, home, XDG_DATA_HOME=str(own))
    assert (own / "man/man1/edgewise.1.gz").is_file()
    # What was installed there goes, even if the variable is not set any more.
    run(script, home, "--uninstall")
    assert not (own / "man/man1/edgewise.1.gz").exists()


def test_half_an_archive_and_wrong_words_are_told(unpacked: Callable[..., Path], home: Path) -> None:
    script = unpacked() / "install.sh"
    assert run(script, home, "--help").stdout.startswith("Usage: install.sh [--uninstall]\n")
    wrong = run(script, home, "--prefix")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("Usage:")
    shutil.rmtree(script.parent / "share")
    assert "Unpack the whole archive" in run(script, home).stderr
    assert "HOME does not name" in run(script, Path("nowhere")).stderr
