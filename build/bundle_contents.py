"""What of Python's and Qt's packages goes into the bundle, and what stays out.

build/edgewise.spec asks `is_carried` about every file that PyInstaller found and leaves `EXCLUDED_MODULES`
out of its search; tests hold both against what the app really imports. Standard library only.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path, PurePosixPath

QT_MODULES = ("QtCore", "QtDBus", "QtGui", "QtNetwork", "QtPrintSupport", "QtSvg", "QtWidgets")
"""Qt's modules that the app imports, and QtDBus, which QtGui is linked with on Linux. QtNetwork is there for
the local socket of a second start alone."""

_OTHER_QT_MODULES = (
    *("QtConcurrent", "QtDesigner", "QtExampleIcons", "QtHelp", "QtOpenGL", "QtOpenGLWidgets", "QtQml"),
    *("QtQuick", "QtQuickControls2", "QtQuickTest", "QtQuickWidgets", "QtSql", "QtSvgWidgets", "QtTest"),
    *("QtUiTools", "QtXml", "QtAxContainer"),
)

EXCLUDED_MODULES = (
    *(f"PySide6.{name}" for name in _OTHER_QT_MODULES),
    # llama.cpp's programs are carried, its Python bindings and what these need are not used.
    *("llama_cpp", "numpy", "jinja2", "markupsafe", "diskcache"),
    # The hub's other way to transfer: app.models.download_fetch says why it is not used.
    "hf_xet",
    # A command line of its own, and what builds and installs packages. uv's program is carried without its
    # package.
    *("uv", "pip", "setuptools", "pkg_resources", "_distutils_hack", "PyInstaller", "PIL", "pycparser"),
    *("tkinter", "_tkinter", "turtle", "turtledemo", "idlelib", "lib2to3", "ensurepip", "venv", "test"),
    *("pydoc", "pydoc_data", "doctest", "unittest", "xmlrpc", "curses", "_curses", "_curses_panel"),
    # These are linked with libraries under the GPL (GNU readline, GNU dbm) or the AGPL (Berkeley DB).
    *("readline", "_gdbm", "_dbm"),
)
"""Modules that PyInstaller must not follow. Without readline the terminal's chat edits lines as the terminal
does."""

_QT_PLUGINS = {
    "platforms": ("qxcb", "qwayland", "qoffscreen", "qwindows", "qcocoa"),
    "imageformats": ("qsvg", "qjpeg"),
    "iconengines": ("qsvgicon",),
    "platforminputcontexts": ("composeplatforminputcontextplugin", "ibusplatforminputcontextplugin"),
    "platformthemes": ("qgtk3", "qxdgdesktopportal"),
    "printsupport": ("cupsprintersupport",),
    "styles": ("qmodernwindowsstyle", "qmacstyle"),
    "wayland-decoration-client": ("adwaita", "bradient"),
    "wayland-shell-integration": ("xdg-shell",),
}
"""Qt's plugins by folder. Widgets are painted by the processor: nothing needs the plugins that bring OpenGL
to a window. Nothing speaks TLS through Qt either."""

_QT_LIBRARIES = (
    *("Core", "DBus", "Gui", "Network", "PrintSupport", "Svg", "Widgets"),
    *("XcbQpa", "WaylandClient", "WlShellIntegration"),
)
_ICU = ("icudata", "icui18n", "icuuc")

_SYSTEM = (
    # The C and C++ libraries: newer ones serve older programs, and the GPU's drivers want the newest.
    *(
        "ld-linux*",
        "libc",
        "libm",
        "libdl",
        "libpthread",
        "librt",
        "libresolv",
        "libutil",
        "libanl",
        "libcrypt",
    ),
    *("libstdc++", "libgcc_s", "libz"),
    # The drivers, and what speaks with the display server together with them.
    *("libGL", "libEGL", "libGLX", "libGLdispatch", "libOpenGL", "libdrm", "libgbm"),
    *("libX11", "libX11-xcb", "libxcb", "libXau", "libXdmcp", "libXext", "libwayland-*"),
    # One copy each in a process that the desktop's own theme, input method and printing plugins are loaded
    # into; and fontconfig reads the system's settings, whose format its version must know.
    *("libglib-2.0", "libgthread-2.0", "libgobject-2.0", "libgio-2.0", "libgmodule-2.0"),
    *("libfontconfig", "libfreetype", "libdbus-1", "libcups"),
    *("libgtk-3", "libgdk-3", "libgdk_pixbuf-2.0", "libpango*", "libharfbuzz", "libatk-1.0", "libcairo*"),
)
"""Libraries that are the system's on Linux, without their ends. Everything else that a carried file is linked
with is carried."""


def app_modules(project: Path) -> list[str]:
    """The names of all modules of the app that run in it. Those of app.engine_servers are carried as
    files."""
    names = []
    for file in sorted((project / "app").rglob("*.py")):
        parts = file.relative_to(project).with_suffix("").parts
        if parts[1] != "engine_servers":
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def stem(library: str) -> str:
    """A library's name without its end and version: `libQt6Core.so.6` is `libQt6Core`, on every system."""
    name = PurePosixPath(library).name
    return re.sub(r"(\.so(\.[\d.]+)?|(\.[\d.]+)?\.dylib|\.dll|\.abi3\.so|\.pyd)$", "", name)


def is_of_the_system(library: str) -> bool:
    """Whether the library of that file name is left to the system (Linux)."""
    return any(fnmatch.fnmatchcase(stem(library), pattern) for pattern in _SYSTEM)


def is_carried(destination: str) -> bool:
    """Whether the file that PyInstaller would put to `destination` (relative to the bundle) belongs into
    it."""
    path = PurePosixPath(destination.replace("\\", "/"))
    if path.name.endswith(".pyi") or "translations" in path.parts:
        return False  # the window speaks English, and so do Qt's dialogs in it
    if "plugins" in path.parts and "PySide6" in path.parts:
        folder = path.parts[path.parts.index("plugins") + 1]
        return stem(path.name).removeprefix("lib") in _QT_PLUGINS.get(folder, ())
    if "qml" in path.parts or "metatypes" in path.parts or path.name in ("qt.conf", "opengl32sw.dll"):
        return False
    if match := re.match(r"(?:lib)?Qt6(\w+?)\.(?:so|dll|dylib)", path.name):
        return match[1] in _QT_LIBRARIES
    if match := re.search(r"/Qt(\w+)\.framework/", path.as_posix()):
        return match[1] in _QT_LIBRARIES
    if match := re.match(r"lib(icu\w+)\.so", path.name):
        return match[1] in _ICU
    if re.search(r"\.so(\.|$)", path.name) and is_of_the_system(path.name):
        return False
    return not any(
        part.endswith((".dist-info", ".egg-info")) and _packaging_file(path) for part in path.parts
    )


def _packaging_file(path: PurePosixPath) -> bool:
    """What installers leave beside a package's own description. Licences are gathered by `build.licences`."""
    return path.name not in ("METADATA", "entry_points.txt")
