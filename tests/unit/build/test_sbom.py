"""The list of what a bundle carries names every part of its index, once, and where advisories look for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from build import licences, sbom
from build.commands import SetupFailed
from build.sbom import Component

TIME = 1_764_547_200
INDEX = """What Edgewise carries, and under which licences. The texts lie in the folders beside this file.

cryptography 50.0.2: Apache-2.0 OR BSD-3-Clause
Edgewise 0.1.0: MIT
huggingface_hub 2.4.0: Apache-2.0
libxcb-util1 0.4.0-1+b1: GPL-2+; MIT
    Source: https://snapshot.debian.org/package/xcb-util/0.4.0-1/
llama_cpp_python 0.3.36: MIT
Microsoft Visual C++ runtime: redistributable, as Visual Studio’s licence terms say
PySide6_Essentials 6.11.3: LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only
Python 3.13.9: PSF-2.0
    Source: https://www.python.org/downloads/source/
SmolLM2-135M-Instruct.Q4_1: Apache-2.0
    https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct
"""


def components() -> dict[str, dict[str, Any]]:
    said: Any = sbom.document(sbom.read_index(INDEX), "0.1.0", TIME)
    return {part["name"]: part for part in said["components"]}


def test_every_part_is_listed_with_its_address_for_advisories() -> None:
    assert {name: part["purl"] for name, part in components().items()} == {
        "cryptography": "pkg:pypi/cryptography@50.0.2",
        "huggingface_hub": "pkg:pypi/huggingface-hub@2.4.0",
        "libxcb-util1": "pkg:deb/debian/libxcb-util1@0.4.0-1%2Bb1",
        "llama_cpp_python": "pkg:pypi/llama-cpp-python@0.3.36",
        "llama.cpp": "pkg:github/ggml-org/llama.cpp",
        "Microsoft Visual C++ runtime": "pkg:generic/microsoft%20visual%20c%2B%2B%20runtime",
        "PySide6_Essentials": "pkg:pypi/pyside6-essentials@6.11.3",
        "Qt": "pkg:generic/qt@6.11.3",
        "Python": "pkg:generic/cpython@3.13.9",
        "SmolLM2-135M-Instruct.Q4_1": "pkg:generic/smollm2-135m-instruct.q4_1",
    }


def test_licences_are_expressions_where_they_are() -> None:
    parts = components()
    assert parts["cryptography"]["licenses"] == [{"expression": "Apache-2.0 OR BSD-3-Clause"}]
    assert parts["libxcb-util1"]["licenses"] == [{"license": {"name": "GPL-2+; MIT"}}]
    model = parts["SmolLM2-135M-Instruct.Q4_1"]
    assert model["type"] == "machine-learning-model"
    assert model["externalReferences"][0]["url"].endswith("/SmolLM2-135M-Instruct")


def test_the_whole_depends_on_each_part_and_each_reference_is_one() -> None:
    said: Any = sbom.document(sbom.read_index(INDEX), "0.1.0", TIME)
    assert said["metadata"]["component"]["version"] == "0.1.0"
    assert said["metadata"]["timestamp"] == "2025-12-01T00:00:00Z"
    references = [part["bom-ref"] for part in said["components"]]
    assert len(references) == len(set(references))
    assert said["dependencies"][0] == {"ref": "edgewise", "dependsOn": references}


def test_the_same_parts_make_the_same_list_and_others_another() -> None:
    parts = sbom.read_index(INDEX)
    first: Any = sbom.document(parts, "0.1.0", TIME)
    assert first == sbom.document([*reversed(parts), parts[0]], "0.1.0", TIME)
    other: Any = sbom.document(parts[1:], "0.1.0", TIME)
    assert other["serialNumber"] != first["serialNumber"]


def test_it_reads_what_the_licences_write(tmp_path: Path) -> None:
    text = tmp_path / "LICENSE"
    text.write_text("do as you like", encoding="utf-8")
    folder = tmp_path / "_internal" / "licences"
    folder.mkdir(parents=True)
    written = [
        licences.Component("a-package", "1.2", "MIT", (text,)),
        licences.Component("Without a version", "", "its own", (text,)),
        licences.Component(
            "libz", "1:1.2-3", "Zlib", (text,), "Source: https://snapshot.debian.org/package/z/1/"
        ),
    ]
    licences.write(folder, written)
    assert sbom.read_index((folder / "README.txt").read_text(encoding="utf-8")) == [
        Component("a-package", "1.2", "MIT"),
        Component("libz", "1:1.2-3", "Zlib", "https://snapshot.debian.org/package/z/1/"),
        Component("Without a version", "", "its own"),
    ]
    out = tmp_path / "list.json"
    assert sbom.main([str(tmp_path), str(out)]) == 0
    assert len(json.loads(out.read_text(encoding="utf-8"))["components"]) == 3


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="no index"):
        sbom.of_bundle(tmp_path, TIME)
    with pytest.raises(SetupFailed, match="names nothing"):
        sbom.read_index("Nothing here.\n")
