"""Dependencies are read from the programs: what is carried is not asked for, what is unknown is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from build import shared_libraries
from build.commands import SetupFailed
from build.deb import depends, packages_of
from build.shared_libraries import LinkedFile, Needs

SAID = """
/b/edgewise:     file format elf64-x86-64

Dynamic Section:
  NEEDED               libQt6Core.so.6
  NEEDED               libc.so.6

Version References:
  required from libc.so.6:
    0x069691b4 0x00 03 GLIBC_2.34
    0x0d696912 0x00 02 GLIBC_2.2.5
    0x09691a75 0x00 04 GLIBC_PRIVATE

/b/_internal/mit Leerzeichen/libQt6Core.so.6:     file format elf64-x86-64

Dynamic Section:
  NEEDED               libglib-2.0.so.0
  NEEDED               libstdc++.so.6
  SONAME               libQt6Core.so.6

Version References:
  required from libstdc++.so.6:
    0x02297f89 0x00 05 GLIBCXX_3.4.9
    0x0297f871 0x00 06 GLIBCXX_3.4.30
"""


def test_what_objdump_says_is_read() -> None:
    linked = shared_libraries.parse(SAID)
    assert linked == {
        Path("/b/edgewise"): LinkedFile(
            frozenset({"libQt6Core.so.6", "libc.so.6"}), None, {"GLIBC": (2, 34)}
        ),
        Path("/b/_internal/mit Leerzeichen/libQt6Core.so.6"): LinkedFile(
            frozenset({"libglib-2.0.so.0", "libstdc++.so.6"}), "libQt6Core.so.6", {"GLIBCXX": (3, 4, 30)}
        ),
    }
    needs = shared_libraries.needs(linked, [])
    assert needs.libraries == {"libc.so.6", "libglib-2.0.so.0", "libstdc++.so.6"}
    assert needs.versions == {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 30)}
    assert shared_libraries.needs(linked, ["libglib-2.0.so.0"]).libraries == {"libc.so.6", "libstdc++.so.6"}


def test_dependencies_say_how_new_the_c_libraries_must_be() -> None:
    needs = Needs(
        frozenset({"libc.so.6", "libm.so.6", "libstdc++.so.6", "libEGL.so.1"}),
        {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30)},
    )
    *libraries, fonts = depends(needs)
    assert libraries == ["libc6 (>= 2.35)", "libegl1", "libstdc++6 (>= 12)", "xkb-data"]
    assert "fonts-dejavu-core" in fonts


def test_a_library_without_a_package_is_told() -> None:
    with pytest.raises(SetupFailed, match=r"No Debian package is known for libnew\.so\.7\."):
        packages_of(["libc.so.6", "libnew.so.7"])


def test_symbols_newer_than_the_table_are_told() -> None:
    with pytest.raises(SetupFailed, match=r"GLIBCXX_3\.4\.99"):
        depends(Needs(frozenset({"libstdc++.so.6"}), {"GLIBCXX": (3, 4, 99)}))


def test_links_and_other_files_are_no_programs(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x7fELF rest")
    (tmp_path / "b").write_bytes(b"text")
    (tmp_path / "c").symlink_to("a")
    assert shared_libraries.elf_files(tmp_path) == [tmp_path / "a"]
