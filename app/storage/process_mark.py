"""Which process does something, so that another one can tell later whether it still runs."""

from __future__ import annotations

import os
from dataclasses import dataclass

TOLERANCE_S = 5.0
"""A process's beginning is told by a clock that may be set meanwhile. A number that was given again within
five seconds of the first one's beginning is not to be feared: all numbers are given once before."""


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process: its number, and when it began in seconds since the epoch."""

    number: int
    began: float

    @classmethod
    def of_this(cls) -> ProcessMark:
        """This very process."""
        import psutil  # a tenth of the start-up: only who asks pays

        return cls(os.getpid(), psutil.Process().create_time())

    def runs(self) -> bool:
        """Whether it still runs. True where the system does not tell."""
        import psutil

        try:
            process = psutil.Process(self.number)
            dead = process.status() == psutil.STATUS_ZOMBIE
            return not dead and abs(process.create_time() - self.began) <= TOLERANCE_S
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True
