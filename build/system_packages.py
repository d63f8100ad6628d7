"""What the operating system must bring: a C++ compiler, Python's venv, the libraries Qt loads, a font.

On Debian and its relatives a missing piece is named with the one command that installs it, and
installed when this runs as root. Elsewhere the libraries themselves are named.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from build.commands import Runner, SetupFailed

DEBIAN_PACKAGE_OF = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libGLdispatch.so.0": "libglvnd0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
"""Newer releases renamed some of these (libglib2.0-0t64); apt still finds them by the old name."""

FONT_PACKAGE = "fonts-dejavu-core"

QT_LOADS = (
    "lib/libQt6Widgets.so.6",
    "lib/libQt6Gui.so.6",
    "lib/libQt6DBus.so.6",
    "lib/libQt6Svg.so.6",
    "plugins/platforms/libqxcb.so",
    "plugins/platforms/libqoffscreen.so",
    "plugins/xcbglintegrations/*.so",
    "plugins/platforminputcontexts/*.so",
)
"""What the window loads, under PySide6/Qt. The Wayland plugin is left out: where a Wayland desktop
runs its libraries are there, and elsewhere Qt does without."""

NOT_FOUND = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)


def missing_libraries(ldd_output: str) -> list[str]:
    """The libraries `ldd` did not find. Qt's own depend on each other's location and are not meant."""
    names = {name for name in NOT_FOUND.findall(ldd_output) if not name.startswith("libQt6")}
    return sorted(names)


def has_font(folders: tuple[Path, ...]) -> bool:
    """Whether a font Qt can draw with lies in one of `folders`."""
    return any(
        name.lower().endswith((".ttf", ".otf", ".ttc", ".pfb"))
        for folder in folders
        for _, _, names in os.walk(folder)
        for name in names
    )


def font_folders() -> tuple[Path, ...]:
    """Where fontconfig looks on a usual Linux."""
    home = Path.home()
    return (
        Path("/usr/share/fonts"),
        Path("/usr/local/share/fonts"),
        home / ".fonts",
        home / ".local/share/fonts",
    )


def provide(runner: Runner, why: str, packages: list[str], missing: list[str]) -> None:
    """Install Debian `packages` when this is root on such a system, else say what to do about `missing`."""
    if shutil.which("apt-get") is None:
        raise SetupFailed(
            f"{why}: {', '.join(missing)}.\nInstall them with this system's package manager,"
            " then run this again (on Fedora, `dnf provides '*/NAME'` tells which package holds a library)."
        )
    command = f"apt-get install -y {' '.join(packages)}"
    if os.geteuid() != 0:
        raise SetupFailed(
            f"{why}: {', '.join(missing)}.\nInstall with this, then run it again:\n\n  sudo {command}\n"
        )
    print(f"{why}: running {command}", flush=True)
    runner.environment["DEBIAN_FRONTEND"] = "noninteractive"
    runner.run("Refreshing apt's package lists", ["apt-get", "update"])
    runner.run(
        "Installing system packages", ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    )


def provide_compiler(runner: Runner) -> None:
    """llama.cpp is built from source once; that takes a C++ compiler. CMake and Ninja come by themselves."""
    if sys.platform == "win32":
        return  # Visual Studio's compiler is not on the PATH; CMake finds it, or says that it is missing
    wanted = os.environ.get("CXX")
    if wanted or any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        return
    if sys.platform == "darwin":
        raise SetupFailed(
            "A C++ compiler is missing. Install Apple's with this:\n\n  xcode-select --install\n"
        )
    provide(runner, "A C++ compiler is missing", ["g++"], ["g++"])


def provide_venv(runner: Runner) -> None:
    """Debian keeps the part of Python that makes environments in a package of its own."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        provide(runner, "Python's venv module is missing", [name], [name])


def provide_qt_libraries(runner: Runner, qt: Path) -> None:
    """Make sure that Qt under `qt` finds every library it loads, and a font to draw with."""
    if not sys.platform.startswith("linux") or shutil.which("ldd") is None:
        return
    loads = sorted(file for pattern in QT_LOADS for file in qt.glob(pattern))
    missing = missing_libraries(runner.run("Looking for Qt's libraries", ["ldd", *loads]))
    packages = [DEBIAN_PACKAGE_OF.get(name, name) for name in missing]
    if not has_font(font_folders()):
        missing.append("a font")
        packages.append(FONT_PACKAGE)
    if missing:
        provide(runner, "System libraries that the window needs are missing", sorted(set(packages)), missing)
