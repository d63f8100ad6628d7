"""llama.cpp's programs: where they are, and what GPUs their build finds.

Apart from the adapter, whose HTTP client takes longer to import than a probe takes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from app.domain.errors import EngineMissing
from app.engines.llama_cpp_backend import backend_variables

DEVICES_TIMEOUT_S = 5.0
"""Vulkan and ROCm drivers take tenths of a second, those of a GPU that is asleep a second or two."""


def find_program(name: str) -> Path:
    """The program `name` of llama.cpp: in the bundle, else in this environment, else on the PATH.

    Raises EngineMissing.
    """
    file_name = f"{name}.exe" if sys.platform == "win32" else name
    bundle = getattr(sys, "_MEIPASS", None)
    folders = [Path(bundle) / "bin"] if bundle else [Path(sysconfig.get_path("platlib")) / "bin"]
    for folder in folders:
        if (folder / file_name).is_file():
            return folder / file_name
    on_path = shutil.which(name)
    if on_path is None:
        raise EngineMissing(
            "llama.cpp is not installed completely: its server is missing. Run the set-up again.",
            detail=f"{name} is neither in {', '.join(map(str, folders))} nor on the PATH",
        )
    return Path(on_path)


def program_environment() -> dict[str, str]:
    """This process's variables, without tokens and without what would silently change a program."""
    without = ("LLAMA_", "GGML_BACKEND_PATH", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(without)}


def list_devices(library: Path | None = None) -> str:
    """What `llama-server --list-devices` prints; empty when it is missing, fails or hangs.

    It loads `library`, too, where one is given (`app.engines.llama_cpp_backend`). Else it is not asked where
    its build computes on the processor alone: that would only cost the start of a process.
    """
    try:
        program = find_program("llama-server")
    except EngineMissing:
        return ""
    if library is None and only_cpu(program):
        return ""
    added = {} if library is None else backend_variables(library)
    no_window = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW
    try:
        done = subprocess.run(
            [program, "--list-devices"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=program_environment() | added,
            timeout=DEVICES_TIMEOUT_S,
            check=False,
            creationflags=no_window,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")


def only_cpu(program: Path) -> bool:
    """Whether the libraries beside `program` are those of a build without GPUs.

    False where there are none to look at: its backends may be in the program itself.
    """
    try:
        names = [
            file.name
            for folder in (program.parent, program.parent.parent / "lib")
            if folder.is_dir()
            for file in folder.iterdir()
        ]
    except OSError:
        return False
    found = (re.match(r"(?:lib)?ggml-([a-z]+)\b.*?\.(?:so|dylib|dll)\b", name) for name in names)
    backends = {match[1] for match in found if match}
    return "cpu" in backends and backends <= {"base", "cpu", "blas", "rpc"}
