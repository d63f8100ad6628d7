"""build/edgewise.spec, run with stand-ins for what PyInstaller gives it, as each system would."""

from __future__ import annotations

import plistlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from build.bootstrap import PROJECT
from build.bundle_contents import EXCLUDED_MODULES, app_modules

SPEC = PROJECT / "build" / "edgewise.spec"


def run_spec(
    monkeypatch: pytest.MonkeyPatch, system: str, found: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """What the spec asks of PyInstaller on `system`, where its search finds the files `found`."""
    asked: dict[str, list[dict[str, Any]]] = {}
    hooks = ModuleType("PyInstaller.utils.hooks")
    hooks.copy_metadata = lambda name: [(f"/there/{name}.dist-info", f"{name}.dist-info")]  # type: ignore[attr-defined]
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def step(name: str) -> Any:
        def do(*given: Any, **named: Any) -> Any:
            asked.setdefault(name, []).append({"given": given, **named})
            return SimpleNamespace(
                binaries=[(file, f"/there/{file}", "BINARY") for file in found],
                datas=[("PySide6/Qt/translations/qt_de.qm", "/there/qt_de.qm", "DATA")],
                scripts=[(name, f"/there/{name}.py", "PYSOURCE") for name in ("pyi_rth_pyside6", "__main__")],
                pure=[],
            )

        return do

    names = {name: step(name) for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}
    exec(
        compile(SPEC.read_text(encoding="utf-8"), str(SPEC), "exec"), {"SPECPATH": str(SPEC.parent), **names}
    )
    return asked


def test_everything_of_the_app_and_nothing_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    (analysis,) = run_spec(monkeypatch, "linux", [])["Analysis"]
    assert analysis["excludes"] == list(EXCLUDED_MODULES)
    assert analysis["hiddenimports"] == app_modules(PROJECT)
    assert all(Path(hook).is_file() for hook in analysis["runtime_hooks"])
    assert Path(analysis["given"][0][0]).is_file()


def test_on_linux_it_is_one_program_with_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["PySide6/QtCore.abi3.so", "libstdc++.so.6", "libpython3.11.so.1.0", "libavahi-client.so.3"]
    asked = run_spec(monkeypatch, "linux", found)
    assert [(exe["name"], exe["console"]) for exe in asked["EXE"]] == [("edgewise", True)]
    (folder,) = asked["COLLECT"]
    _, binaries, datas = folder["given"]
    # A library that nothing carried is linked with is left out, but for Python's, which is loaded by its
    # path.
    assert [name for name, _, _ in binaries] == ["PySide6/QtCore.abi3.so", "libpython3.11.so.1.0"]
    assert datas == []
    assert "BUNDLE" not in asked


def test_run_time_hooks_of_others_cost_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    (exe,) = run_spec(monkeypatch, "linux", [])["EXE"]
    assert [name for name, _, _ in exe["given"][1]] == ["__main__"]


def test_on_windows_there_is_one_for_the_desktop_and_one_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = run_spec(monkeypatch, "win32", ["PySide6/Qt6Core.dll", "PySide6/Qt6Quick.dll"])
    assert [(exe["name"], exe["console"]) for exe in asked["EXE"]] == [
        ("Edgewise", False),
        ("edgewise-cli", True),
    ]
    assert all(
        exe["icon"].endswith(".ico") and exe["version"].endswith("version.txt") for exe in asked["EXE"]
    )
    (folder,) = asked["COLLECT"]
    assert [name for name, _, _ in folder["given"][2]] == ["PySide6/Qt6Core.dll"]


def test_on_macos_it_is_an_app_that_says_what_it_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = run_spec(monkeypatch, "darwin", [])
    (exe,) = asked["EXE"]
    assert (exe["name"], exe["console"]) == ("edgewise", False)
    (bundle,) = asked["BUNDLE"]
    assert bundle["name"] == "Edgewise.app"
    assert bundle["info_plist"] == plistlib.loads(
        (PROJECT / "installer" / "macos" / "info.plist").read_bytes()
    )
