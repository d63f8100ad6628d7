"""The folder in which a download gathers its files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import StorageError
from app.models.download_staging import Staging, size_of

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from app.models.download_staging import Staging
with Staging(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def staging(tmp_path):
    return Staging(tmp_path / "Zoë 家" / "0123456789abcdef")


def test_what_has_arrived_is_counted(staging):
    with staging.locked():
        assert staging.arrived(0) == 0
        staging.part(0).write_bytes(b"12345")
        assert staging.arrived(0) == 5
        staging.keep_whole(0)
        assert not staging.part(0).exists()
        assert staging.whole(0).read_bytes() == b"12345"
        assert staging.arrived(0) == 5


def test_no_file_looks_like_a_model(staging):
    assert {staging.part(3).suffix, staging.whole(3).suffix} == {".part", ".whole"}


def test_another_process_has_it_until_it_ends_however_it_ends(staging):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(staging.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        assert staging.in_use
        with pytest.raises(StorageError, match="Another Edgewise"), staging.locked(0.05):
            pass
        other.kill()
    with staging.locked():
        assert staging.in_use
    assert not staging.in_use


def test_a_folder_that_is_not_there_is_not_in_use(staging):
    assert not staging.in_use
    assert not staging.folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_has_no_size(tmp_path):
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert size_of(tmp_path / "file") == 1
    assert size_of(tmp_path / "link") is None
    assert size_of(tmp_path / "nothing") is None
    assert size_of(tmp_path) is None
