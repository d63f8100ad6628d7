"""The one style sheet: what Fusion draws heavier than this app speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.theme import Theme

_EVERYWHERE = """
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {hairline}; padding: 4px 8px; }}
ModelPicker {{
    background: transparent; border: 1px solid transparent; border-radius: 8px; padding: 0 26px 0 8px;
}}
ModelPicker:hover {{ background: {wash}; }}
ModelPicker:pressed, ModelPicker:open {{ background: {wash_strong}; }}
ModelPicker:focus {{ border-color: {accent}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
"""

_FUSION = """
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle {{ background: {handle}; border-radius: 3px; margin: 3px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover, QScrollBar::handle:pressed {{ background: {handle_hover}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QPushButton {{
    background: {button}; color: {text}; border: 1px solid transparent; border-radius: 8px;
    padding: 6px 14px; min-height: 18px;
}}
QPushButton:hover {{ background: {button_hover}; }}
QPushButton:pressed {{ background: {button_pressed}; }}
QPushButton:focus {{ border-color: {accent}; }}
QPushButton:default {{ background: {accent}; color: {on_accent}; }}
QPushButton:default:focus {{ border-color: {text}; }}
NoticeBar QPushButton, DownloadShelf QPushButton, QuestionBar QPushButton {{ background: {wash_strong}; }}
QPushButton::menu-indicator {{ image: none; width: 0; }}
QPushButton:disabled {{ color: {faint}; background: {button}; }}
QDialogButtonBox, QMessageBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 8px; }}
QToolButton:hover {{ background: {wash}; }}
QToolButton:pressed, QToolButton:checked {{ background: {wash_strong}; }}
QToolButton:focus {{ border-color: {accent}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit[framed="true"] {{
    background: {raised}; color: {text}; border: 1px solid {hairline}; border-radius: 8px;
    padding: 5px 8px; selection-background-color: {selection}; selection-color: {text};
}}
QSpinBox, QDoubleSpinBox {{ padding: 4px 0; min-height: 20px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QComboBox {{ padding-right: 28px; min-height: 18px; }}
QComboBox::drop-down {{ width: 0; border: none; }}
QComboBox QAbstractItemView {{
    background: {raised}; border: 1px solid {hairline}; padding: 4px; outline: none;
    selection-background-color: {button_hover}; selection-color: {text};
}}
QPlainTextEdit[framed="true"] {{ padding: 4px; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit[framed="true"]:focus {{
    border-color: {accent};
}}
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {{
    background: transparent; border: none; border-radius: 0; padding: 0;
}}
QListWidget QLineEdit {{ padding: 0 7px; border-color: {accent}; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {button_pressed}; }}
QSlider::sub-page:horizontal {{ border-radius: 2px; background: {accent}; }}
QSlider::handle:horizontal {{
    width: 14px; height: 14px; margin: -6px 0; border-radius: 8px;
    background: {raised}; border: 1px solid {handle_hover};
}}
QSlider::handle:horizontal:hover {{ border-color: {text}; }}
QSlider::handle:horizontal:focus {{ border: 2px solid {accent}; width: 12px; height: 12px; }}
QCheckBox::indicator:unchecked {{
    width: 12px; height: 12px; border: 1px solid {edge}; border-radius: 3px; background: {raised};
}}
QCheckBox::indicator:unchecked:hover {{ border-color: {text}; }}
QCheckBox::indicator:unchecked:disabled {{ border-color: {faint}; }}
QMenu {{ background: {raised}; border: 1px solid {hairline}; border-radius: 8px; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {button_hover}; color: {text}; }}
QMenu::item:disabled {{ color: {faint}; }}
QMenu::separator {{ height: 1px; background: {hairline}; margin: 4px 8px; }}
"""


def stylesheet(theme: Theme, *, native: bool) -> str:
    """The rules for `theme`; `native` styles only get what no style takes from the palette."""
    text, under = theme.text, theme.window
    values = {
        "text": text.name(),
        "raised": theme.raised.name(),
        "hairline": theme.hairline.name(),
        "accent": theme.accent.name(),
        "on_accent": theme.on_accent.name(),
        "selection": theme.selection().name(),
        "faint": _over(text.rgb(), under.rgb(), 0.38),
        "edge": _over(text.rgb(), under.rgb(), 0.50),
        "handle": _over(text.rgb(), under.rgb(), 0.22),
        "handle_hover": _over(text.rgb(), under.rgb(), 0.42),
        "wash": _veil(text.rgb(), 0.06),
        "wash_strong": _veil(text.rgb(), 0.10),
        "button": _over(text.rgb(), under.rgb(), 0.06),
        "button_hover": _over(text.rgb(), under.rgb(), 0.10),
        "button_pressed": _over(text.rgb(), under.rgb(), 0.16),
    }
    return (_EVERYWHERE if native else _EVERYWHERE + _FUSION).format_map(values)


def _over(ink: int, page: int, share: float) -> str:
    mixed = (
        round(((ink >> shift) & 255) * share + ((page >> shift) & 255) * (1 - share)) for shift in (16, 8, 0)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _veil(ink: int, share: float) -> str:
    red, green, blue = ((ink >> shift) & 255 for shift in (16, 8, 0))
    return f"rgba({red}, {green}, {blue}, {round(share * 255)})"
