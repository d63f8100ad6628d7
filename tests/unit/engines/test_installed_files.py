"""What lies in an environment, read from what its packages say of themselves."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from app.domain.errors import Cancelled
from app.domain.generation import Cancellation
from app.engines.installed_files import damaged_files, installed_versions, site_packages, tree_size
from tests.wheelhouse import write_wheel


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """An environment with two packages, unpacked by hand."""
    folder = tmp_path / "environment"
    packages = folder / ("Lib/site-packages" if sys.platform == "win32" else "lib/python3.11/site-packages")
    packages.mkdir(parents=True)
    for wheel in (
        write_wheel(tmp_path, "tiny_engine", "2.13.0+cpu", files={"data": b"d" * 5000}),
        write_wheel(tmp_path, "helper", "0.1"),
    ):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    return folder


def nobody_asks(done: int, total: int) -> None:
    del done, total


def damage(environment: Path) -> list[str]:
    return damaged_files(environment, nobody_asks, Cancellation())


def test_versions_by_plain_names(environment: Path) -> None:
    assert installed_versions(environment) == {"tiny-engine": "2.13.0+cpu", "helper": "0.1"}
    assert installed_versions(environment / "gone") == {}


def test_whole_files_and_how_far_it_is(environment: Path) -> None:
    told: list[tuple[int, int]] = []
    assert damaged_files(environment, lambda *far: told.append(far), Cancellation()) == []
    done, total = told[-1]
    assert done == total > 5000


def test_each_kind_of_damage_is_named(environment: Path) -> None:
    packages = site_packages(environment)
    (packages / "tiny_engine" / "data").write_bytes(b"e" * 5000)
    (packages / "helper" / "__init__.py").unlink()
    assert damage(environment) == ["helper/__init__.py is missing", "tiny_engine/data was changed"]
    (packages / "helper-0.1.dist-info" / "RECORD").write_text("helper,sha256=x,many\n", encoding="utf-8")
    assert "helper-0.1.dist-info: its list of files cannot be read" in damage(environment)
    (packages / "helper-0.1.dist-info" / "RECORD").unlink()
    assert "helper-0.1.dist-info: its list of files cannot be read" in damage(environment)


def test_of_a_file_that_two_packages_have_either_will_do(environment: Path) -> None:
    packages = site_packages(environment)
    shared = packages / "helper-0.1.dist-info" / "RECORD"
    with shared.open("a", encoding="utf-8") as record:
        record.write("tiny_engine/data,sha256=other,7\n")
    assert damage(environment) == []


def test_it_can_be_cancelled(environment: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        damaged_files(environment, nobody_asks, cancellation)


def test_the_size_of_a_tree(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * 100)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 23)
    if sys.platform != "win32":
        (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert 123 <= tree_size(tmp_path) < 123 + len(str(tmp_path)) + 1
    assert tree_size(tmp_path / "gone") == 0
