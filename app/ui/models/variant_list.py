"""What there is to download of one repository: a line for each variant, with its size and one button."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.download import Download, DownloadState
from app.domain.hub import Format, Variant
from app.domain.model import LocalModel
from app.models.library import display_name
from app.models.presence import holds
from app.ui import theme, words
from app.ui.elided_label import ElidedLabel

_SIZE_WIDTH = 72
_BUTTON_WIDTH = 172
_LABEL_WIDTH = 110

Key = tuple[str, str]
"""A variant among all: its repository and its first file."""


def key_of(variant: Variant) -> Key:
    """By what a download of `variant` is known to be one."""
    return variant.repository, variant.files[0].path if variant.files else ""


def download_name(variant: Variant) -> str:
    """What a person reads of it: "Qwen3 4B · Q4_K_M"."""
    model = variant.repository.rsplit("/", 1)[-1].removesuffix("-GGUF").removesuffix("-gguf")
    return " · ".join(part for part in (display_name(model)[0], variant.label) if part)


class VariantList(QWidget):
    """Made when a repository is opened."""

    download_requested = Signal(object, str)
    """`Variant`, name to show for it."""

    def __init__(self, variants: Sequence[Variant], parent: QWidget) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_XS)
        labels = Counter(variant.label for variant in variants)
        self._lines: list[_Line] = []
        for variant in variants:
            line = _Line(variant, plain=labels[variant.label] == 1, parent=self)
            line.pressed.connect(partial(self._request, variant))
            self._lines.append(line)
            layout.addWidget(line)

    def set_downloads(self, downloads: Mapping[Key, Download]) -> None:
        """What is on its way or done: the button says so."""
        for line in self._lines:
            line.set_download(downloads.get(key_of(line.variant)))

    def set_local(self, models: Sequence[LocalModel]) -> None:
        """The models on this machine: what is here needs no download."""
        for line in self._lines:
            line.set_here(any(holds(model, line.variant) for model in models))

    def set_locked(self, locked: bool) -> None:
        """Whether nothing of it can be had as things are."""
        for line in self._lines:
            line.set_locked(locked)

    def _request(self, variant: Variant) -> None:
        self.download_requested.emit(variant, download_name(variant))


class _Line(QWidget):
    pressed = Signal()

    def __init__(self, variant: Variant, *, plain: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.variant = variant
        self._locked = False
        self._here = False
        self._download: Download | None = None
        what = variant.label or PurePosixPath(key_of(variant)[1]).stem or "All files"
        label = ElidedLabel(self)
        label.setText(what)
        label.setFixedWidth(_LABEL_WIDTH)
        remark = ElidedLabel(self)
        remark.setText(_remark(variant, plain=plain))
        remark.setForegroundRole(remark.foregroundRole().PlaceholderText)
        remark.setFont(theme.body_font(theme.SIZE_SECONDARY))
        size = QLabel(words.size(variant.size), self)
        size.setFont(theme.tabular_font())
        size.setMinimumWidth(_SIZE_WIDTH)
        size.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        self._button = QPushButton(self)
        self._button.setFixedWidth(_BUTTON_WIDTH)
        self._button.clicked.connect(self.pressed)
        self._about = f"{what}, {words.size(variant.size)}"
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(label)
        layout.addWidget(remark, 1)
        layout.addWidget(size)
        layout.addWidget(self._button)
        self._show()

    def set_download(self, download: Download | None) -> None:
        if download != self._download:
            self._download = download
            self._show()

    def set_here(self, here: bool) -> None:
        if here != self._here:
            self._here = here
            self._show()

    def set_locked(self, locked: bool) -> None:
        self._locked = locked
        self._show()

    def _show(self) -> None:
        said = standing(self._download) or ("On this machine" if self._here else "")
        can = said in ("", "Go on", "Try again") and not self._locked
        text = said or "Download"
        if self._button.text() != text:
            self._button.setText(text)
        name = f"{text.split(' · ')[0]}: {self._about}"
        if self._button.accessibleName() != name:  # not for each percent
            self._button.setAccessibleName(name)
        self._button.setEnabled(can)


def standing(download: Download | None) -> str:
    """What is to be said instead of "Download"."""
    if download is None:
        return ""
    match download.state:
        case DownloadState.DONE:
            return "On this machine"
        case DownloadState.FAILED:
            return "Try again"
        case DownloadState.PAUSED:
            return "Go on"
        case DownloadState.WAITING:
            return "Waiting"
    percent = f" · {download.done / download.size:.0%}".replace("%", " %") if download.size else ""
    return f"Downloading{percent}"


def _remark(variant: Variant, *, plain: bool) -> str:
    files = len(variant.files)
    said = [] if plain else [PurePosixPath(key_of(variant)[1]).name]
    if variant.format is Format.SAFETENSORS:
        said.append("safetensors, for the other engines")
    elif files > 1:
        said.append(f"{files} parts")
    if variant.projector is not None:
        said.append("sees images")
    return " · ".join(said)
