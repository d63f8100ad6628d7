"""Colours by role, measures, fonts, and their following of the system between light and dark.

Widgets ask `current()` when they paint and connect to `source().changed` when they keep anything made
from a theme (a document, an icon). Nothing else in the app names a colour.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.ui.stylesheet import stylesheet

SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL, SPACE_XXL = 4, 8, 12, 16, 24, 32
RADIUS_CONTROL, RADIUS_CARD = 8, 12
SIZE_SECONDARY, SIZE_MONO, SIZE_BODY, SIZE_HEADING, SIZE_TITLE = 12, 13, 14, 17, 22
LINE_HEIGHT = 1.5
COLUMN_WIDTH = 760
"""Widest text column, in logical pixels."""
MOTION_MS = 150
"""Longest animation."""
BUSY_DELAY_MS = 300
"""Nothing spins before this."""

AA = 4.5
"""Least contrast between text and what is behind it (WCAG 2.2, 1.4.3)."""

ENGINE_COLOURS = {
    "llama.cpp": QColor("#0072B2"),
    "llama.cpp-cuda": QColor("#7B61C9"),
    "llama.cpp-vulkan": QColor("#8A7F00"),
    "transformers": QColor("#E69F00"),
    "vllm": QColor("#009E73"),
    "sglang": QColor("#CC79A7"),
    "tensorrt-llm": QColor("#D55E00"),
    "attached": QColor("#56B4E9"),
}
"""One colour per engine through the whole app, from the Okabe-Ito set (safe for colour-blind eyes).

The set has eight. Vulkan's is its yellow, darkened until it is seen on white; CUDA's a violet as light as
that.
"""


def engine_colour(engine_id: str) -> QColor:
    """The colour of an engine by the id that is stored with messages; all attached servers share one."""
    name = engine_id.partition(":")[0].replace("llama_cpp", "llama.cpp").replace("_", "-")
    return ENGINE_COLOURS.get(name, ENGINE_COLOURS["attached"])


class Scheme(StrEnum):
    """What the person chose in the settings."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Theme:
    """A colour for each role. `ready`, `busy` and `failed` always come with an icon or a word."""

    dark: bool
    window: QColor
    """The page, and everything without a reason to differ."""
    surface: QColor
    """A step away from the page: a person's bubble, code, the conversation list."""
    raised: QColor
    """Above the page: menus, fields, the floating button."""
    text: QColor
    secondary: QColor
    hairline: QColor
    accent: QColor
    on_accent: QColor
    ready: QColor
    busy: QColor
    failed: QColor

    def wash(self, strength: float) -> QColor:
        """A veil of the text colour, for hover (0.06) and press (0.10) on any background."""
        veil = QColor(self.text)
        veil.setAlphaF(strength)
        return veil

    def selection(self) -> QColor:
        """Behind selected text, which keeps its own colour."""
        return blend(self.accent, self.window, 0.28 if self.dark else 0.20)


def contrast(one: QColor, other: QColor) -> float:
    """The WCAG contrast ratio of two opaque colours, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def blend(over: QColor, under: QColor, share: float) -> QColor:
    """`share` of `over` mixed into `under`."""
    mix: Callable[[float, float], float] = lambda a, b: a * share + b * (1 - share)  # noqa: E731
    return QColor.fromRgbF(
        mix(over.redF(), under.redF()), mix(over.greenF(), under.greenF()), mix(over.blueF(), under.blueF())
    )


def light(accent: QColor | None = None) -> Theme:
    """Dark words on white. `accent` is the system's, darkened as far as reading it takes."""
    surface = QColor("#F4F4F6")
    accent = _readable(accent or QColor("#2A63D4"), surface, darker=True)
    return Theme(
        dark=False,
        window=QColor("#FFFFFF"),
        surface=surface,
        raised=QColor("#FFFFFF"),
        text=QColor("#1D1D20"),
        secondary=QColor("#66666E"),
        hairline=QColor("#E2E2E6"),
        accent=accent,
        on_accent=_ink_on(accent),
        ready=QColor("#17753D"),
        busy=QColor("#8A5700"),
        failed=QColor("#BF2A20"),
    )


def dark(accent: QColor | None = None) -> Theme:
    """Light words on near-black. `accent` is the system's, lightened as far as reading it takes."""
    surface = QColor("#29292D")
    raised = QColor("#313136")
    accent = _readable(accent or QColor("#7AABFF"), raised, darker=False)
    return Theme(
        dark=True,
        window=QColor("#1D1D20"),
        surface=surface,
        raised=raised,
        text=QColor("#EDEDF0"),
        secondary=QColor("#A8A8B0"),
        hairline=QColor("#3A3A40"),
        accent=accent,
        on_accent=_ink_on(accent),
        ready=QColor("#62CC8C"),
        busy=QColor("#E5B454"),
        failed=QColor("#FF8A80"),
    )


def body_font(size: int = SIZE_BODY, *, semibold: bool = False) -> QFont:
    """The system's font in `size` logical pixels, figures of one width where the font has them."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(size)
    if semibold:
        font.setWeight(QFont.Weight.DemiBold)
    return font


def tabular_font(size: int = SIZE_SECONDARY) -> QFont:
    """For meters and tables: figures that do not dance."""
    font = body_font(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono_font(size: int = SIZE_MONO) -> QFont:
    """The system's monospaced font."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(size)
    return font


class ThemeSource(QObject):
    """Holds the theme in use and tells when it changes; the person's choice and the system both can."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._scheme = Scheme.SYSTEM
        self._theme = light()
        self._dressed = False
        app.styleHints().colorSchemeChanged.connect(self._refresh)

    @property
    def theme(self) -> Theme:
        return self._theme

    @property
    def scheme(self) -> Scheme:
        return self._scheme

    def set_scheme(self, scheme: Scheme | str) -> None:
        """Follow the system, or stay light or dark. Window frames follow too where the system can."""
        self._scheme = Scheme(scheme)
        wanted = {
            Scheme.SYSTEM: Qt.ColorScheme.Unknown,
            Scheme.LIGHT: Qt.ColorScheme.Light,
            Scheme.DARK: Qt.ColorScheme.Dark,
        }[self._scheme]
        self._app.styleHints().setColorScheme(wanted)
        self._refresh()

    def _refresh(self) -> None:
        if self._scheme is Scheme.SYSTEM:
            wants_dark = self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark
        else:
            wants_dark = self._scheme is Scheme.DARK
        theme = (dark if wants_dark else light)(_system_accent())
        if theme == self._theme and self._dressed:
            return
        self._theme, self._dressed = theme, True
        self._app.setPalette(_palette(theme))
        self._app.setStyleSheet(stylesheet(theme, native=_keeps_native_style()))
        self.changed.emit()


def source() -> ThemeSource:
    """The application's theme source; made on first use."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    found = app.findChild(ThemeSource, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return found if isinstance(found, ThemeSource) else ThemeSource(app)


def current() -> Theme:
    """The theme to paint with now."""
    return source().theme


def apply(app: QApplication, scheme: Scheme | str = Scheme.SYSTEM) -> ThemeSource:
    """Dress the application. Call once at the start, and again when the setting changes.

    macOS and Windows 11 have Qt styles of their own that look at home; elsewhere it is Fusion, made
    quiet by a small style sheet.
    """
    if not _keeps_native_style() and app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setFont(body_font())
    themes = source()
    themes.set_scheme(scheme)
    return themes


def _keeps_native_style() -> bool:
    return sys.platform in ("darwin", "win32")


def _system_accent() -> QColor | None:
    """The colour the person chose in the system's settings. Fusion has only a default of its own."""
    return QGuiApplication.palette().color(QPalette.ColorRole.Accent) if _keeps_native_style() else None


def _palette(theme: Theme) -> QPalette:
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for where, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Text, theme.text),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.failed),
        (role.Base, theme.raised),
        (role.AlternateBase, theme.surface),
        (role.Button, theme.surface),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.secondary),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Mid, theme.hairline),
        (role.Midlight, theme.hairline),
        (role.Light, theme.raised),
        (role.Dark, theme.hairline),
        (role.Shadow, theme.hairline),
    ):
        palette.setColor(where, colour)
    if not _keeps_native_style():  # else it stays the system's, to be read again when the system changes
        palette.setColor(role.Accent, theme.accent)
    faint = blend(theme.text, theme.window, 0.38)
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, where, faint)
    return palette


def _luminance(colour: QColor) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def _readable(colour: QColor, behind: QColor, *, darker: bool) -> QColor:
    """`colour`, moved towards black or white until it can be read on `behind`."""
    end = QColor("black") if darker else QColor("white")
    steps = (blend(end, colour, step / 20) for step in range(21))
    return next(candidate for candidate in steps if contrast(candidate, behind) >= AA)


def _ink_on(fill: QColor) -> QColor:
    return max((QColor("#FFFFFF"), QColor("#10131A")), key=lambda ink: contrast(ink, fill))
