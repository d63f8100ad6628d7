"""The page of a repository on the hub, where one asks for access. Opened on a click alone."""

from __future__ import annotations

from urllib.parse import quote

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

WORDS = "Open its page"
"""What the button says that opens it."""


def open_hub_page(repository: str) -> None:
    """Show the page of `repository` in the browser."""
    from app.models.hub_session import hub_endpoint

    QDesktopServices.openUrl(QUrl(f"{hub_endpoint()}/{quote(repository)}"))
