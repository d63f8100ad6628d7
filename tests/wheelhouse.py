"""Wheels of tiny packages, written by hand, and pins made of them: real uv installs them in a moment."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.domain.machine import Cpu, Disk, Machine, Memory
from app.engines.pins import Pin, Variant

ENGINE = "transformers"
"""Under whose name the tiny engine goes."""
UV_FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "tools" / "bin"


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    needs: tuple[str, ...] = (),
    code: str = "",
    files: Mapping[str, bytes] | None = None,
    tag: str = "py3-none-any",
) -> Path:
    """A wheel in `folder` that holds the module `name`, saying `code`, and more `files` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    information = f"{name}-{version}.dist-info"
    requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
    contents = {
        f"{name}/__init__.py": code.encode(),
        **{f"{name}/{path}": data for path, data in (files or {}).items()},
        f"{information}/METADATA": metadata.encode(),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in contents.items()
    )
    contents[f"{information}/RECORD"] = f"{record}{information}/RECORD,,\n".encode()
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return wheel


def pin(
    *requirements: str,
    exclude: tuple[str, ...] = (),
    check: tuple[str, ...] = ("tiny",),
    torch_backend: str | None = None,
    oldest: tuple[int, int] = (3, 11),
    newest: tuple[int, int] = (3, 99),
) -> Pin:
    """An engine made of `requirements` ("tiny==1.0"), for any machine."""
    variant = Variant(
        id="cpu",
        name="for the processor",
        machines=("linux-x86_64",),
        requirements=requirements,
        exclude=exclude,
        check=check,
        oldest_python=oldest,
        newest_python=newest,
        download=1_000_000,
        on_disk=2_000_000,
        sizes_from="a test",
        torch_backend=torch_backend,
    )
    return Pin(ENGINE, (variant,), "", "It is for Linux.")


def some_machine(system: str = "Linux 6.1") -> Machine:
    """A machine that `pin` is for."""
    cpu = Cpu("Some processor", "x86_64", 2, 2, 2)
    return Machine(system, cpu, Memory(1 << 34, 1 << 33), Disk("/", None, None))


def only_from(wheels: Path, patch: pytest.MonkeyPatch) -> None:
    """Let uv know no source but the folder `wheels`, whatever this machine is set to, and be found."""
    for variable in list(os.environ):
        if variable.startswith(("UV_", "PIP_")):
            patch.delenv(variable)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("UV_NO_CONFIG", "1")
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("UV_FIND_LINKS", str(wheels))
    patch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{UV_FOLDER}")
