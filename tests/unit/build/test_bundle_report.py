"""A bundle that would not run elsewhere, or is larger than promised, is no bundle."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from build import bundle_report
from build.bundle_payload import Bundle
from build.commands import SetupFailed

linux = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("objdump") is None, reason="reads Linux’s programs"
)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    made = Bundle(tmp_path / "Edgewise")
    made.inside.mkdir(parents=True)
    (made.root / "edgewise").write_bytes(b"x" * 1000)
    return made


def library(name: str) -> Path:
    found = [path for folder in Path("/usr/lib").glob("*-linux-gnu") if (path := folder / name).exists()]
    if not found:
        pytest.skip(f"no {name} here")
    return found[0].resolve()


@linux
def test_what_a_file_is_linked_with_must_be_carried(bundle: Bundle) -> None:
    shutil.copyfile(library("libssl.so.3"), bundle.inside / "libssl.so.3")
    with pytest.raises(SetupFailed, match=r"libssl\.so\.3 is linked with libcrypto\.so\.3"):
        bundle_report.check(bundle)
    shutil.copyfile(library("libcrypto.so.3"), bundle.inside / "libcrypto.so.3")
    bundle_report.check(bundle)
    assert "libc.so.6" in bundle_report.system_libraries(bundle)


@linux
def test_a_newer_c_library_than_promised_is_not_asked_for(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(library("libcrypto.so.3"), bundle.inside / "libcrypto.so.3")
    assert (2, 2) < bundle_report.highest_versions(bundle)["GLIBC"] <= bundle_report.OLDEST_GLIBC
    monkeypatch.setattr(bundle_report, "OLDEST_GLIBC", (2, 3))
    with pytest.raises(SetupFailed, match=r"libcrypto\.so\.3 asks for GLIBC 2\.\d+; 2\.3 is promised"):
        bundle_report.check(bundle)


def test_weights_are_told_by_folder(bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("bin/llama-server", "PySide6/QtCore.so", "PySide6/Qt/lib/libQt6Core.so.6"):
        (bundle.inside / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle.inside / name).write_bytes(b"x" * 2000)
    weights = bundle_report.weigh(bundle)
    sizes = {name: size for name, (size, _) in weights.items()}
    assert sizes == {"programs, Python, others": 1000, "bin": 2000, "PySide6": 2000, "PySide6/Qt/lib": 2000}
    assert all(0 < packed < size for size, packed in weights.values())
    bundle_report.tell(bundle, with_model=False)
    assert "PySide6/Qt/lib" in capsys.readouterr().out


@pytest.mark.parametrize(("with_model", "most"), [(False, "MOST_MB"), (True, "MOST_WITH_MODEL_MB")])
def test_a_bundle_that_is_too_large_fails(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, with_model: bool, most: str
) -> None:
    monkeypatch.setattr(bundle_report, most, 0)
    with pytest.raises(SetupFailed, match="0 MB are promised"):
        bundle_report.tell(bundle, with_model=with_model)
