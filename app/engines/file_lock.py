"""A lock between processes that the system lets go of when its holder ends, however it ends."""

from __future__ import annotations

import sys
from contextlib import suppress

if sys.platform == "win32":  # pragma: no cover - runs on Windows only
    import msvcrt

    def try_lock(file: int) -> bool:
        """Lock an open file until it is closed; False when somebody else has."""
        with suppress(OSError):
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            return True
        return False

else:
    import fcntl

    def try_lock(file: int) -> bool:
        """Lock an open file until it is closed; False when somebody else has."""
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
