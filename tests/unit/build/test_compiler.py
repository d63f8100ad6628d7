"""A compiler that gets AMX wrong is told to leave it out, on processors that have it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from build import compiler


@pytest.fixture
def xeon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu avx512_bf16 amx_bf16 avx512_fp16 amx_tile amx_int8\n", "utf-8")
    return cpuinfo


def a_compiler(folder: Path, says: str) -> dict[str, str]:
    """An environment whose `c++` says what it is in these words."""
    program = folder / "c++"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


GCC = "c++ ({0}) {1}\nCopyright (C) 2022 Free Software Foundation, Inc."


@pytest.mark.parametrize("version", ["12.2.0", "11.4.0", "13.2.0"])
def test_an_old_gcc_leaves_amx_out(xeon: Path, tmp_path: Path, version: str) -> None:
    environment = a_compiler(tmp_path, GCC.format("Debian 12.2.0-14+deb12u1", version)) | {"CXXFLAGS": "-g"}
    assert compiler.with_flags(environment, xeon)["CXXFLAGS"] == f"-g {compiler.WITHOUT_AMX}"


@pytest.mark.parametrize(
    "says", [GCC.format("GCC", "13.3.0"), GCC.format("GCC", "14.2.0"), "Debian clang version 14.0.6"]
)
def test_a_compiler_that_gets_it_right_is_told_nothing(xeon: Path, tmp_path: Path, says: str) -> None:
    environment = a_compiler(tmp_path, says)
    assert compiler.with_flags(environment, xeon) == environment


def test_a_processor_without_amx_needs_nothing(xeon: Path, tmp_path: Path) -> None:
    xeon.write_text("flags\t\t: fpu avx512_bf16\n", "utf-8")
    environment = a_compiler(tmp_path, GCC.format("GCC", "12.2.0"))
    assert compiler.with_flags(environment, xeon) == environment


def test_the_compiler_of_this_machine_is_understood() -> None:
    version = compiler.gcc_version(dict(os.environ))
    assert version is None or version > (4, 0)


def test_no_compiler_is_no_gcc(tmp_path: Path) -> None:
    assert compiler.gcc_version({"PATH": str(tmp_path)}) is None
