"""All that the speed test page stands on: made with the app, so that a test goes on without the page."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.services.background import Background
from app.services.speed_test_session import SpeedTestSession, Tester

if TYPE_CHECKING:
    from app.storage.speed_tests import SpeedTests
    from app.ui.speed_test.page import SpeedTestPage


class SpeedTestRoom(QObject):
    """Owns the session of the speed test page, and the page once it is made."""

    models_requested = Signal()
    engines_requested = Signal()
    running_changed = Signal(bool)
    """Whether a test runs."""

    def __init__(
        self,
        store: SpeedTests,
        tester: Tester,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._page: SpeedTestPage | None = None
        self.session = SpeedTestSession(store, tester, background, self)
        self.session.running_changed.connect(self.running_changed)

    def start(self) -> None:
        """Read in what the page is made of before it is wanted: a click should not wait for it."""
        self._background.run(lambda: import_module("app.ui.speed_test.page"))

    def make_page(self) -> SpeedTestPage:
        """The page, made once."""
        from app.services.model_forms import differences
        from app.ui.speed_test.page import SpeedTestPage

        page = self._page = SpeedTestPage(self.session, differences)
        page.models_requested.connect(self.models_requested)
        page.engines_requested.connect(self.engines_requested)
        return page

    def choices_changed(self) -> None:
        """Models, engines or servers came or went."""
        if self._page is not None:
            self.session.look()

    def close(self) -> None:
        """End a running test and its engines. Blocks until that is done."""
        self.session.close()
