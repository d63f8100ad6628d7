"""A list of what a bundle carries, as CycloneDX 1.6 JSON: `python3 -m build.sbom dist/Edgewise OUT`.

It is read from the index that `build.licences` wrote into the bundle, in which every bundled file was traced
to what it is a part of; so the list cannot name less than the licences do. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from app import __version__
from build.commands import SetupFailed

INDEXES = ("_internal/licences/README.txt", "Contents/Resources/licences/README.txt")
"""In the bundle; the second one is macOS'."""

_NAMESPACE = uuid.UUID("5e5d2d0e-3a59-4d0f-8f0e-6a2d0b2a7c11")
"""Only for serial numbers that are the same for the same content."""

_SPDX = re.compile(
    r"(?:(?:MIT(?:-0)?|0BSD|ISC|Zlib|Unlicense|Apache-2\.0|BSD-[23]-Clause|MPL-2\.0|PSF-2\.0|Python-2\.0"
    r"|CC0-1\.0|L?GPL-[23]\.[01]-(?:only|or-later)|Bootloader-exception|WITH|AND|OR)(?:\s+|$)"
    r"|[()]\s*)+"
)
"""What is written as an expression of SPDX; anything else is written as a licence's name."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the bundle. `source` is an address, or empty."""

    name: str
    version: str
    licence: str
    source: str = ""


def read_index(text: str) -> list[Component]:
    """The parts that an index of `build.licences` names. Raises SetupFailed where it has none."""
    found: list[Component] = []
    for line in text.splitlines():
        if found and (source := re.fullmatch(r"    (?:Source: )?(https://\S+)", line)):
            last = found.pop()
            found.append(Component(last.name, last.version, last.licence, source[1]))
        elif part := re.fullmatch(r"(\S.*?)(?: (\S*\d\S*))?: (\S.*)", line):
            found.append(Component(part[1], part[2] or "", part[3]))
    if not found:
        raise SetupFailed("The bundle’s index of licences names nothing.")
    return found


def document(parts: Iterable[Component], version: str, time: int) -> dict[str, object]:
    """The list. `time` is in seconds since 1970; the same parts and time make the same bytes.

    The fields are those of CycloneDX 1.6's JSON schema.
    """
    own = {
        "type": "application",
        "bom-ref": "edgewise",
        "name": "Edgewise",
        "version": version,
        "licenses": [{"expression": "MIT"}],
    }
    components = [
        _component(part)
        for part in sorted({*_within(parts)}, key=lambda part: (part.name.casefold(), part.version))
        if part.name != "Edgewise"
    ]
    said = json.dumps([own, components, time], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, said)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": own,
        },
        "components": components,
        "dependencies": [
            {"ref": "edgewise", "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": component["bom-ref"]} for component in components),
        ],
    }


def _within(parts: Iterable[Component]) -> Iterable[Component]:
    """The parts, and what two of them are made of: advisories name Qt and llama.cpp itself."""
    for part in parts:
        yield part
        if part.name.casefold().replace("_", "-") == "pyside6-essentials":
            yield Component("Qt", part.version, "LGPL-3.0-only", "https://code.qt.io/cgit/qt/")
        elif part.name.casefold().replace("_", "-") == "llama-cpp-python":
            yield Component(
                "llama.cpp", "", "MIT", f"https://github.com/abetlen/llama-cpp-python/tree/v{part.version}"
            )


def _component(part: Component) -> dict[str, object]:
    address = _package_url(part)
    said: dict[str, object] = {
        "type": "machine-learning-model" if part.name.startswith("SmolLM2") else "library",
        "bom-ref": address,
        "name": part.name,
        **({"version": part.version} if part.version else {}),
        "licenses": [
            {"expression": part.licence}
            if _SPDX.fullmatch(part.licence)
            else {"license": {"name": part.licence}}
        ],
        "purl": address,
    }
    if part.source:
        said["externalReferences"] = [{"type": "distribution", "url": part.source}]
    return said


def _package_url(part: Component) -> str:
    """Its purl: where vulnerability databases look a component up (package-url/purl-spec)."""
    at = f"@{quote(part.version, safe='')}" if part.version else ""
    if part.source.startswith("https://snapshot.debian.org/"):
        return f"pkg:deb/debian/{quote(part.name)}{at}"
    if part.name == "Python":
        return f"pkg:generic/cpython{at}"
    if part.name == "llama.cpp":
        return "pkg:github/ggml-org/llama.cpp"
    if part.name in ("Qt", "Microsoft Visual C++ runtime") or not part.version:
        return f"pkg:generic/{quote(part.name.casefold(), safe='')}{at}"
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', part.name).lower()}{at}"


def of_bundle(bundle: Path, time: int) -> dict[str, object]:
    """The list of what `bundle` carries. Raises SetupFailed if it is none."""
    index = next((bundle / place for place in INDEXES if (bundle / place).is_file()), None)
    if index is None:
        raise SetupFailed(f"{bundle} has no index of licences. Run `make bundle` first.")
    return document(read_index(index.read_text(encoding="utf-8")), __version__, time)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    import os

    from build.packages import build_time

    parser = argparse.ArgumentParser(prog="python3 -m build.sbom", description="List what a bundle carries.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    try:
        said = of_bundle(options.bundle, build_time(os.environ))
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    options.out.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
