"""The models on this machine with the details of one beside them, alive through the library's session."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QDir, QProcess, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.advisor.ladder import Ladder
from app.domain.model import LibraryEntry, LocalModel, Verification
from app.services.library_session import LibrarySession
from app.ui.models.details_panel import DetailsPanel
from app.ui.models.forecast_rows import forecast_rows
from app.ui.models.import_dialog import ask_how
from app.ui.models.library_table import usable
from app.ui.models.library_view import LibraryView

_BESIDE_FROM = 900
_PANEL_WIDTH = 340


class LibraryPage(QWidget):
    """In a narrow window the details take the list's place."""

    chat_requested = Signal(object)
    """A `LibraryEntry`."""
    convert_requested = Signal(object)
    quantize_requested = Signal(object)
    measure_requested = Signal(object)
    """Of a `LibraryEntry`, as above."""
    cancel_requested = Signal(str)
    """Of the work on the model of this name."""
    catalog_requested = Signal()
    forecast_wanted = Signal(object)
    """`Path` of a model whose details are shown; `show_forecast` tells what it will take."""

    def __init__(self, session: LibrarySession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: LibraryEntry | None = None
        self._checked: dict[LocalModel, Verification] = {}
        """What was verified since the window was opened."""
        self.view = LibraryView(self)
        self.panel = DetailsPanel(self)
        self.panel.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.panel)
        self._connect()
        self.view.set_entries(session.entries)

    def _connect(self) -> None:
        session, view, panel = self._session, self.view, self.panel
        session.listed.connect(self._list)
        session.looking.connect(view.set_looking)
        session.work_changed.connect(view.set_work)
        session.work_ended.connect(lambda name, remark, failed: view.end_work(name, remark, failed=failed))
        session.freed_known.connect(view.set_freed)
        session.verified.connect(self._show_check)
        view.chat_requested.connect(self.chat_requested)
        view.details_requested.connect(self._show_details)
        view.current_changed.connect(self._follow)
        view.verify_requested.connect(session.verify)
        view.reveal_requested.connect(lambda entry: reveal(entry.model.path))
        view.remove_considered.connect(session.consider_removing)
        view.remove_requested.connect(session.remove)
        view.convert_requested.connect(self.convert_requested)
        view.quantize_requested.connect(self.quantize_requested)
        view.measure_requested.connect(self.measure_requested)
        view.cancel_requested.connect(session.cancel)
        view.cancel_requested.connect(self.cancel_requested)
        view.import_requested.connect(self.ask_to_import)
        view.look_again_requested.connect(session.look)
        view.catalog_requested.connect(self.catalog_requested)
        panel.chat_requested.connect(self.chat_requested)
        panel.verify_requested.connect(session.verify)
        panel.reveal_requested.connect(lambda entry: reveal(entry.model.path))
        panel.closed.connect(self._close_details)

    def ask_to_import(self, paths: list[Path]) -> None:
        """Ask how these are to be taken in, then do it."""
        if paths:
            ask_how(self.window(), paths, lambda copy: self._session.import_models(paths, copy=copy))

    def show_forecast(self, path: Path, ladder: Ladder) -> None:
        """What the model at `path` takes on this machine, if it is the one that is shown."""
        shown = self._shown
        if shown is not None and shown.model.path == path:
            trained = shown.details.context_length if shown.details is not None else None
            self.panel.set_forecast(forecast_rows(ladder, trained))

    def _list(self, entries: list[LibraryEntry]) -> None:
        self.view.set_entries(entries)
        there = {entry.model for entry in entries}
        self._checked = {model: said for model, said in self._checked.items() if model in there}
        if self._shown is None:
            return
        name = self._shown.model.name
        now = next((entry for entry in entries if entry.model.name == name), None)
        if now is None:
            self._close_details()
        elif now != self._shown:
            self._shown = now
            self.panel.set_entry(now)
            self.panel.set_check(self._checked.get(now.model))

    def _show_details(self, entry: LibraryEntry) -> None:
        self._shown = entry
        self.panel.set_entry(entry)
        self.panel.set_check(self._checked.get(entry.model))
        self.panel.show()
        self._share()
        if usable(entry):
            self.forecast_wanted.emit(entry.model.path)

    def _follow(self, entry: LibraryEntry) -> None:
        """Details that are open are those of the row one is on."""
        if self._shown is not None and self._shown.model != entry.model:
            self._show_details(entry)

    def _close_details(self) -> None:
        self._shown = None
        self.panel.hide()
        self._share()
        self.view.focus_filter()

    def _show_check(self, verification: Verification) -> None:
        self._checked[verification.model] = verification
        if self._shown is not None and self._shown.model == verification.model:
            self.panel.set_check(verification)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()

    def _share(self) -> None:
        beside = self.width() >= _BESIDE_FROM
        self.panel.setMaximumWidth(_PANEL_WIDTH if beside else 16_777_215)
        self.panel.setMinimumWidth(_PANEL_WIDTH if beside else 0)
        self.view.setVisible(beside or self.panel.isHidden())


def reveal(path: Path) -> None:
    """Show the file in the system's file manager, selected where that can be asked for.

    Windows: explorer's /select. macOS: open -R. Elsewhere its folder is opened.
    """
    if sys.platform == "win32":
        # Two arguments: in one, Qt would quote "/select," along with a path that has spaces.
        QProcess.startDetached("explorer.exe", ["/select,", QDir.toNativeSeparators(str(path))])
    elif sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    else:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
