"""Libraries of ggml that compute on GPUs, as packages of our own, and how llama-server takes one.

llama-server loads the library that GGML_BACKEND_PATH names beside its own (ggml/src/ggml-backend-reg.cpp,
`ggml_backend_load_all_from_path`). Both have to be of one llama.cpp: what they say to each other changes with
any version.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from app.domain.errors import EngineMissing
from app.engines.installed_files import site_packages

VARIABLE = "GGML_BACKEND_PATH"
_DEVICES = {"cuda": "CUDA", "vulkan": "Vulkan"}
"""What ggml calls the devices of each backend, before their number."""


def library_in(environment: Path, backend: str) -> Path:
    """The library of `backend` in an environment that has our package. Raises EngineMissing."""
    name = f"ggml-{backend}.dll" if sys.platform == "win32" else f"libggml-{backend}.so"
    library = site_packages(environment) / f"edgewise_llama_cpp_{backend}" / name
    if not library.is_file():
        raise EngineMissing(
            f"llama.cpp’s library for {_DEVICES[backend]} is missing. Install it again on the Engines page.",
            detail=str(library),
        )
    return library


def backend_variables(library: Path) -> dict[str, str]:
    """What to add to the variables of a program of llama.cpp's so that it loads `library`, too."""
    added = {VARIABLE: str(library)}
    if sys.platform == "win32":  # a library there has no run path of its own
        added["PATH"] = os.pathsep.join([*_folders_of_libraries(library), os.environ.get("PATH", "")])
    return added


def device_names(listed: str, backend: str) -> tuple[str, ...]:
    """The devices of `backend` ("Vulkan0") in what `llama-server --list-devices` prints."""
    return tuple(re.findall(rf"^\s+({_DEVICES[backend]}\d+): ", listed, re.MULTILINE))


def _folders_of_libraries(library: Path) -> list[str]:
    """Where NVIDIA's packages keep their libraries on Windows, and the library's own folder."""
    packages = library.parents[1]
    found = [*packages.glob("nvidia/*/bin"), *packages.glob("nvidia/*/bin/x86_64")]
    return [str(library.parent), *(str(folder) for folder in sorted(found) if folder.is_dir())]
