"""A wheel says what it holds, and installs."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from build.wheel_file import Wheel


@pytest.fixture
def wheel() -> Wheel:
    return Wheel(
        name="edgewise-llama-cpp-vulkan",
        version="0.3.36",
        platform="manylinux_2_36_x86_64",
        summary="A backend",
        description="What it is.\nMore of it.",
        licence="MIT",
        requires_python=">=3.11",
        requires=("nvidia-cublas>=13,<14",),
        files={"edgewise_llama_cpp_vulkan/__init__.py": '"""Grüße."""\n'.encode()},
        licences={"LICENSE.txt": b"Permission is hereby granted\n"},
    )


def test_its_name_says_where_it_runs(wheel: Wheel, tmp_path: Path) -> None:
    written = wheel.write(tmp_path / "new" / "wheels")
    assert written.name == "edgewise_llama_cpp_vulkan-0.3.36-py3-none-manylinux_2_36_x86_64.whl"
    assert [each.name for each in written.parent.iterdir()] == [written.name]


def test_what_is_installed_from_it_is_what_it_says(wheel: Wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel.write(tmp_path)) as archive:
        archive.extractall(tmp_path / "site-packages")
    info = tmp_path / "site-packages" / "edgewise_llama_cpp_vulkan-0.3.36.dist-info"
    found = PathDistribution(info)
    assert found.metadata["Name"] == wheel.name
    assert found.version == wheel.version
    assert found.requires == ["nvidia-cublas>=13,<14"]
    assert (info / "METADATA").read_text().endswith("\n\nWhat it is.\nMore of it.\n")
    assert (info / "licenses" / found.metadata["License-File"]).read_bytes() == wheel.licences["LICENSE.txt"]
    assert "Tag: py3-none-manylinux_2_36_x86_64" in (info / "WHEEL").read_text()


def test_its_record_lists_every_file_with_hash_and_size(wheel: Wheel, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel.write(tmp_path)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    record = next(name for name in contents if name.endswith("/RECORD"))
    rows = {name: (digest, size) for name, digest, size in csv.reader(contents[record].decode().splitlines())}
    assert rows.pop(record) == ("", "")
    assert rows.keys() == contents.keys() - {record}
    for name, (digest, size) in rows.items():
        right = base64.urlsafe_b64encode(hashlib.sha256(contents[name]).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={right}", str(len(contents[name])))


def test_the_same_content_makes_the_same_bytes(wheel: Wheel, tmp_path: Path) -> None:
    one, other = wheel.write(tmp_path / "one"), wheel.write(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()


def test_what_could_not_be_written_whole_is_not_there(wheel: Wheel, tmp_path: Path) -> None:
    broken = dataclasses.replace(wheel, files={"a": tmp_path / "missing"})
    with pytest.raises(FileNotFoundError):
        broken.write(tmp_path / "wheels")
    assert list((tmp_path / "wheels").iterdir()) == []
