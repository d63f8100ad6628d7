"""release.json says what the updater believes, and names exactly the files that people install from."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from app import __version__
from app.domain.release import Wheel
from app.storage.release import read_release
from build import release
from build.bundle_payload import release as bundled_release
from build.commands import SetupFailed

HOME = "https://example.org/edgewise/releases"
CHANGELOG = """# Changelog

## Unreleased

- Not yet.

## 1.2.0 (2026-12-01)

- A window that
  opens `edgewise`.
- Another thing.

## 1.1.0 (2026-11-01)

- Old.
"""
INSTALLABLE = {
    "edgewise_1.2.0_amd64.deb": ("linux", "x86_64", "deb"),
    "edgewise-with-model_1.2.0_arm64.deb": ("linux", "aarch64", "deb"),
    "edgewise-1.2.0-linux-x86_64.tar.gz": ("linux", "x86_64", "tar.gz"),
    "edgewise-with-model-1.2.0-x86_64.AppImage": ("linux", "x86_64", "appimage"),
    "edgewise-1.2.0-windows-x86_64.exe": ("windows", "x86_64", "exe"),
    "edgewise-with-model-1.2.0-macos-aarch64.dmg": ("macos", "aarch64", "dmg"),
}
BESIDE = ("edgewise_llama_cpp_vulkan-0.3.36-py3-none-win_amd64.whl", "edgewise-1.2.0-linux-x86_64.cdx.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "release"
    made.mkdir()
    for name in (*INSTALLABLE, *BESIDE):
        (made / name).write_text(name, encoding="utf-8")
    return made


def test_the_manifest_names_what_people_install_from(folder: Path) -> None:
    release.write_manifest(folder, "1.2.0", HOME + "/", CHANGELOG)
    said = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    assert (said["version"], said["date"]) == ("1.2.0", "2026-12-01")
    assert said["notes"] == "A window that opens edgewise.\nAnother thing."
    assert said["page"] == f"{HOME}/tag/v1.2.0"
    assert {it["name"]: (it["system"], it["architecture"], it["kind"]) for it in said["files"]} == INSTALLABLE
    for it in said["files"]:
        assert it["sha256"] == hashlib.sha256(it["name"].encode()).hexdigest()
        assert it["size"] == len(it["name"])


def test_the_updater_believes_the_manifest(folder: Path) -> None:
    update = pytest.importorskip("app.domain.update")
    release.write_manifest(folder, "1.2.0", HOME, CHANGELOG)
    announced = update.read_announcement((folder / "release.json").read_bytes(), HOME)
    assert announced.version == "1.2.0"
    assert {file.name for file in announced.files} == set(INSTALLABLE)


def test_sha256sum_checks_every_file(folder: Path) -> None:
    release.write_manifest(folder, "1.2.0", HOME, CHANGELOG)
    done = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) == {
        f"{name}: OK" for name in (*INSTALLABLE, *BESIDE, "release.json")
    }
    (folder / "SHA256SUMS").unlink()
    before = release.checksums(folder)
    (folder / "SHA256SUMS").write_text(before, encoding="utf-8")
    assert release.checksums(folder) == before, "the list is not in the list"


def test_a_file_of_another_version_is_refused(folder: Path) -> None:
    (folder / "edgewise_1.1.0_amd64.deb").touch()
    with pytest.raises(SetupFailed, match=r"edgewise_1\.1\.0"):
        release.manifest(folder, "1.2.0", HOME, CHANGELOG)


def test_nothing_to_install_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="nothing to install"):
        release.manifest(tmp_path, "1.2.0", HOME, CHANGELOG)


@pytest.mark.parametrize("home", ["http://example.org", "example.org", ""])
def test_releases_lie_behind_https(folder: Path, home: str) -> None:
    with pytest.raises(SetupFailed, match="https"):
        release.manifest(folder, "1.2.0", home, CHANGELOG)


@pytest.mark.parametrize(
    ("changelog", "said"),
    [
        ("# Changelog\n\n## 1.2.0\n\n- x\n", "no heading"),
        ("## 1.2.0 (2026-12-01)\n\n## 1.1.0 (2026-01-01)\n- x\n", "says nothing"),
        ("## 1.2.0 (2026-13-01)\n\n- x\n", "no day"),
    ],
)
def test_a_changelog_without_the_version_is_refused(changelog: str, said: str) -> None:
    with pytest.raises(SetupFailed, match=said):
        release.notes(changelog, "1.2.0")


def test_the_tag_must_be_the_version(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match=r"v99\.0\.0"):
        release.check("v99.0.0", tmp_path)
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nversion = "99.0.0"\n', encoding="utf-8")
    with pytest.raises(SetupFailed, match=r"pyproject\.toml says 99\.0\.0"):
        release.check(f"v{__version__}", tmp_path)
    project.write_text(f'[project]\nversion = "{__version__}"\n', encoding="utf-8")
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(f"## {__version__} (2026-12-01)\n\n- x\n", encoding="utf-8")
    release.check(f"v{__version__}", tmp_path)


def test_a_bundle_learns_where_its_wheels_will_lie(tmp_path: Path) -> None:
    for name in (
        "edgewise_llama_cpp_vulkan-0.3.36-py3-none-manylinux_2_34_x86_64.whl",
        "edgewise_llama_cpp_cuda-0.3.36-py3-none-manylinux_2_34_x86_64.whl",
        "edgewise_llama_cpp_vulkan-0.3.36-py3-none-win_amd64.whl",
    ):
        (tmp_path / name).write_text(name, encoding="utf-8")
    linux = release.wheels(tmp_path, "1.2.0", HOME, "linux", "x86_64")
    assert set(linux) == {"edgewise-llama-cpp-vulkan", "edgewise-llama-cpp-cuda"}
    assert release.wheels(tmp_path, "1.2.0", HOME, "macos", "aarch64") == {}
    said = tmp_path / "wheels.json"
    arguments = ["wheels", str(tmp_path), "--home", HOME, "--system", "windows", "--architecture", "x86_64"]
    assert release.main([*arguments, "--out", str(said)]) == 0

    # What the bundle writes of it is what the app reads.
    bundled = bundled_release({"EDGEWISE_RELEASES": HOME, "EDGEWISE_WHEELS": str(said)})
    resource = tmp_path / "release.json"
    resource.write_text(json.dumps(bundled), encoding="utf-8")
    read = read_release(resource)
    assert read.home == HOME
    file = "edgewise_llama_cpp_vulkan-0.3.36-py3-none-win_amd64.whl"
    assert read.wheels == {
        "edgewise-llama-cpp-vulkan": Wheel(
            f"{HOME}/download/v{__version__}/{file}", hashlib.sha256(file.encode()).hexdigest(), len(file)
        )
    }


def test_a_stranger_among_the_wheels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torch-2.0-py3-none-any.whl").touch()
    with pytest.raises(SetupFailed, match="torch"):
        release.wheels(tmp_path, "1.2.0", HOME, "linux", "x86_64")
