"""SGLang's own server, with its API key kept out of the arguments and out of its log.

Run by the Python of SGLang's environment: `python -m app.engine_servers.sglang_server ARGUMENTS`, with those
of `python -m sglang.launch_server`. SGLang takes a key in its arguments alone, where other users of the
machine see it, and writes them all into its log. The key comes in EDGEWISE_API_KEY; it is added within the
process.
"""

from __future__ import annotations

import logging
import os
import runpy
import sys
from contextlib import suppress


def main() -> None:
    """Become `sglang.launch_server`."""
    key = os.environ.pop("EDGEWISE_API_KEY", "")
    if not key:
        sys.exit("Cannot serve: EDGEWISE_API_KEY is missing")
    hide(key)
    sys.argv += ["--api-key", key]
    # As `python -m` does it: what it spawns begins with sglang.launch_server, too.
    runpy.run_module("sglang.launch_server", run_name="__main__", alter_sys=True)


def hide(key: str) -> None:
    """Write dots for `key` in whatever is logged from now on."""
    make = logging.getLogRecordFactory()

    def without_key(*args: object, **kwargs: object) -> logging.LogRecord:
        record = make(*args, **kwargs)
        with suppress(TypeError, ValueError, KeyError):  # one that cannot be formatted is logging's to tell
            said = record.getMessage()
            if key in said:
                record.msg, record.args = said.replace(key, "…"), ()
        return record

    logging.setLogRecordFactory(without_key)


if __name__ == "__main__":
    main()
