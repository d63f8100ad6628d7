"""Where Edgewise starts: the window, or with a command the terminal."""

from __future__ import annotations

import os
import re
import sys

GUARD = "--engine-guard"
DOWNLOAD = "--download-worker"
LOAD = "--load-worker"
CHECK_WINDOW = "--check-window"

_SET_UP = "Install Edgewise again" if getattr(sys, "frozen", False) else "Run `make setup`"


def main() -> int:
    """Start what the command line asks for; returns the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == [GUARD]:
        # A frozen app is its own guard. It must be small and quick: nothing else may be imported.
        from app.engines import guard

        status = guard.main(arguments[1:])
        sys.stderr.flush()
        os._exit(status & 0xFF if sys.platform != "win32" else status)
    if arguments == [DOWNLOAD]:
        # Likewise of its downloads.
        from app.models import download_worker

        os._exit(download_worker.main())
    if arguments == [LOAD]:
        # Likewise of what measures an engine.
        from app.benchmark import load_worker

        os._exit(load_worker.main())
    if arguments == [CHECK_WINDOW]:
        return _check_window()
    files = _files_among(arguments)
    if arguments and not files and not _is_for_qt(arguments[0]):
        from app.cli.command_line import run

        return run(arguments)
    if len(files) == len(arguments):  # else Qt is told which platform to use
        from app.cli.display import display_problem

        if problem := display_problem():
            return _terminal_instead(f"{problem}, so the chat opens in the terminal.", files)
    try:
        from app.ui.opening import run_window
    except ImportError as error:
        reason = _missing_for_qt(error)
        if reason is None:
            raise
        return _terminal_instead(f"{reason} Until then the chat opens in the terminal.", files)
    return run_window([sys.argv[0], *(argument for argument in arguments if argument not in files)], files)


def _check_window() -> int:
    """Bring Qt up and say which platform it found; `edgewise doctor` runs this apart from itself."""
    from PySide6.QtWidgets import QApplication  # noqa: TID251  # Qt alone, without our window

    application = QApplication([])
    sys.stdout.write(application.platformName() + "\n")
    return 0


def _is_for_qt(argument: str) -> bool:
    """Qt's own options (`-platform offscreen`) have one dash; ours and every command do not."""
    return argument.startswith("-") and not argument.startswith("--") and argument != "-h"


def _files_among(arguments: list[str]) -> list[str]:
    """The files to open, as they were given; none where a command comes first: then they are its affair."""
    if not arguments:
        return []
    if _is_for_qt(arguments[0]):  # what has a slash may be the value of one of Qt's options
        return [argument for argument in arguments if _is_model_file(argument)]
    if _is_model_file(arguments[0]) or os.path.dirname(arguments[0]):  # noqa: PTH120  # quicker than pathlib's import
        return [argument for argument in arguments if not argument.startswith("-")]
    return []


def _is_model_file(argument: str) -> bool:
    shown = argument.casefold()
    return not shown.startswith("-") and (shown.endswith(".gguf") or shown.startswith("file:"))


def _missing_for_qt(error: ImportError) -> str | None:
    """The sentence for an import that failed for want of Qt, None if it failed for another reason."""
    library = re.search(r"(\S+\.so[.\d]*): cannot open shared object file", str(error))
    if library is not None:
        return (
            f"The window needs the system library {library[1]}, which is missing. {_SET_UP}, or on "
            "Debian and Ubuntu: sudo apt-get install -y "
            "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libglib2.0-0."
        )
    if (error.name or "").partition(".")[0] in ("PySide6", "shiboken6"):
        return f"The window needs PySide6, which is missing or damaged. {_SET_UP}."
    return None


def _terminal_instead(sentence: str, files: list[str]) -> int:
    from app.cli.command_line import run
    from app.ui.file_arguments import named_files

    sys.stderr.write(sentence + "\n")
    return run(["chat", *(f"--model={path}" for path in named_files(files)[:1])])


if __name__ == "__main__":
    sys.exit(main())
