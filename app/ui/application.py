"""Puts the parts of the app together, and ends them in order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.errors import EdgewiseError
from app.domain.model import LocalModel
from app.services.attached_servers import AttachedServers
from app.services.background import Background
from app.services.chat_session import ChatSession
from app.services.engine_choice import ModelChoice
from app.services.engine_parts import EngineParts
from app.services.engine_supervisor import EngineSupervisor
from app.services.load_record import LoadHistory
from app.services.local_mover import LocalMover
from app.services.model_library import ModelLibrary
from app.services.speed_test_tester import LocalTester
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings, load_settings, save_settings
from app.storage.speed_tests import SpeedTests
from app.ui import theme
from app.ui.advisor_room import AdvisorRoom
from app.ui.chat.page import ChatPage
from app.ui.engines_room import EnginesRoom
from app.ui.file_opening import FileOpening
from app.ui.main_window import ADVISOR, CHAT, ENGINES, MODELS, SETTINGS, SPEED_TEST, MainWindow
from app.ui.models_room import ModelsRoom
from app.ui.moving_room import MovingRoom
from app.ui.speed_test_room import SpeedTestRoom
from app.ui.updates_room import UpdatesRoom

if TYPE_CHECKING:
    from app.ui.settings.page import SettingsPage

PURGE_AFTER_S = 30 * 24 * 3600.0
"""A deleted conversation is gone for good after this long."""
CLOSING_MS = 2000
"""Longest wait for work under way when the app is closed; only a hub that does not answer takes longer."""


class Edgewise(QObject):
    """All parts of one running app, on one data folder. `close` ends them in order."""

    closed = Signal()

    def __init__(self, paths: Paths, database: Database) -> None:
        super().__init__()
        self._paths = paths
        self._database = database
        self._closed = False
        self._saving = threading.Lock()
        self.settings = load_settings(paths.settings)
        self.store = Conversations(database)
        self.ledger = Ledger(database)
        self.library = ModelLibrary(paths, last_used=self.ledger.last_used)
        self.background = Background(self)
        self.engines = EngineParts(paths)
        self.servers = AttachedServers(paths, offline=lambda: self.settings.offline)
        history = LoadHistory(self.ledger, paths.bandwidth)
        self.supervisor = EngineSupervisor(
            self.engines.adapters,
            find_model=self._find_model,
            wishes=lambda engine: self.settings.wishes_for(engine),
            logs=paths.logs,
            parent=self,
            history=history,
            attached=self.servers.engines,
            installed=self.engines.is_installed,
            preferred=lambda format_: self.settings.engines.get(format_),
            idle_minutes=lambda: self.settings.idle_minutes,
            gpus=self.engines.gpus,
            rank=self.engines.rank,
        )
        self.session = ChatSession(self.store, self.supervisor, self.background, self)
        self.chat = ChatPage(self.session, self.supervisor, self._current_settings)
        self.models = ModelsRoom(
            paths,
            self.library,
            self.ledger,
            database,
            self.background,
            offline=lambda: self.settings.offline,
            window=lambda: self.window,
            parent=self,
            settings=self._current_settings,
        )
        self.engine_room = EnginesRoom(
            paths,
            self.engines,
            self.supervisor,
            self.servers,
            self.library,
            history,
            self.background,
            self._current_settings,
            self,
        )
        self.speed_tests = SpeedTests(database)
        self.speed_test_room = SpeedTestRoom(
            self.speed_tests,
            LocalTester(
                paths,
                self.speed_tests,
                self.engines,
                self.library,
                self.supervisor,
                self.servers,
                history,
                self._current_settings,
            ),
            self.background,
            self,
        )
        self.moving = MovingRoom(
            self.chat,
            LocalMover(
                paths,
                self.store,
                self.engines,
                self.library,
                self.supervisor,
                self.servers,
                history,
                self._current_settings,
            ),
            self.background,
            self,
        )
        self.advisor_room = AdvisorRoom(
            paths,
            self.engines,
            self.supervisor,
            self.servers,
            self.library,
            self.ledger,
            self.speed_tests,
            self.models,
            self.engine_room,
            self.background,
            lambda: self.settings.offline,
            self,
        )
        self.opening = FileOpening(self.library, self.background, self)
        self._waiting_files: list[Path] = []
        self.updates = UpdatesRoom(paths, self.chat.notice, self.background, self._current_settings, self)
        self.window = MainWindow(
            self.chat,
            self.models.make_page,
            self.engine_room.make_page,
            self.speed_test_room.make_page,
            self.advisor_room.make_page,
            self._make_settings_page,
            self._current_settings,
        )
        for source in (
            self.chat.settings_changed,
            self.window.settings_changed,
            self.models.settings_changed,
            self.engine_room.settings_changed,
        ):
            source.connect(self._keep_settings)
        self.chat.models_wanted.connect(self._list_models)
        self._connect_models()
        self._connect_opening()
        self._connect_engines()
        self._connect_speed_test()
        self._connect_moving()
        self._connect_advisor()
        self.updates.settings_requested.connect(lambda: self.window.show_page(SETTINGS))
        self.window.closing.connect(self.close)

    def open(self) -> None:
        """Show the window and begin to fill it."""
        if self._database.set_aside is not None:
            self.chat.notice.say(
                "The database of your conversations was damaged. It was set aside as "
                f"{self._database.set_aside.name}, and a new one was begun."
            )
        self.background.run(self._recover, self._open_latest, self._open_despite)
        self._list_models()
        self.window.show()
        self.models.start()
        self.engine_room.start()
        self.speed_test_room.start()
        self.advisor_room.start()
        self.updates.session.start()

    def open_files(self, files: Sequence[Path]) -> None:
        """Files that a person opened with Edgewise; while there is no conversation yet they wait for it."""
        self._waiting_files += files
        if self.chat.conversation is not None:
            self._open_waiting()

    def close(self) -> None:
        """Store what is not stored, end the engine, close the database."""
        if self._closed:
            return
        self._closed = True
        self.speed_test_room.close()
        self.advisor_room.close()
        self.updates.session.close()
        self.models.close()
        self.engine_room.close()
        self.session.shut_down()
        self.supervisor.shut_down()
        self.background.finish(CLOSING_MS)
        self._database.close()
        self.closed.emit()

    def _recover(self) -> None:
        self.store.mark_interrupted().result()
        self.store.purge_deleted(PURGE_AFTER_S).result()

    def _open_latest(self, _: None = None) -> None:
        self.session.open_latest(self.settings.system_prompt, self.settings.params)

    def _open_despite(self, error: EdgewiseError) -> None:
        self.chat.show_error(error)
        self._open_latest()

    def _find_model(self, name: str | None) -> LocalModel:
        return self.library.choose(name, self.settings.model)

    def _current_settings(self) -> Settings:
        return self.settings

    def _connect_models(self) -> None:
        models = self.models
        models.serve_first_run(self.chat.empty.first_run)
        models.library_changed.connect(self._list_models)
        models.chat_requested.connect(self._chat_with)
        models.models_requested.connect(lambda: self.window.show_page(MODELS))
        models.settings_requested.connect(lambda: self.window.show_page(SETTINGS))
        self.window.files_dropped.connect(self._take_in)

    def _connect_opening(self) -> None:
        opening = self.opening
        opening.chat_requested.connect(self._chat_with)
        opening.offered.connect(self._take_in)
        opening.refused.connect(self._refuse_file)
        self.models.library.imported.connect(opening.imported)
        self.session.opened.connect(self._open_waiting)

    def _open_waiting(self) -> None:
        waiting, self._waiting_files = self._waiting_files, []
        self.opening.open(waiting)

    def _refuse_file(self, error: EdgewiseError) -> None:
        self.window.show_page(MODELS)
        if self.window.models_page is not None:
            self.window.models_page.show_error(error)

    def _connect_engines(self) -> None:
        room = self.engine_room
        room.choices_changed.connect(self._list_models)
        room.models_requested.connect(lambda: self.window.show_page(MODELS))
        self.models.library_changed.connect(room.models_changed)

    def _connect_speed_test(self) -> None:
        room = self.speed_test_room
        room.models_requested.connect(lambda: self.window.show_page(MODELS))
        room.engines_requested.connect(lambda: self.window.show_page(ENGINES))
        room.running_changed.connect(lambda running: self.window.set_working(SPEED_TEST, running))
        self.models.library_changed.connect(room.choices_changed)
        self.engine_room.choices_changed.connect(room.choices_changed)

    def _connect_moving(self) -> None:
        room = self.moving
        room.engines_requested.connect(lambda: self.window.show_page(ENGINES))
        room.search_requested.connect(self._search_for)
        room.conversion_requested.connect(self._convert)

    def _search_for(self, words: str) -> None:
        self.window.show_page(MODELS)
        self.models.search_for(words)

    def _convert(self, model: LocalModel) -> None:
        self.window.show_page(MODELS)
        self.models.ask_to_convert(model)

    def _connect_advisor(self) -> None:
        room = self.advisor_room
        room.chat_requested.connect(self._chat_on)
        room.speed_test_requested.connect(lambda: self.window.show_page(SPEED_TEST))
        room.engines_requested.connect(lambda: self.window.show_page(ENGINES))
        room.attach_requested.connect(self._ask_to_attach)
        room.settings_requested.connect(lambda: self.window.show_page(SETTINGS))
        room.running_changed.connect(lambda running: self.window.set_working(ADVISOR, running))
        self.models.library_changed.connect(room.choices_changed)
        self.engine_room.choices_changed.connect(room.choices_changed)

    def _take_in(self, paths: list[Path]) -> None:
        # How far copying is, and what speaks against a file, is shown there.
        self.window.show_page(MODELS)
        self.models.ask_to_import(paths)

    def _chat_with(self, name: str) -> None:
        self.window.show_page(CHAT)
        self.chat.use_model(name)

    def _chat_on(self, name: str | None, engine: str) -> None:
        self.window.show_page(CHAT)
        if name is not None:
            self.chat.use_model(name, engine)
            return

        def first(choices: list[ModelChoice]) -> None:
            names = [choice.name for choice in choices if choice.engine_id == engine]
            if names:
                self.chat.use_model(names[0], engine)

        self.background.run(lambda: self.supervisor.model_choices([]), first)

    def _ask_to_attach(self) -> None:
        self.window.show_page(ENGINES)
        if self.window.engines_page is not None:
            self.window.engines_page.ask_to_attach()

    def _make_settings_page(self) -> SettingsPage:
        from app.ui.settings.page import SettingsPage

        page = SettingsPage(self._current_settings, self._paths, self.updates.session)
        page.changed.connect(self._keep_settings)
        page.log_requested.connect(self.chat.show_log)
        page.token_requested.connect(self.models.ask_token)
        self.models.tokens.changed.connect(page.show_token)
        self.models.tokens.look()
        return page

    def _keep_settings(self, settings: Settings) -> None:
        if settings.theme != self.settings.theme:
            theme.source().set_scheme(settings.theme)
        switched = settings.offline != self.settings.offline
        looking = settings.look_for_updates != self.settings.look_for_updates
        self.settings = settings
        if switched:
            self.models.network_changed()
            self.engine_room.network_changed()
            self.advisor_room.choices_changed()
        if switched or looking:
            self.updates.session.settings_changed()
        self.background.run(self._save_settings, None, self.chat.show_error)

    def _save_settings(self) -> None:
        # One at a time and always the latest: workers may run in any order.
        with self._saving:
            save_settings(self._paths.settings, self.settings)

    def _list_models(self) -> None:
        self.background.run(self._model_choices, self._show_models)

    def _model_choices(self) -> list[ModelChoice]:
        formats = {format_ for adapter in self.supervisor.usable() for format_ in adapter.formats}
        return self.supervisor.model_choices(self.library.chat_models(formats))

    def _show_models(self, choices: list[ModelChoice]) -> None:
        self.chat.set_models(choices)
        if not choices:
            self.models.no_model_yet()
