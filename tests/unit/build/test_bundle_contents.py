"""What is left out of the bundle is imported by nothing in the app, and what the app needs is carried."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from build.bootstrap import PROJECT
from build.bundle_contents import (
    EXCLUDED_MODULES,
    QT_MODULES,
    app_modules,
    is_carried,
    is_of_the_system,
    stem,
)

# These two the app tries and does without: line editing in the terminal, and uv's package, whose program the
# bundle has in bin/.
TRIED = {"readline", "uv"}
# Windows' own; nothing else may be missing here.
ELSEWHERE = {"winreg", "msvcrt"}


def imported(node: ast.AST) -> Iterator[str]:
    """What an import statement asks for; of `from a import b` both a and a.b, as b may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of_the_app() -> set[str]:
    """Everything that any module of the app that runs in it imports anywhere, within functions too."""
    files = [PROJECT / (name.replace(".", "/") + ".py") for name in app_modules(PROJECT)]
    return {
        name
        for file in files
        if file.is_file()  # a package has its own in __init__
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in imported(node)
    }


def is_excluded(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in EXCLUDED_MODULES)


def test_nothing_that_is_left_out_is_imported_by_the_app() -> None:
    excluded = {name.partition(".")[0] for name in imports_of_the_app() if is_excluded(name)}
    assert excluded == TRIED


def test_the_parts_of_qt_that_the_app_imports_are_those_that_are_carried() -> None:
    parts = {name.split(".")[1] for name in imports_of_the_app() if name.startswith("PySide6.")}
    assert parts == set(QT_MODULES) - {"QtDBus"}
    assert not any(is_excluded(f"PySide6.{part}") for part in QT_MODULES)


def test_nothing_that_is_left_out_is_loaded_by_what_the_app_imports() -> None:
    """With all that packages import themselves, in a process of its own."""
    wanted = [
        name
        for name in sorted(imports_of_the_app() | set(app_modules(PROJECT)))
        if name.partition(".")[0] not in TRIED | ELSEWHERE and name != "app.__main__"
    ]
    program = (
        "import importlib.util, json, sys\n"
        "for name in json.load(sys.stdin):\n"
        "    parent, _, last = name.rpartition('.')\n"
        "    if parent and hasattr(importlib.import_module(parent), last):\n"
        "        continue\n"  # a name in a module, or a module that is there
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if error.name == name and parent:\n"
        "            continue\n"  # a name that only type checkers see
        "        raise\n"
        "print('\\n'.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(wanted),
        capture_output=True,
        check=False,
        text=True,
        cwd=PROJECT,
        env={"PATH": "/usr/bin:/bin", "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert {"app.ui.application", "app.cli.bench", "huggingface_hub", "pygments.lexers"} <= loaded
    assert {name for name in loaded if is_excluded(name)} == set()


def test_modules_that_run_in_engines_environments_are_not_modules_of_the_bundle() -> None:
    names = app_modules(PROJECT)
    assert "app" in names
    assert "app.ui.models.page" in names
    assert not any(name.startswith("app.engine_servers") for name in names)


@pytest.mark.parametrize(
    "destination",
    [
        "PySide6/QtWidgets.abi3.so",
        "PySide6\\QtWidgets.pyd",
        "PySide6/Qt/lib/libQt6Widgets.so.6",
        "PySide6/Qt6Core.dll",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6/Qt/lib/QtWidgets.framework/Versions/A/QtWidgets",
        "PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so",
        "libicudata.so.73",
        "libxcb-cursor.so.0",
        "libssl.so.3",
        "libpython3.11.so.1.0",
        "keyring-25.7.0.dist-info/entry_points.txt",
        "base_library.zip",
    ],
)
def test_what_is_carried(destination: str) -> None:
    assert is_carried(destination)


@pytest.mark.parametrize(
    "destination",
    [
        "PySide6/Qt/lib/libQt6Quick.so.6",
        "PySide6/Qt6Quick.dll",
        "PySide6/Qt/lib/QtQuick.framework/Versions/A/QtQuick",
        "PySide6/opengl32sw.dll",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "PySide6/Qt/plugins/platforms/libqvnc.so",
        "PySide6/plugins/imageformats/qtiff.dll",
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/Qt/qml/QtQuick/qmldir",
        "libglib-2.0.so.0",
        "libfontconfig.so.1",
        "libstdc++.so.6",
        "libX11.so.6",
        "keyring-25.7.0.dist-info/RECORD",
    ],
)
def test_what_is_not(destination: str) -> None:
    assert not is_carried(destination)


def test_libraries_of_the_system_are_told_from_those_that_only_begin_alike() -> None:
    assert is_of_the_system("libxcb.so.1")
    assert not is_of_the_system("libxcb-cursor.so.0")
    assert is_of_the_system("ld-linux-x86-64.so.2")
    assert is_of_the_system("libc.so.6")
    assert not is_of_the_system("libcom_err.so.2")
    assert stem("libQt6Core.so.6") == "libQt6Core"
    assert stem("libpython3.11.so.1.0") == "libpython3.11"
    assert stem("libllama.0.dylib") == "libllama"


def test_the_way_to_every_module_is_a_file() -> None:
    for name in app_modules(PROJECT):
        path = Path(PROJECT, *name.split("."))
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()
