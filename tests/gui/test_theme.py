from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton

from app.ui import icons, theme
from app.ui.chat.highlighting import PALETTE

BOTH = pytest.mark.parametrize("colours", [theme.light(), theme.dark()], ids=["light", "dark"])


@BOTH
@pytest.mark.parametrize("role", ["text", "secondary", "accent", "ready", "busy", "failed"])
def test_every_ink_can_be_read_on_every_ground(colours: theme.Theme, role: str) -> None:
    for ground in (colours.window, colours.surface, colours.raised, colours.selection()):
        if ground == colours.selection() and role != "text":
            continue  # selected text keeps its colour; only body text is promised
        assert theme.contrast(getattr(colours, role), ground) >= theme.AA, (role, ground.name())


@BOTH
def test_words_on_the_accent_can_be_read(colours: theme.Theme) -> None:
    assert theme.contrast(colours.on_accent, colours.accent) >= theme.AA


@BOTH
def test_code_colours_can_be_read_on_the_code_card(colours: theme.Theme) -> None:
    for kind, inks in PALETTE.items():
        assert theme.contrast(QColor(inks[colours.dark]), colours.surface) >= theme.AA, kind


@pytest.mark.parametrize("accent", ["#ffff00", "#000000", "#ffffff", "#ff2d55", "#8e8e93"])
def test_any_system_accent_becomes_readable(accent: str) -> None:
    for colours in (theme.light(QColor(accent)), theme.dark(QColor(accent))):
        assert theme.contrast(colours.accent, colours.window) >= theme.AA
        assert theme.contrast(colours.on_accent, colours.accent) >= theme.AA


def test_contrast_is_the_wcag_one() -> None:
    assert theme.contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert theme.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_the_choice_changes_the_palette_and_is_told_once(qapp: QApplication) -> None:
    told: list[bool] = []
    themes = theme.source()
    themes.changed.connect(lambda: told.append(theme.current().dark))
    theme.apply(qapp, "dark")
    theme.apply(qapp, "dark")
    assert told == [True]
    assert qapp.palette().color(QPalette.ColorRole.Window) == theme.dark().window
    assert themes.scheme is theme.Scheme.DARK


def test_the_system_is_followed_while_running(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    themes = theme.apply(qapp, "system")
    assert not theme.current().dark
    monkeypatch.setattr(type(qapp.styleHints()), "colorScheme", lambda _: Qt.ColorScheme.Dark, raising=True)
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.current().dark
    assert themes.scheme is theme.Scheme.SYSTEM


def test_engine_colours_are_apart() -> None:
    assert len({colour.name() for colour in theme.ENGINE_COLOURS.values()}) == len(theme.ENGINE_COLOURS)


@pytest.mark.parametrize("name", icons.NAMES)
def test_every_icon_draws_something(qapp: QApplication, name: str) -> None:
    image = icons.pixmap(name, QColor("#123456"), 20, 2.0).toImage()
    assert image.width() == 40
    inked = [
        image.pixelColor(x, y) for x in range(40) for y in range(40) if image.pixelColor(x, y).alpha() > 250
    ]
    assert inked
    assert all(abs(colour.rgb() % 256 - 0x56) <= 2 for colour in inked)


def test_an_icon_follows_the_theme(qapp: QApplication, qtbot) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    icons.set_icon(button, "copy")
    before = button.icon().cacheKey()
    theme.apply(qapp, "dark")
    assert button.icon().cacheKey() != before
    icons.set_icon(button, "check")
    assert len(button.children()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_empty_checkbox_can_be_seen(qtbot, scheme) -> None:
    theme.source().set_scheme(scheme)
    box = QCheckBox("Show it")
    qtbot.addWidget(box)
    box.resize(200, 30)
    box.show()
    qtbot.waitExposed(box)
    image = box.grab().toImage()
    middle = image.height() // 2
    edge = max(theme.contrast(image.pixelColor(x, middle), theme.current().window) for x in range(6))
    assert edge >= 3
    before = image
    box.setChecked(True)
    assert box.grab().toImage() != before
