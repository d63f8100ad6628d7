"""What programs of Linux are linked with, and what version of the C library they ask for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from build.elf import is_elf, keep_own_folders, not_needed, read_elf

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("objdump") is None, reason="reads Linux’s programs"
)


@pytest.fixture(scope="module")
def program() -> Path:
    return Path(shutil.which("objdump") or "").resolve()


def test_a_program_asks_for_the_c_library(program: Path) -> None:
    elf = read_elf(program)
    assert "libc.so.6" in elf.needed
    major, minor, *_ = elf.versions["GLIBC"]
    assert major == 2
    assert minor > 1


def test_versions_that_a_library_defines_are_not_asked_for() -> None:
    found = sorted(Path("/usr/lib").glob("*-linux-gnu/libstdc++.so.6"))
    if not found:
        pytest.skip("no libstdc++ here")
    elf = read_elf(found[0].resolve())
    assert "GLIBCXX" not in elf.versions
    assert "GLIBC" in elf.versions


def test_links_and_other_files_are_none(tmp_path: Path, program: Path) -> None:
    text = tmp_path / "libtext.so"
    text.write_text("INPUT(libother.so)", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(program)
    assert is_elf(program)
    assert not is_elf(text)
    assert not is_elf(link)
    assert not is_elf(tmp_path)


def test_only_what_is_linked_with_is_needed(tmp_path: Path, program: Path) -> None:
    copies = []
    for name in read_elf(program).needed:
        if name.startswith("libc."):
            (tmp_path / name).symlink_to(next(Path("/usr/lib").glob(f"*-linux-gnu/{name}")))
            copies.append(tmp_path / name)
    assert copies
    stray = tmp_path / "libstray.so.1"
    shutil.copy2(program, stray)
    assert not_needed([*copies, stray], [program]) == {stray}


def test_a_run_path_keeps_what_is_the_programs_own(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no compiler here")
    source, program = tmp_path / "it.c", tmp_path / "it"
    source.write_text("int main(void) { return 7; }\n", encoding="utf-8")
    run_path = "$ORIGIN:@loader_path:$ORIGIN/../lib:/home/somebody/lib"
    subprocess.run(["cc", source, "-o", program, f"-Wl,-rpath,{run_path}"], check=True)
    assert read_elf(program).strange_folders == ("@loader_path", "/home/somebody/lib")

    keep_own_folders(program)

    assert read_elf(program).run_path == ("$ORIGIN", "$ORIGIN/../lib")
    assert subprocess.run([program], check=False).returncode == 7
