"""Moves of the open conversation: to another engine, and elsewhere as code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from app.domain.errors import EdgewiseError
from app.models.library import display_name
from app.services.background import Background
from app.ui.chat.page import ChatPage
from app.ui.notice_bar import UNDO_MS

if TYPE_CHECKING:
    from app.domain.conversation import Conversation
    from app.services.local_mover import LocalMover
    from app.services.moving import Move
    from app.ui.chat.move_dialog import MoveDialog
    from app.ui.code_dialog import CodeDialog

T = TypeVar("T")


class MovingRoom(QObject):
    """Opens the dialogs that the chat page asks for, and does what is chosen there."""

    engines_requested = Signal()
    """An engine has to be installed first."""
    search_requested = Signal(str)
    """A form of the model has to be looked for on the hub, by these words."""
    conversion_requested = Signal(object)
    """The `LocalModel` that has to be converted to GGUF first."""

    def __init__(
        self, chat: ChatPage, mover: LocalMover, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._chat = chat
        self._mover = mover
        self._background = background
        chat.move_requested.connect(self.ask_where)
        chat.code_requested.connect(self.show_code)

    def ask_where(self) -> MoveDialog | None:
        """Ask with which engine the open conversation goes on."""
        from app.ui.chat.move_dialog import MoveDialog

        conversation = self._chat.conversation
        if conversation is None:
            return None
        model = display_name(conversation.model)[0] if conversation.model else ""
        dialog = MoveDialog(model, self._chat.window())
        dialog.chosen.connect(lambda way: self._go(conversation, way))
        dialog.step_requested.connect(self._take_step)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(dialog, lambda: self._mover.ways(conversation), dialog.set_ways)
        dialog.open()
        return dialog

    def show_code(self) -> CodeDialog | None:
        """Show the open conversation as code."""
        from app.ui.code_dialog import CodeDialog

        conversation = self._chat.conversation
        if conversation is None:
            return None
        self._chat.keep_unsaved()  # what was set a moment ago is part of it
        conversation = self._chat.conversation or conversation
        dialog = CodeDialog(conversation.title, self._chat.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(dialog, lambda: self._mover.as_code(conversation), dialog.set_thing)
        dialog.open()
        return dialog

    def _fill(self, dialog: MoveDialog | CodeDialog, ask: Callable[[], T], show: Callable[[T], None]) -> None:
        """Unless it was closed meanwhile: an answer may come later than a person waits."""
        gone: list[bool] = []
        dialog.destroyed.connect(lambda: gone.append(True))

        def succeed(answer: T) -> None:
            if not gone:
                show(answer)

        def fail(error: EdgewiseError) -> None:
            if not gone:
                dialog.set_problem(error.message)

        self._background.run(ask, succeed, fail)

    def _go(self, before: Conversation, way: Move) -> None:
        if self._chat.conversation is None or self._chat.conversation.id != before.id:
            return
        self._chat.go_on_with(way.name, way.engine_id)
        self._chat.notice.say(
            f"This conversation goes on with {display_name(way.name)[0]} in {way.engine}.",
            [("Go back", lambda: self._back(before))],
            failed=False,
            ms=UNDO_MS,
        )

    def _back(self, before: Conversation) -> None:
        now = self._chat.conversation
        if now is not None and now.id == before.id and before.model is not None:
            self._chat.go_on_with(before.model, before.engine)

    def _take_step(self, way: Move) -> None:
        from app.services.moving import Step

        if way.step is Step.INSTALL:
            self.engines_requested.emit()
        elif way.step is Step.CONVERT and way.source is not None:
            self.conversion_requested.emit(way.source)
        else:
            self.search_requested.emit(way.repository or way.name)
