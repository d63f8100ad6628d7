"""One holder at a time, until its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.engines.file_lock import try_lock

HOLD = "import sys; from app.engines.file_lock import try_lock; f = open(sys.argv[1], 'ab')"
HOLD += "; print(try_lock(f.fileno()), flush=True); input()"


def test_it_is_let_go_of_when_its_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=-1, stdout=-1) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().split() == [b"True"]
        with path.open("ab") as mine:
            assert not try_lock(mine.fileno())
        holder.kill()
    with path.open("ab") as mine, path.open("ab") as other:
        assert try_lock(mine.fileno())
        assert not try_lock(other.fileno())
        mine.close()
        assert try_lock(other.fileno())
