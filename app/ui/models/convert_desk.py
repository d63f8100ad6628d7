"""Where models are made from models: the dialogs, the work in the library's rows, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QWidget

from app.domain.conversion import QuantizationForecast
from app.domain.errors import EdgewiseError
from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel
from app.domain.model_quality import QualityReport
from app.models.library import display_name
from app.services.conversion_session import ConversionSession
from app.ui.models.convert_dialog import ConvertDialog
from app.ui.models.convert_quantize import QuantizeDialog
from app.ui.models.library_page import LibraryPage
from app.ui.models.quality_dialog import QualityDialog
from app.ui.models.quality_view import QualityView
from app.ui.notice_bar import UNDO_MS

if TYPE_CHECKING:
    from app.ui.notice_bar import NoticeBar

T = TypeVar("T")
D = TypeVar("D", bound=QDialog)


class ConversionDesk(QObject):
    """Brings a library page's “Convert”, “Quantize” and “Measure quality” to life."""

    def __init__(
        self,
        session: ConversionSession,
        page: LibraryPage,
        notice: NoticeBar,
        window: Callable[[], QWidget],
        offline: Callable[[], bool],
        chat: Callable[[str], None],
    ) -> None:
        super().__init__(page)
        self._session = session
        self._page = page
        self._notice = notice
        self._window = window
        self._offline = offline
        self._chat = chat
        page.convert_requested.connect(lambda entry: self.ask_to_convert(entry.model))
        page.quantize_requested.connect(self.ask_to_quantize)
        page.measure_requested.connect(lambda entry: self.ask_to_measure(entry.model))
        page.cancel_requested.connect(session.cancel)
        session.work_changed.connect(self._show_work)
        session.work_ended.connect(self._end_work)
        session.made.connect(self._say_made)
        session.measured.connect(self._say_measured)

    def ask_to_convert(self, model: LocalModel) -> ConvertDialog:
        """Say what converting it takes, then do it."""
        dialog = self._open(ConvertDialog(_name(model), self._window(), offline=self._offline()))
        dialog.convert_requested.connect(
            lambda source, kind, then: self._session.convert(model.name, source, kind, then)
        )
        self._session.offer_conversion(model, *_answers(dialog, dialog.set_offer))
        return dialog

    def ask_to_quantize(self, entry: LibraryEntry) -> QuantizeDialog:
        """Ask to which type, then do it."""
        model = entry.model
        dialog = self._open(QuantizeDialog(_name(model), self._window()))

        def begin(type_: str, text: Path | None, again: bool) -> None:
            self._session.quantize(model, type_, importance_text=text, again=again)

        def forecast(type_: str) -> None:
            def show(found: QuantizationForecast | None) -> None:
                dialog.set_forecast(type_, found)

            told, _ = _answers(dialog, show)
            self._session.forecast(model, type_, told, lambda _: None)  # the estimate stands

        dialog.quantize_requested.connect(begin)
        dialog.forecast_wanted.connect(forecast)
        self._session.offer_quantizing(entry, *_answers(dialog, dialog.set_offer))
        return dialog

    def ask_to_measure(self, model: LocalModel) -> QualityDialog:
        """Ask against what, then do it."""
        dialog = self._open(QualityDialog(_name(model), self._window()))
        dialog.measure_requested.connect(
            lambda original, variants, text: self._session.measure(model.name, original, variants, text)
        )
        self._session.offer_measuring(model, *_answers(dialog, dialog.set_offer))
        return dialog

    def show_report(self, report: QualityReport) -> QualityView:
        """What was measured."""
        return self._open(QualityView(report, self._window()))

    def _open(self, dialog: D) -> D:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    def _show_work(self, name: str, said: str, share: float | None) -> None:
        self._page.view.show_work(name, said.partition(" · ")[0], said, share)

    def _end_work(self, name: str, remark: str, failed: bool) -> None:
        self._page.view.end_work(name, remark, failed=failed)

    def _say_made(self, entry: LibraryEntry) -> None:
        name = entry.model.name
        deeds: list[tuple[str, Callable[[], None]]] = [("Chat with it", lambda: self._chat(name))]
        if entry.model.format is Format.GGUF:
            deeds.append(("Measure its quality…", lambda: _nothing(self.ask_to_measure(entry.model))))
        self._notice.say(f"{name} is in the library.", deeds, failed=False, ms=UNDO_MS)

    def _say_measured(self, report: QualityReport) -> None:
        names = ", ".join(display_name(each.name)[1] or each.name for each in report.variants)
        self._notice.say(
            f"The quality of {names} was measured.",
            [("Show", lambda: _nothing(self.show_report(report)))],
            failed=False,
        )


def _answers(
    dialog: ConvertDialog | QuantizeDialog | QualityDialog, show: Callable[[T], None]
) -> tuple[Callable[[T], None], Callable[[EdgewiseError], None]]:
    """Unless it was closed meanwhile: an answer may come later than a person waits."""
    gone: list[bool] = []
    dialog.destroyed.connect(lambda: gone.append(True))

    def told(answer: T) -> None:
        if not gone:
            show(answer)

    def failed(error: EdgewiseError) -> None:
        if not gone:
            dialog.set_problem(error.message)

    return told, failed


def _name(model: LocalModel) -> str:
    return " · ".join(part for part in display_name(model.name) if part)


def _nothing(_: object) -> None:
    """A deed returns nothing."""
