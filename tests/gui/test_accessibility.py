"""Everything in the window has a name, a role and a keyboard way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QScrollArea,
    QSpinBox,
    QWidget,
)

from app.domain.conversation import MessageState
from app.domain.generation import Role
from app.services.engine_card import Standing
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from tests.gui.app_driver import App, write_conversation

REPLY = "Words and `code`.\n\n```python\nprint('light')\n```\n\nSee [a link](https://example.org)."

RAIL = {"settings": "Settings", "engines": "Engines"} | dict.fromkeys(
    ("guide", "use cases", "frameworks", "cost"), "Advisor"
)
"""Where a page is chosen, if it is not one of the models page."""

BUTTONS = {
    QAccessible.Role.Button,
    QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton,
    QAccessible.Role.ButtonMenu,
}


@pytest.fixture
def app(qtbot, empty_home) -> Iterator[App]:
    """The real window with a conversation, an interrupted reply, a notice and the panel open."""
    write_conversation("Boat names", "Name a boat.", "Seagull.")
    number = write_conversation("Lighthouse story", "Tell me about lighthouses.", REPLY, "And now?")
    with Database.open(Paths.find().database) as database:
        store = Conversations(database)
        question = store.path(number)[-1]
        reply = store.append(number, Role.ASSISTANT, "", parent_id=question.id).result()
        store.update_reply(
            reply.id,
            text="Half a",
            reasoning="Let me think.",
            state=MessageState.INTERRUPTED,
            error="The engine stopped.",
        ).result()
    app = App(qtbot)
    qtbot.addWidget(app.window)
    app.click(app.button("System prompt and sampling"))
    app.wait(lambda: bool(app.chat.notice.text))
    app.wait(lambda: len(app.shown_messages()) == 4)
    yield app
    app.close()


def controls(window: QWidget) -> list[QWidget]:
    """Everything that is shown and takes the keyboard."""
    return [
        widget
        for widget in window.findChildren(QWidget)
        if widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
    ]


def interface(widget: QWidget) -> QAccessibleInterface:
    found = QAccessible.queryAccessibleInterface(widget)
    assert found is not None
    return found


def name_of(widget: QWidget) -> str:
    return interface(widget).text(QAccessible.Text.Name)


def described(widget: QWidget) -> str:
    return f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}: {name_of(widget)!r}"


def tab_round(first: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """All that pressing Tab leads to, from `first` round to it again."""
    first.setFocus()
    back = Qt.KeyboardModifier.ShiftModifier
    visited: list[QWidget] = []
    for _ in range(300):
        focused = QApplication.focusWidget()
        assert focused is not None
        if visited and focused is first:
            break
        if focused not in visited:  # a text with links keeps the focus for each of them
            visited.append(focused)
        QTest.keyClick(focused, key, back if key == Qt.Key.Key_Backtab else Qt.KeyboardModifier.NoModifier)
    return visited


def pages(app: App) -> Iterator[str]:
    yield "chat"
    app.ctrl(Qt.Key.Key_2)
    page = app.edgewise.window.models_page
    assert page is not None
    app.wait(lambda: all(card.content.verdict for card in page.catalog.catalog.grid.cards))
    for place, name in enumerate(("catalog", "search", "library", "ledger")):
        page.tabs.choose(place)
        yield name
    page.tabs.choose(0)
    page.catalog.catalog.grid.cards[0].click()
    app.wait(lambda: page.catalog.ladder.table.button.isVisible())
    yield "ladder"
    app.ctrl(Qt.Key.Key_3)
    engines = app.edgewise.window.engines_page
    assert engines is not None
    app.wait(lambda: any(row.card.standing is Standing.ABSENT for row in engines.view.rows.values()))
    engines.view.rows["llama_cpp"].open()
    engines.view.rows["llama_cpp"].details.show_options()
    yield "engines"
    app.ctrl(Qt.Key.Key_5)
    advisor = app.edgewise.window.advisor_page
    assert advisor is not None
    app.wait(lambda: advisor.view is advisor.question)
    yield "guide"
    app.wait(lambda: bool(advisor.matrix.use_cases) and bool(advisor.frameworks.cards))
    for place, name in ((1, "use cases"), (2, "frameworks"), (3, "cost")):
        advisor.tabs.choose(place)
        yield name
    app.ctrl(Qt.Key.Key_Comma)
    yield "settings"


def test_every_control_has_a_name(app) -> None:
    for page in pages(app):
        found = controls(app.window)
        assert len(found) >= 2
        nameless = [described(w) for w in found if not name_of(w) and not isinstance(w, QScrollArea)]
        assert not nameless, page


def test_icon_buttons_say_on_hover_what_they_do(app) -> None:
    bare = [b for b in app.window.findChildren(QAbstractButton) if b.isVisible() and not b.text()]
    assert len(bare) > 5
    assert not [described(b) for b in bare if not b.toolTip() and b.isEnabled()]


def test_tab_reaches_every_control(app) -> None:
    for page in pages(app):
        rail = RAIL.get(page, "Models")
        reached = set(tab_round(app.field if page == "chat" else app.button(rail)))
        missing = [
            described(w)
            for w in controls(app.window)
            if w not in reached and not isinstance(w, QScrollArea) and not reached_by_arrows(w, reached)
        ]
        assert not missing, page


def reached_by_arrows(widget: QWidget, reached: set[QWidget]) -> bool:
    """Of buttons of which one is always checked, Tab reaches one and the arrows the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return group is not None and group.exclusive() and any(b in reached for b in group.buttons())


def test_tab_goes_back_the_way_it_came(app) -> None:
    forth, back = tab_round(app.field), tab_round(app.field, Qt.Key.Key_Backtab)
    assert back[1:] == forth[:0:-1]


@pytest.mark.xfail(
    raises=AssertionError, reason="QTextBrowser keeps the focus for ever when a link is the first thing in it"
)
def test_shift_tab_leaves_a_text_that_begins_with_a_link(qtbot, empty_home) -> None:
    write_conversation("Links", "Where?", "[Here](https://example.org) it is.")
    app = App(qtbot)
    qtbot.addWidget(app.window)
    text = app.reply_widget().text.parts[0]
    app.reply_widget().footer.copy_button.setFocus()
    for _ in range(4):
        app.press(Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert not text.hasFocus()


def test_tab_follows_the_page(app) -> None:
    order = [name_of(w) for w in tab_round(app.button("Chat"))]
    wanted = [
        "Chat",
        "New chat",
        "Search conversation titles",
        "Conversations",
        "Model: No model",
        "System prompt and sampling",
        "Show log",
        "See all models",
        "Dismiss",
        "Conversation",
        "You",
        "Message",
        "System prompt",
        "Temperature",
        "Use the defaults",
    ]
    assert [name for name in dict.fromkeys(order) if name in wanted] == wanted


def test_the_conversation_is_read_from_top_to_bottom(app) -> None:
    inside = [w for w in tab_round(app.field) if app.transcript.viewport().isAncestorOf(w)]
    rows = [top_of_message(app, w) for w in inside]
    assert len(rows) > 5
    assert rows == sorted(rows)


def top_of_message(app: App, widget: QWidget) -> int:
    while widget.parentWidget() is not app.transcript.viewport():
        parent = widget.parentWidget()
        assert parent is not None
        widget = parent
    return widget.y()


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        (QAbstractButton, BUTTONS),
        (QLineEdit, {QAccessible.Role.EditableText}),
        (QPlainTextEdit, {QAccessible.Role.EditableText}),
        (QSpinBox, {QAccessible.Role.SpinBox}),
        (QListWidget, {QAccessible.Role.List}),
        (QComboBox, {QAccessible.Role.ComboBox}),
        (QLabel, {QAccessible.Role.StaticText, QAccessible.Role.Graphic}),
    ],
)
def test_roles(app, kind, roles) -> None:
    found: list[QWidget] = []
    for _ in pages(app):
        # The field inside a spin box is the spin box's own affair.
        found += [w for w in app.window.findChildren(kind) if w.isVisible() and not w.focusProxy()]
    assert found
    assert not [(described(w), interface(w).role()) for w in found if interface(w).role() not in roles]


def test_the_tree_has_no_hole(app) -> None:
    """A screen reader that starts at the window finds the message field and every row of the list."""
    seen: list[str] = []

    def walk(node: QAccessibleInterface, depth: int) -> None:
        assert depth < 60
        seen.append(node.text(QAccessible.Text.Name))
        for place in range(node.childCount()):
            child = node.child(place)
            if child is not None:
                walk(child, depth + 1)

    walk(interface(app.window), 0)
    for name in ("Message", "Conversations", "Lighthouse story", "Boat names", "Today", "Pages", "Chat"):
        assert name in seen


def test_the_button_that_stops_says_so(app) -> None:
    app.chat.composer.set_replying(True)
    assert name_of(app.button("Stop")) == "Stop"


def test_a_checked_page_is_told(app) -> None:
    assert interface(app.button("Chat")).state().checked
    assert not interface(app.button("Settings")).state().checked


def test_a_focus_ring_is_drawn(app) -> None:
    """Whatever takes the focus looks different with it."""
    same: list[str] = []
    for widget in [w for w in controls(app.window) if isinstance(w, QAbstractButton) and w.isVisible()]:
        app.rows.setFocus()
        before = widget.grab().toImage()
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        app.qtbot.waitUntil(widget.hasFocus)
        if widget.grab().toImage() == before:
            same.append(described(widget))
    assert not same


def test_a_key_press_shows_the_menu_of_a_message(app) -> None:
    reply = app.reply_widget()
    reply.text.parts[0].setFocus()
    centre = reply.rect().center()
    QApplication.sendEvent(
        reply, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, centre, reply.mapToGlobal(centre))
    )
    menu = QApplication.activePopupWidget()
    assert menu is not None
    assert {"Copy message", "Regenerate reply"} <= {action.text() for action in menu.actions()}
    menu.close()
