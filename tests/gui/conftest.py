"""Windows in tests are drawn offscreen, light, and start the same for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.ui import theme


def pytest_configure(config: pytest.Config) -> None:
    # The offscreen platform says this of every window; it is about the platform, not about us.
    config.addinivalue_line(
        "qt_log_ignore", "This plugin does not support (propagateSizeHints|raise|grabbing)"
    )


@pytest.fixture(autouse=True)
def light_theme(qapp: QApplication) -> Iterator[None]:
    """Every test begins in the light theme, and leaves it behind."""
    theme.apply(qapp, theme.Scheme.LIGHT)
    yield
    theme.apply(qapp, theme.Scheme.LIGHT)
