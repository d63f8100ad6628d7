"""The Debian package, put together by dpkg-deb.

No maintainer script: menus, icons and file types are taken up by the triggers of the packages that keep them,
and what a person has in their home is never looked at.
"""

from __future__ import annotations

import gzip
import hashlib
import platform
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from build.commands import Runner, SetupFailed
from build.desktop_files import filled
from build.icon import PROJECT
from build.payload import Payload, put
from build.shared_libraries import Needs
from build.system_packages import DEBIAN_PACKAGE_OF

PACKAGE = "edgewise"
PROGRAM = PurePosixPath("usr/lib/edgewise")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MAINTAINER = "The Edgewise authors <maintainers@edgewise.invalid>"
"""Where a release is published its maker says who looks after it (EDGEWISE_MAINTAINER)."""

_C_LIBRARY = (
    *(
        "libc.so.6",
        "libm.so.6",
        "libdl.so.2",
        "libpthread.so.0",
        "librt.so.1",
        "libresolv.so.2",
        "libutil.so.1",
    ),
    *("libanl.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
)
_PACKAGE_OF = (
    DEBIAN_PACKAGE_OF
    | dict.fromkeys(_C_LIBRARY, "libc6")
    | {
        "libstdc++.so.6": "libstdc++6",
        "libgcc_s.so.1": "libgcc-s1",
        "libcrypt.so.1": "libcrypt1",
        "libdrm.so.2": "libdrm2",
        "libgbm.so.1": "libgbm1",
        "libXau.so.6": "libxau6",
        "libXdmcp.so.6": "libxdmcp6",
        "libXext.so.6": "libxext6",
        "libwayland-client.so.0": "libwayland-client0",
        "libwayland-cursor.so.0": "libwayland-cursor0",
        "libwayland-egl.so.1": "libwayland-egl1",
        "libcups.so.2": "libcups2",
        "libgtk-3.so.0": "libgtk-3-0",
        "libgdk-3.so.0": "libgtk-3-0",
        "libgdk_pixbuf-2.0.so.0": "libgdk-pixbuf-2.0-0",
        "libpango-1.0.so.0": "libpango-1.0-0",
        "libpangocairo-1.0.so.0": "libpangocairo-1.0-0",
        "libharfbuzz.so.0": "libharfbuzz0b",
        "libatk-1.0.so.0": "libatk1.0-0",
        "libcairo.so.2": "libcairo2",
        "libcairo-gobject.so.2": "libcairo-gobject2",
        "libgobject-2.0.so.0": "libglib2.0-0",
        "libgio-2.0.so.0": "libglib2.0-0",
        "libgmodule-2.0.so.0": "libglib2.0-0",
    }
)
"""By the names of Debian 12. Where newer ones were renamed (libgtk-3-0t64), they provide the old name."""

_RECOMMENDED = (
    "ca-certificates",  # what is fetched is fetched by HTTPS
    "gnome-keyring | kwalletmanager | keepassxc",  # keeps the hub's token
    "xdg-utils",  # opens the browser
)
_FONTS = " | ".join(
    (
        *(
            "fonts-dejavu-core",
            "fonts-noto-core",
            "fonts-liberation",
            "fonts-liberation2",
            "fonts-freefont-ttf",
        ),
        *("fonts-cantarell", "fonts-ubuntu", "fonts-roboto-unhinted"),
    )
)
"""A bare system has no font at all, and a window without one shows boxes."""

_DATA = ("xkb-data",)
"""What carried libraries read and nothing that is linked says: libxkbcommon's keyboards."""


def packages_of(libraries: Iterable[str]) -> set[str]:
    """The Debian packages that hold `libraries`. Raises SetupFailed for one that nobody named."""
    unknown = sorted(name for name in libraries if name not in _PACKAGE_OF)
    if unknown:
        raise SetupFailed(
            f"No Debian package is known for {', '.join(unknown)}. Name it in build/deb.py, or carry"
            " the library in the bundle."
        )
    return {_PACKAGE_OF[name] for name in libraries}


def depends(needs: Needs) -> list[str]:
    """What the package depends on, in dpkg's words: libraries, with how new those of C must be, and more."""
    packages = packages_of(needs.libraries)
    words = {name: name for name in (*packages, *_DATA)}
    if (glibc := needs.versions.get("GLIBC")) and "libc6" in packages:
        words["libc6"] = f"libc6 (>= {'.'.join(map(str, glibc))})"
    if (glibcxx := needs.versions.get("GLIBCXX")) and "libstdc++6" in packages:
        words["libstdc++6"] = f"libstdc++6 (>= {_gcc_with(glibcxx)})"
    return [*(words[name] for name in sorted(words)), _FONTS]


def _gcc_with(glibcxx: tuple[int, ...]) -> str:
    """The first GCC whose libstdc++ has the symbols GLIBCXX_3.4.N. From GCC's table of its ABI's versions."""
    since = {21: "5", 22: "6", 23: "7", 24: "7.2", 25: "8", 26: "9", 27: "9.2", 28: "9.3", 29: "11", 30: "12",
             31: "13", 32: "13.1", 33: "14", 34: "15"}  # fmt: skip
    number = glibcxx[2] if len(glibcxx) > 2 else 0
    if number > max(since):
        raise SetupFailed(f"GLIBCXX_{'.'.join(map(str, glibcxx))} is newer than build/deb.py knows.")
    return since.get(number, "5")


def make_deb(
    runner: Runner,
    payload: Payload,
    share: Mapping[str, bytes],
    needs: Needs,
    optional: Iterable[str],
    target: Path,
    version: str,
    epoch: int,
    home: str = "",
) -> None:
    """Write `target`. `share` is what goes to /usr/share, by its path there; `needs` and `optional`
    (libraries of plugins that the window does without) become dependencies; `home` is the releases' address.

    The same files and the same `epoch` (seconds since 1970) make the same package. Raises SetupFailed.
    """
    if shutil.which("dpkg-deb") is None:
        raise SetupFailed("dpkg-deb is missing. On Debian and Ubuntu it is there; elsewhere install dpkg.")
    root = target.with_suffix(".root")
    shutil.rmtree(root, ignore_errors=True)
    try:
        files: dict[PurePosixPath, Path | bytes] = {
            PROGRAM / name: source for name, source in payload.files.items()
        }
        files |= {"usr/share" / PurePosixPath(path): content for path, content in share.items()}
        documents = PurePosixPath("usr/share/doc") / PACKAGE
        licence = (PROJECT / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2]
        files[documents / "copyright"] = filled("copyright", {"LICENCE": _indented(licence)})
        files[documents / "changelog.gz"] = gzip.compress(
            changelog(version, epoch, _maintainer(runner)), 9, mtime=0
        )
        overrides = filled("edgewise.lintian-overrides", {})
        files[PurePosixPath("usr/share/lintian/overrides") / PACKAGE] = overrides
        put(files, root, epoch)
        link = root / "usr/bin/edgewise"
        link.parent.mkdir(parents=True)
        link.symlink_to("../lib/edgewise/edgewise")
        control = {
            "Package": PACKAGE,
            "Version": version,
            "Architecture": ARCHITECTURES[platform.machine()],
            "Maintainer": _maintainer(runner),
            "Installed-Size": str(sum(_kib(path) for path in root.rglob("*"))),
            "Depends": ", ".join(depends(needs)),
            "Recommends": ", ".join(_RECOMMENDED),
            "Suggests": ", ".join(sorted(packages_of(optional))),
            "Section": "utils",
            "Priority": "optional",
            "Homepage": home,
            "Description": DESCRIPTION,
        }
        lines = "".join(f"{key}: {value}\n" for key, value in control.items() if value)
        put(
            {
                PurePosixPath("DEBIAN/control"): lines.encode(),
                PurePosixPath("DEBIAN/md5sums"): md5sums(root).encode(),
            },
            root,
            epoch,
        )
        runner.environment["SOURCE_DATE_EPOCH"] = str(epoch)
        runner.run(
            f"Packing {target.name}",
            [
                "dpkg-deb",
                "--root-owner-group",
                "--uniform-compression",
                "-Zxz",
                "-z6",
                "--build",
                root,
                target,
            ],
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)


DESCRIPTION = """\
chat with language models on your own hardware
 Edgewise runs language models on this computer and keeps your conversations
 on it. It works with the network unplugged.
 .
 It says of each model whether it runs well here, downloads it with pause and
 resume, tests engines side by side and recommends one with its reasons.
 llama.cpp comes with it, for old and new processors alike."""


def changelog(version: str, epoch: int, maintainer: str) -> bytes:
    """What dpkg wants to know of a version. What is new stands in CHANGELOG.md of the source."""
    when = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(epoch))
    lines = (
        f"{PACKAGE} ({version}) stable; urgency=medium",
        f"  * Version {version}.",
        f" -- {maintainer}  {when}",
    )
    return ("\n\n".join(lines) + "\n").encode()


def md5sums(root: Path) -> str:
    """What `dpkg --verify` holds an installed package against."""
    lines = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.relative_to(root).parts[0] != "DEBIAN":
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            lines.append(f"{digest}  {path.relative_to(root).as_posix()}\n")
    return "".join(lines)


def _maintainer(runner: Runner) -> str:
    return runner.environment.get("EDGEWISE_MAINTAINER") or MAINTAINER


def _indented(text: str) -> str:
    return "\n".join(f" {line}" if line.strip() else " ." for line in text.strip().splitlines())


def _kib(path: Path) -> int:
    """What the file takes as dpkg reckons it: whole KiB, one for whatever is no file."""
    return 1 if path.is_symlink() or not path.is_file() else -(-path.stat().st_size // 1024)
