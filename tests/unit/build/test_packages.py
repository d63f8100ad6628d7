"""Packages hold the bundle and what a desktop wants, are the same twice over, and ask for what it needs."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from app import __version__
from build import packages
from build.commands import SetupFailed
from build.deb import ARCHITECTURES
from tests.unit.installer.stand_in_bundle import EPOCH, make_bundle, packages_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("dpkg-deb") is None,
    reason="Linux packages are made on Debian and its relatives",
)
MACHINE = platform.machine()
DEB = f"edgewise_{__version__}_{ARCHITECTURES.get(MACHINE, MACHINE)}.deb"
DEB_WITH_MODEL = f"edgewise-with-model_{__version__}_{ARCHITECTURES.get(MACHINE, MACHINE)}.deb"
ARCHIVE = f"edgewise-{__version__}-linux-{MACHINE}.tar.gz"
ARCHIVE_WITH_MODEL = f"edgewise-with-model-{__version__}-linux-{MACHINE}.tar.gz"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    return packages_of(make_bundle(folder / "Edgewise"), folder / "dist")


def contents(deb: Path) -> dict[str, str]:
    """Permissions, owner and what a link leads to, by path."""
    listing = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        mode, owner, _, _, _, name = line.split(None, 5)
        found[name.split(" -> ")[0]] = f"{mode} {owner}" + (
            f" {name.split(' -> ')[1]}" if "->" in name else ""
        )
    return found


def field(deb: Path, name: str) -> str:
    return subprocess.run(
        ["dpkg-deb", "-f", deb, name], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_both_variants_are_made_and_summed(made: dict[str, Path]) -> None:
    assert set(made) == {DEB, DEB_WITH_MODEL, ARCHIVE, ARCHIVE_WITH_MODEL}
    folder = made[DEB].parent
    assert {path.name for path in folder.iterdir()} == {*made, "SHA256SUMS"}
    lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    assert sums == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in made.items()}


def test_the_debian_package_lays_everything_out(made: dict[str, Path]) -> None:
    files = contents(made[DEB])
    assert files["./usr/lib/edgewise/edgewise"] == "-rwxr-xr-x root/root"
    assert files["./usr/lib/edgewise/_internal/libcarried.so.1"] == "-rw-r--r-- root/root"
    assert files["./usr/lib/edgewise/_internal/licences/Grüße.txt"] == "-rw-r--r-- root/root"
    assert files["./usr/lib/edgewise/_internal/libcarried.so"] == "lrwxrwxrwx root/root libcarried.so.1"
    assert files["./usr/bin/edgewise"] == "lrwxrwxrwx root/root ../lib/edgewise/edgewise"
    for name in (
        "applications/edgewise.desktop",
        "bash-completion/completions/edgewise",
        "doc/edgewise/changelog.gz",
        "doc/edgewise/copyright",
        "icons/hicolor/16x16/apps/edgewise.png",
        "icons/hicolor/512x512/apps/edgewise.png",
        "icons/hicolor/scalable/apps/edgewise.svg",
        "man/man1/edgewise.1.gz",
        "metainfo/edgewise.metainfo.xml",
        "mime/packages/edgewise.xml",
    ):
        assert files[f"./usr/share/{name}"] == "-rw-r--r-- root/root"
    assert all(value.split()[0] == "drwxr-xr-x" for name, value in files.items() if name.endswith("/"))


def test_the_model_is_in_its_variant_alone_and_nobodys_data_in_any(made: dict[str, Path]) -> None:
    models = "./usr/lib/edgewise/_internal/models/"
    assert not any(name.startswith(models) for name in contents(made[DEB]))
    assert f"{models}starter.gguf" in contents(made[DEB_WITH_MODEL])
    assert f"{models}old.gguf" not in contents(made[DEB_WITH_MODEL])
    assert not any("edgewise-data" in name for deb in (DEB, DEB_WITH_MODEL) for name in contents(made[deb]))
    # One package, so that either takes the other's place.
    assert field(made[DEB], "Package") == field(made[DEB_WITH_MODEL], "Package") == "edgewise"
    with tarfile.open(made[ARCHIVE]) as archive, tarfile.open(made[ARCHIVE_WITH_MODEL]) as with_model:
        assert not any("gguf" in name or "edgewise-data" in name for name in archive.getnames())
        assert [name for name in with_model.getnames() if "gguf" in name] == [
            f"{ARCHIVE_WITH_MODEL.removesuffix('.tar.gz')}/Edgewise/_internal/models/starter.gguf"
        ]


def test_the_package_depends_on_what_its_programs_are_linked_with(made: dict[str, Path]) -> None:
    depends = field(made[DEB], "Depends").split(", ")
    # `sleep` needs libc and nothing else.
    assert re.fullmatch(r"libc6 \(>= 2\.\d+\)", depends[0])
    assert depends[1] == "xkb-data"
    assert depends[2].startswith("fonts-dejavu-core | ")
    assert len(depends) == 3
    assert field(made[DEB], "Version") == __version__
    assert int(field(made[DEB], "Installed-Size")) > 0


def test_the_package_has_sums_of_its_files_and_no_scripts(made: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-R", made[DEB], tmp_path / "root"], check=True)
    assert sorted(path.name for path in (tmp_path / "root" / "DEBIAN").iterdir()) == ["control", "md5sums"]
    subprocess.run(
        ["md5sum", "--check", "--strict", "--quiet", "DEBIAN/md5sums"], cwd=tmp_path / "root", check=True
    )


def test_the_archive_has_one_folder_that_belongs_to_nobody(made: dict[str, Path]) -> None:
    top = ARCHIVE.removesuffix(".tar.gz")
    with tarfile.open(made[ARCHIVE]) as archive:
        members = archive.getmembers()
    assert {member.name.split("/")[0] for member in members} == {top}
    assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, EPOCH)}
    by_name = {member.name.removeprefix(f"{top}/"): member for member in members}
    assert by_name["install.sh"].mode == by_name["Edgewise/edgewise"].mode == 0o755
    assert by_name["share/applications/edgewise.desktop"].mode == 0o644
    assert by_name["Edgewise/_internal/libcarried.so"].linkname == "libcarried.so.1"


def test_the_same_bundle_makes_the_same_packages(made: dict[str, Path], tmp_path: Path) -> None:
    again = packages_of(make_bundle(tmp_path / "Edgewise"), tmp_path / "dist")
    for name, path in made.items():
        assert again[name].read_bytes() == path.read_bytes(), name


@pytest.mark.skipif(shutil.which("unsquashfs") is None, reason="squashfs-tools is missing")
def test_an_appimage_is_its_runtime_and_a_file_system(tmp_path: Path) -> None:
    head = b"\x7fELF\x02\x01\x01\x00AI\x02" + bytes(5000)
    (tmp_path / "runtime").write_bytes(head)
    made = packages_of(make_bundle(tmp_path / "Edgewise"), tmp_path / "dist", tmp_path / "runtime")
    image = made[f"edgewise-with-model-{__version__}-{MACHINE}.AppImage"]
    assert image.read_bytes().startswith(head)
    assert image.stat().st_mode & 0o777 == 0o755
    subprocess.run(
        ["unsquashfs", "-q", "-n", "-o", str(len(head)), "-d", tmp_path / "AppDir", image],
        check=True,
        capture_output=True,
    )
    files = {str(path.relative_to(tmp_path / "AppDir")) for path in (tmp_path / "AppDir").rglob("*")}
    assert {"AppRun", ".DirIcon", "edgewise.desktop", "edgewise.png"} <= files
    assert "usr/lib/edgewise/_internal/models/starter.gguf" in files
    assert "usr/share/metainfo/edgewise.metainfo.xml" in files
    # AppRun starts the program, here `sleep`, with what it was given.
    answer = subprocess.run(
        [tmp_path / "AppDir" / "AppRun", "--version"], capture_output=True, text=True, check=True
    )
    assert "sleep" in answer.stdout


def test_what_is_no_runtime_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runtime").write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(SetupFailed, match="no runtime of AppImages"):
        packages_of(make_bundle(tmp_path / "Edgewise"), tmp_path / "dist", tmp_path / "runtime")


def test_a_missing_bundle_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "DIST", tmp_path)
    assert packages.main([]) == 1
    assert "Run `make bundle` first." in capsys.readouterr().err


def test_a_package_above_its_limit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "LIMITS", {"edgewise": 0, "edgewise-with-model": 240})
    with pytest.raises(SetupFailed, match="0 MB are promised"):
        packages_of(make_bundle(tmp_path / "Edgewise"), tmp_path / "dist")


def test_the_time_is_the_builders_or_the_last_commits(tmp_path: Path) -> None:
    assert packages.build_time({"SOURCE_DATE_EPOCH": "1234"}) == 1234
    with pytest.raises(SetupFailed, match="seconds since 1970"):
        packages.build_time({"SOURCE_DATE_EPOCH": "yesterday"})
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    assert packages.build_time({}, tmp_path) == int((tmp_path / "app" / "__init__.py").stat().st_mtime)
