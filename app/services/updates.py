"""Whether there is a newer Edgewise. Asks once, when it is told to; fetches and installs nothing.

No Qt here: the command line uses it too.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from app.domain.announcement import Announcement, Installed, announcement_address
from app.domain.errors import Offline, UpdateUnknown
from app.domain.generation import Cancellation
from app.domain.release import Release

NOT_PUBLISHED = (
    "This copy was built from source, so nobody announces newer ones. To have a newer one, fetch the source "
    "again."
)
OFFLINE = (
    "Edgewise works offline, so nobody is asked for a newer version. Switch that off in the settings first."
)


class Updates:
    """Asks where `release` says that releases are announced. Any thread may call."""

    def __init__(self, release: Release, offline: Callable[[], bool]) -> None:
        self.release = release
        self._offline = offline

    @property
    def published(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self.release.home)

    def look(self, cancellation: Cancellation) -> Announcement | None:
        """The newest version; None where this copy is no older. Blocks for one request.

        Raises UpdateUnknown, Offline, or Cancelled.
        """
        if not self.published:
            raise UpdateUnknown(NOT_PUBLISHED)
        if self._offline():
            raise Offline(OFFLINE)
        from app.domain.update import MOST_BYTES, is_newer, read_announcement
        from app.services.release_page import fetch

        home = self.release.home
        body = fetch(announcement_address(home), MOST_BYTES, cancellation)
        try:
            announced = read_announcement(body, home)
            return announced if is_newer(announced.version, self.release.version) else None
        except ValueError as error:
            raise UpdateUnknown(
                f"The page of the releases announces nothing that Edgewise understands. Look at {home} "
                "yourself.",
                detail=str(error)[:500],
            ) from error


def installed() -> Installed:
    """What this copy was made for, and as far as that shows, what it was installed from."""
    systems = {"linux": "linux", "win32": "windows", "darwin": "macos"}
    machines = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
    system = systems.get(sys.platform)
    return Installed(system, machines.get(platform.machine().lower()), _kind(system))


def _kind(system: str | None) -> str | None:
    if not getattr(sys, "frozen", False):
        return None
    if system == "linux":
        if os.environ.get("APPIMAGE"):
            return "appimage"
        return "deb" if sys.executable.startswith("/usr/") else "tar.gz"
    return {"windows": "exe", "macos": "dmg"}.get(system or "")
