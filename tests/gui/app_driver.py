"""The real app on a data folder, driven as a person would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.domain.conversation import Message, MessageState
from app.domain.engine import EngineState
from app.domain.generation import Role, SamplingParams
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.settings import load_settings, save_settings
from app.ui.application import Edgewise
from app.ui.chat.message_widget import PersonMessage, ReplyMessage

T = TypeVar("T")

WAIT_MS = 60_000
"""A busy machine may take its time; a test that passes waits no longer than it must."""


def change_settings(**values: object) -> None:
    """Write settings as if they had been made in an earlier run."""
    paths = Paths.find()
    paths.create()
    save_settings(paths.settings, replace(load_settings(paths.settings), **values))  # type: ignore[arg-type]


def write_conversation(
    title: str, *texts: str, draft: str = "", params: SamplingParams = SamplingParams()
) -> int:
    """A conversation of an earlier run: a person and the model in turns. Without texts it is empty."""
    paths = Paths.find()
    paths.create()
    with Database.open(paths.database) as database:
        store = Conversations(database)
        conversation = store.create(params=params).result()
        parent: int | None = None
        for number, text in enumerate(texts):
            role = Role.ASSISTANT if number % 2 else Role.USER
            parent = store.append(conversation.id, role, text, parent_id=parent).result().id
        if title:
            store.rename(conversation.id, title).result()
        store.set_draft(conversation.id, draft).result()
    return conversation.id


class App:
    """One running Edgewise. `typed_at_once` is typed before anything but the window is there."""

    def __init__(self, qtbot: QtBot, *, typed_at_once: str = "") -> None:
        self.qtbot = qtbot
        self.paths = Paths.find()
        self.paths.create()
        self.edgewise = Edgewise(self.paths, Database.open(self.paths.database))
        self.window = self.edgewise.window
        self.chat = self.edgewise.chat
        self.list = self.chat.list
        self.rows = one(self.list, QListWidget)
        self.field = one(self.chat.composer, QPlainTextEdit)
        self.transcript = self.chat.transcript
        self.edgewise.open()
        if typed_at_once:
            QTest.keyClicks(self.window.focusWidget() or self.window, typed_at_once)
        qtbot.waitExposed(self.window)
        self.window.activateWindow()
        self.wait(lambda: self.chat.conversation is not None and self.rows.count() > 0)
        self.wait(self.field.hasFocus)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until `condition`; a test that waits in vain fails."""
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def close(self) -> None:
        """As a person closes it. Returns when all is stored and ended."""
        self.window.close()

    # What a person does

    def type(self, text: str) -> None:
        """Into the message field."""
        self.field.setFocus()
        self.field.insertPlainText(text)

    def send(self, text: str) -> None:
        """Type a message, press Enter, and wait until it is stored."""
        before = len(self.stored())
        self.type(text)
        self.press(Qt.Key.Key_Return)
        self.wait(lambda: len(self.stored()) > before)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key, wherever the focus is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifier)

    def ctrl(self, key: Qt.Key) -> None:
        """A shortcut."""
        self.press(key, Qt.KeyboardModifier.ControlModifier)

    def click(self, button: QAbstractButton) -> None:
        """With the mouse."""
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def choose(self, title: str) -> None:
        """Click a row of the conversation list and wait until it is open."""
        item = next(self.rows.item(n) for n in range(self.rows.count()) if self.rows.item(n).text() == title)
        self.rows.scrollToItem(item)
        centre = self.rows.visualItemRect(item).center()
        QTest.mouseClick(self.rows.viewport(), Qt.MouseButton.LeftButton, pos=centre)
        self.wait(lambda: self.window.windowTitle().startswith(title) or title == "New chat")

    def button(self, name: str) -> QAbstractButton:
        """The visible button with this accessible name or text."""
        return next(
            button
            for button in self.window.findChildren(QAbstractButton)
            if name in (button.accessibleName(), button.text()) and button.isVisible()
        )

    def visible_texts(self, begin: str) -> list[str]:
        """What the visible buttons say that begins so."""
        buttons = self.window.findChildren(QAbstractButton)
        return [b.text() for b in buttons if b.isVisible() and b.text().startswith(begin)]

    def search(self) -> QLineEdit:
        """The search over titles."""
        return next(f for f in self.list.findChildren(QLineEdit) if f.accessibleName())

    def notice_button(self, label: str) -> QPushButton:
        """A deed that the notice offers."""
        return next(
            b for b in self.chat.notice.findChildren(QPushButton) if b.text() == label and b.isVisible()
        )

    # What there is to see

    def titles(self) -> list[str]:
        """The rows of the conversation list, headings apart."""
        items = [self.rows.item(row) for row in range(self.rows.count())]
        return [item.text() for item in items if item.flags() & Qt.ItemFlag.ItemIsEnabled]

    def shown_messages(self) -> list[str]:
        """The texts on the page from top to bottom, as far as they are in view."""
        widgets: list[PersonMessage | ReplyMessage] = [
            *self.transcript.findChildren(PersonMessage),
            *self.transcript.findChildren(ReplyMessage),
        ]
        widgets = [widget for widget in widgets if widget.isVisible()]
        widgets.sort(key=lambda widget: widget.y())
        return [text_of(widget) for widget in widgets]

    def reply_widget(self) -> ReplyMessage:
        """The last reply on the page."""
        shown = [w for w in self.transcript.findChildren(ReplyMessage) if w.isVisible()]
        return max(shown, key=lambda widget: widget.y())

    # What is stored

    def id(self) -> int:
        """The open conversation."""
        assert self.chat.conversation is not None
        return self.chat.conversation.id

    def stored(self, conversation_id: int | None = None) -> Sequence[Message]:
        """The messages of a conversation as the database has them."""
        return self.edgewise.store.path(self.id() if conversation_id is None else conversation_id)

    def replying(self, conversation_id: int | None = None) -> bool:
        """Whether a reply is being made there."""
        return self.edgewise.session.is_replying(self.id() if conversation_id is None else conversation_id)

    def wait_ready(self) -> None:
        """Until the model is loaded."""
        self.wait(lambda: self.edgewise.supervisor.status.state is EngineState.READY)

    def wait_reply_begins(self) -> None:
        """Until some words of a reply are on the page."""

        def begun() -> bool:
            so_far = self.edgewise.session.reply_so_far(self.id())
            return so_far is not None and len(so_far.text) > 10

        self.wait(begun)

    def wait_reply_ends(self, conversation_id: int | None = None) -> Message:
        """Until the reply is made and stored; returns it."""
        wanted = self.id() if conversation_id is None else conversation_id

        def ended() -> bool:
            path = self.stored(wanted)
            settled = bool(path) and path[-1].role is Role.ASSISTANT
            return settled and path[-1].state is not MessageState.STREAMING and not self.replying(wanted)

        self.wait(ended)
        return self.stored(wanted)[-1]


def text_of(widget: PersonMessage | ReplyMessage) -> str:
    """What a message on the page says."""
    if isinstance(widget, PersonMessage):
        return widget.text.toPlainText()
    words = []
    for part in widget.text.parts:
        inside = [*part.findChildren(QPlainTextEdit), *part.findChildren(QTextEdit)]
        texts: list[Any] = [part] if isinstance(part, QTextEdit) else inside
        words += [text.toPlainText() for text in texts]
    return "\n".join(words)


def short(tokens: int = 12) -> SamplingParams:
    """Sampling for a short reply that is the same each time."""
    return SamplingParams(temperature=0.0, max_tokens=tokens, seed=1)


def one(parent: QWidget, kind: type[T]) -> T:
    """The first child of this kind."""
    found = parent.findChild(kind)  # type: ignore[type-var]
    assert isinstance(found, kind)
    return found
