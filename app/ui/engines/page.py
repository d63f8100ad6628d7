"""The engines page: brings its rows to life through the sessions."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.domain.errors import EdgewiseError
from app.services.engines_session import EnginesSession
from app.services.servers_session import ServersSession
from app.ui.engines.attach_dialog import AttachDialog
from app.ui.engines.install_dialog import InstallDialog
from app.ui.engines.row_words import Deed
from app.ui.engines.view import EnginesView
from app.ui.log_dialog import LogDialog
from app.ui.models.question_bar import QuestionBar
from app.ui.notice_bar import UNDO_MS, NoticeBar
from app.ui.words import size


class EnginesPage(QWidget):
    """Each signal of the view asks a session, each answer goes to the view."""

    models_requested = Signal()
    """The models page is wanted."""

    def __init__(
        self, engines: EnginesSession, servers: ServersSession, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._engines = engines
        self._servers = servers
        self.notice = NoticeBar(self)
        self.view = EnginesView(self)
        self.question = QuestionBar(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.question)
        self._deeds = {
            Deed.INSTALL: self._ask_to_install,
            Deed.CANCEL_INSTALL: engines.cancel_install,
            Deed.START: engines.start,
            Deed.FORCE: lambda engine: engines.start(engine, force=True),
            Deed.CANCEL_START: engines.stop,
            Deed.STOP: engines.stop,
            Deed.VERIFY: engines.verify,
            Deed.REMOVE: self._ask_to_remove,
            Deed.SHOW_LOG: engines.read_log,
            Deed.SHOW_INSTALL_LOG: engines.read_install_log,
            Deed.SEE_MODELS: lambda _: self.models_requested.emit(),
            Deed.ATTACH: lambda _: self.ask_to_attach(),
            Deed.VISIT: self._visit,
        }
        self._connect_engines()
        self._connect_servers()
        self.setFocusProxy(self.view.attach)
        self._show_engines()
        self._show_servers()

    def _connect_engines(self) -> None:
        view, engines = self.view, self._engines
        view.wanted.connect(lambda engine, deed: self._deeds[Deed(deed)](engine))
        view.opened.connect(engines.open)
        view.model_chosen.connect(engines.choose_model)
        view.wishes_changed.connect(engines.set_wishes)
        view.idle_changed.connect(engines.set_idle_minutes)
        engines.changed.connect(self._show_engines)
        engines.planned.connect(view.set_planned)
        engines.failed.connect(self.show_error)
        engines.log_read.connect(self.show_log)

    def _connect_servers(self) -> None:
        view, servers = self.view, self._servers
        view.attach_requested.connect(self.ask_to_attach)
        view.detach_requested.connect(self._ask_to_detach)
        view.look_requested.connect(servers.ask)
        view.server_log_requested.connect(self._show_server_log)
        servers.changed.connect(self._show_servers)
        servers.failed.connect(self.show_error)
        servers.remark.connect(lambda sentence: self.notice.say(sentence, failed=False, ms=UNDO_MS))

    def set_network(self, *, offline: bool) -> None:
        """Whether the offline switch is on."""
        self.view.set_offline(offline)

    def set_idle_minutes(self, minutes: int | None) -> None:
        """When idle models are unloaded; None: never."""
        self.view.set_idle_minutes(minutes)

    def show_error(self, error: EdgewiseError) -> None:
        """Say an expected failure above the rows."""
        details = ("Show details", lambda: self.show_log(error.message, error.detail))
        self.notice.say(error.message, details=details if error.detail else None)

    def show_log(self, sentence: str, log: str) -> None:
        """What stands behind a sentence."""
        dialog = LogDialog("Log", sentence, log, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def ask_to_attach(self) -> None:
        """Ask for the address of a server."""
        servers = self._servers
        dialog = AttachDialog(offline=self._engines.offline, parent=self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.look_requested.connect(servers.look)
        dialog.attach_requested.connect(servers.attach)
        dialog.finished.connect(lambda _: servers.give_up())
        servers.found.connect(dialog.show_facts)
        servers.not_found.connect(dialog.show_error)
        servers.settled.connect(dialog.settle)
        dialog.open()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # After it is painted, since workers would slow that down.
        QTimer.singleShot(0, self._look)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._engines.watch(False)

    def _look(self) -> None:
        if self.isVisible():
            self._engines.look()
            self._engines.watch(True)
            self._servers.list()

    def _show_engines(self) -> None:
        self.view.set_cards(self._engines.cards)

    def _show_servers(self) -> None:
        self.view.set_servers(self._servers.cards)

    def _show_server_log(self, id_: str) -> None:
        for card in self._servers.cards:
            if card.id == id_:
                self.show_log(card.status.error, card.status.log)

    def _ask_to_install(self, engine: str) -> None:
        card = self._engines.card(engine)
        if card.environment is None or card.environment.plan is None:
            return
        dialog = InstallDialog(card, offline=self._engines.offline, parent=self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.install_requested.connect(lambda source: self._engines.install(engine, source))
        dialog.open()

    def _ask_to_remove(self, engine: str) -> None:
        card = self._engines.card(engine)
        frees = card.environment.size if card.environment is not None else None
        freed = f" That frees about {size(frees)}." if frees else ""
        self.question.ask(
            f"Remove {card.profile.name}?{freed} Models and chats stay.",
            yes="Remove",
            no="Keep",
            deed=lambda: self._engines.remove(engine),
            back_to=self.view.rows[engine].tab_order()[0],
        )

    def _ask_to_detach(self, id_: str) -> None:
        for card in self._servers.cards:
            if card.id == id_:
                key = " Its key is forgotten." if card.server.has_key else ""
                self.question.ask(
                    f"Detach {card.server.name}?{key} The server goes on, and chats with it stay.",
                    yes="Detach",
                    no="Keep",
                    deed=lambda: self._servers.detach(id_),
                    back_to=self.view.servers[id_].tab_order()[-1],
                )

    def _visit(self, engine: str) -> None:
        QDesktopServices.openUrl(QUrl(self._engines.card(engine).profile.homepage))
