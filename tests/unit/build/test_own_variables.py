"""What the frozen program's start left in the environment is taken back before anything is started."""

from __future__ import annotations

import os
import runpy
import sys

import pytest

from build.bootstrap import PROJECT

HOOK = PROJECT / "build" / "hooks" / "own_variables.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such variables")


@pytest.mark.parametrize("theirs", [None, "/opt/theirs"])
def test_children_find_the_systems_libraries(monkeypatch: pytest.MonkeyPatch, theirs: str | None) -> None:
    # The environment as it is after PyInstaller's start; what is in it now comes back after the test.
    variables = {"LD_LIBRARY_PATH": "/opt/Edgewise/_internal", "_PYI_ARCHIVE_FILE": "/opt/Edgewise/edgewise"}
    variables |= {} if theirs is None else {"LD_LIBRARY_PATH_ORIG": theirs}
    monkeypatch.setattr("os.environ", {"HOME": "/home/zoë", **variables})
    runpy.run_path(str(HOOK))
    expected = {} if theirs is None else {"LD_LIBRARY_PATH": theirs}
    assert dict(os.environ) == {"HOME": "/home/zoë", **expected}
