"""Prose and code on the page: hostile text stays text, growing equals drawing whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage, QTextDocument
from PySide6.QtWidgets import QWidget

from app.domain.markdown_blocks import MarkdownStream, split
from app.ui import theme
from app.ui.chat.code_block import CodeBlock
from app.ui.chat.highlighting import LARGEST
from app.ui.chat.markdown_document import markdown_document
from app.ui.chat.prose import ProseText
from app.ui.chat.reply_text import ReplyText

SAMPLE = """Intro with **bold**, `code` and [a link](https://example.org).

# Heading

1. one
2. two
   - nested

Between.

- [x] done
- [ ] open

| a | b |
|---|--:|
| 1 | 2 |

> quoted

```python
def f(x):
    return x  # 🙂
```

After the code. It's plain, really; and "quoted" words.
A second line

Title
===

The end.
"""


@pytest.fixture
def host(qtbot) -> QWidget:
    widget = QWidget()
    widget.resize(800, 600)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def drawn(reply: ReplyText) -> list[str]:
    return [
        part.text.toPlainText() if isinstance(part, CodeBlock) else part.document().toRawText()
        for part in reply.parts
        if isinstance(part, CodeBlock) or part.document().characterCount() > 1
    ]


def whole(host: QWidget, text: str) -> ReplyText:
    reply = ReplyText(host)
    reply.restart("Reply")
    reply.show_blocks(split(text))
    reply.height_for(600)
    reply.reveal(0, EVERYWHERE)
    return reply


def grown(host: QWidget, text: str, size: int) -> ReplyText:
    reply = ReplyText(host)
    reply.restart("Reply")
    stream = MarkdownStream()
    for at in range(0, len(text), size):
        stream.feed(text[at : at + size])
        reply.follow(stream)
        reply.height_for(600)
    stream.finish()
    reply.follow(stream)
    reply.reveal(0, EVERYWHERE)
    return reply


@pytest.mark.parametrize("size", [1, 4, 26, 1000])
def test_a_grown_reply_is_the_same_as_a_whole_one(host: QWidget, size: int) -> None:
    one, other = grown(host, SAMPLE, size), whole(host, SAMPLE)
    assert drawn(one) == drawn(other)
    assert one.height_for(600) == other.height_for(600)


EVERYWHERE = 10**6

LINES = st.sampled_from(
    ["", "plain words here", "1", "1. one", "- item", "# h", "a | b", "--|--", "---", "```", "x = 1", "> q",
     "**b", "c**", "www.x", ".org", "  deep", "~~~", "![i](u)", "&amp;", "==="]
)  # fmt: skip


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(LINES, max_size=10).map("\n".join), st.integers(1, 7))
def test_whatever_is_written(host: QWidget, text: str, size: int) -> None:
    one, other = grown(host, text, size), whole(host, text)
    assert drawn(one) == drawn(other)
    one.deleteLater()
    other.deleteLater()


def test_what_is_open_is_drawn_like_a_whole_text(host: QWidget) -> None:
    """At every moment the page shows what a fresh drawing of the text so far would show."""
    prose = ProseText(host)
    text = (
        "Some plain words, then more: snake_case and _this_ and **bold** too\n"
        "next http://x.org/a or www.x.org\nand a.b@c.de\n\n"
        "1. one item\n2. two\n   - deep _x\n\n| a | b |\n|---|---|\n| c | d |\n"
        "row without\n\nTitle\n===\n- list\n---\n    - code?"
    )
    for end in range(1, len(text) + 1):
        prose.set_tail(text[:end])
        fresh = ProseText(host)
        fresh.set_tail(text[:end])
        assert prose.document().toRawText() == fresh.document().toRawText()
        fresh.deleteLater()


def test_html_is_text(host: QWidget) -> None:
    text = 'A <b>bold</b> <img src="http://127.0.0.1:9/x.png"> <script>alert(1)</script>'
    assert drawn(whole(host, text)) == [text]
    block = "<div>\n<iframe src='file:///etc/passwd'></iframe>\n</div>"
    assert "<iframe src='file:///etc/passwd'>" in drawn(whole(host, block))[0]


@pytest.mark.parametrize(
    "source", ["file:///etc/hostname", "/etc/hostname", "http://127.0.0.1:9/x.png", "data:x"]
)
def test_an_image_is_never_asked_for(host: QWidget, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    asked: list[object] = []
    for kind in (QTextDocument, ProseText):
        monkeypatch.setattr(kind, "loadResource", lambda *args: asked.append(args), raising=False)
    reply = whole(host, f"Look: ![a lighthouse]({source} 'title') ![]({source})and so on.")
    reply.resize(600, reply.height_for(600))
    reply.show()
    reply.grab()
    assert drawn(reply) == ["Look: [Image: a lighthouse] and so on."]
    assert asked == []


def test_even_an_image_that_slips_through_is_nothing(host: QWidget) -> None:
    prose = ProseText(host)
    found = prose.document().resource(
        QTextDocument.ResourceType.ImageResource.value, QUrl("file:///etc/hostname")
    )
    assert isinstance(found, QImage)
    assert found.size().width() == 1
    assert isinstance(prose.loadResource(2, QUrl("http://127.0.0.1:9/")), QImage)


def test_a_link_says_where_it_leads_and_stays_shut(host: QWidget, qtbot) -> None:
    reply = whole(host, "[bank.example](https://evil.example/<x> 'https://bank.example')")
    [prose] = reply.parts
    assert isinstance(prose, ProseText)
    document = markdown_document("[a](https://evil.example/ä<b> 'https://bank.example')", theme.current())
    link = document.begin().begin().fragment().charFormat()
    assert link.toolTip().startswith("https://evil.example/")
    assert "<" not in link.toolTip()
    assert not prose.openLinks()
    with qtbot.waitSignal(reply.link_activated) as told:
        prose.anchorClicked.emit(QUrl("https://evil.example"))
    assert told.args == [QUrl("https://evil.example")]


def test_a_long_reply_is_cut_into_stretches(host: QWidget) -> None:
    reply = whole(host, "A paragraph of words.\n\n" * 2000)
    assert 4 <= len(reply.parts) <= 8


def test_parts_are_used_again_and_few_are_kept(host: QWidget, qtbot) -> None:
    reply = whole(host, "text\n\n```\ncode\n```\n\n" * 30)
    assert len(reply.parts) == 60
    reply.restart("Reply")
    reply.show_blocks(split("text"))
    reply.reveal(0, EVERYWHERE)
    qtbot.waitUntil(lambda: len(reply.findChildren(ProseText)) + len(reply.findChildren(CodeBlock)) <= 6)


def code_of(host: QWidget, language: str, text: str) -> CodeBlock:
    block = CodeBlock(host)
    block.restart(language)
    block.complete(text)
    block.resize(400, block.height_for(400))
    block.show()
    return block


def colours_in(block: CodeBlock) -> set[str]:
    found: set[str] = set()
    line = block.text.document().begin()
    while line.isValid():
        found |= {span.format.foreground().color().name() for span in line.layout().formats()}
        line = line.next()
    return found


def test_code_is_coloured_and_follows_the_theme(host: QWidget, qtbot, qapp) -> None:
    block = code_of(host, "python", "def f():\n    return 'x'  # note")
    qtbot.waitUntil(lambda: len(colours_in(block)) >= 4)
    light = colours_in(block)
    theme.apply(qapp, "dark")
    block.restart("python")
    block.complete("def f():\n    return 'x'  # note")
    qtbot.waitUntil(lambda: len(colours_in(block)) >= 4)
    assert not colours_in(block) & light


def test_colours_stand_on_their_words_behind_letters_beyond_the_first_plane(host: QWidget, qtbot) -> None:
    block = code_of(host, "python", "s = '🙂🙂' # note")
    qtbot.waitUntil(lambda: len(colours_in(block)) >= 2)
    line = block.text.document().begin()
    last = max(line.layout().formats(), key=lambda span: span.start)
    assert last.start == len("s = '🙂🙂' ".encode("utf-16-le")) // 2
    assert last.length == len("# note")


def test_unknown_and_huge_code_stays_plain(host: QWidget, qtbot) -> None:
    known = code_of(host, "python", "x = 1")
    unknown = code_of(host, "no-such-language", "x = 1")
    huge = code_of(host, "python", "x = 1\n" * (LARGEST // 6 + 1))
    qtbot.waitUntil(lambda: bool(colours_in(known)))
    assert not colours_in(unknown)
    assert not colours_in(huge)


def test_code_is_copied_and_says_so_without_moving(host: QWidget, qtbot) -> None:
    block = code_of(host, "python", "x = 1\ny = 2")
    before = block.copy_button.geometry()
    qtbot.mouseClick(block.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "x = 1\ny = 2"
    assert block.copy_button.accessibleName() == "Copied"
    assert block.copy_button.geometry() == before
    qtbot.waitUntil(lambda: block.copy_button.accessibleName() == "Copy code", timeout=3000)


def test_a_long_line_scrolls_sideways_and_starts_at_its_beginning(host: QWidget) -> None:
    block = code_of(host, "", "x" * 500)
    assert block.text.horizontalScrollBar().maximum() > 0
    assert block.text.horizontalScrollBar().value() == 0
    assert block.height_for(400) > code_of(host, "", "x").height_for(400)
