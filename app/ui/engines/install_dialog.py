"""What installing an engine takes, told before anything is fetched; and from where."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.domain.environment import EnvironmentState, InstallPlan
from app.services.engine_card import EngineCard
from app.ui import theme, words
from app.ui.engines.facts import Facts
from app.ui.engines.wrapped import Wrapped

_WIDTH = 560
_NEEDS_HEIGHT = 96


class InstallDialog(QDialog):
    """Closes once a person has said from where."""

    install_requested = Signal(object)
    """A folder of wheels as `Path`; None: from the package index."""

    def __init__(self, card: EngineCard, *, offline: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        environment = card.environment
        assert environment is not None
        assert environment.plan is not None
        plan = environment.plan
        name = card.profile.name
        there = environment.state in (EnvironmentState.READY, EnvironmentState.OUTDATED)
        update = environment.state in (EnvironmentState.OUTDATED, EnvironmentState.STALE)
        self.setWindowTitle(f"{'Update' if update else 'Install'} {name}")
        self.setMinimumWidth(_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_M)
        title = Wrapped(self, f"{name} {plan.version}")
        title.setFont(theme.body_font(theme.SIZE_HEADING, semibold=True))
        layout.addWidget(title)
        about = (
            "It gets a folder of its own, with its own Python, and touches nothing else on this machine. "
            f"{name} can be removed again at any time."
        )
        if there:
            about = f"{name} {environment.version} stays in use until the new one works."
        layout.addWidget(Wrapped(self, about))
        facts = Facts(self)
        facts.set_rows(plan_rows(plan))
        layout.addWidget(facts)
        if card.fitness is not None and card.fitness.why:
            layout.addWidget(Wrapped(self, card.fitness.why, size=theme.SIZE_SECONDARY, quiet=True))
        if plan.only_from_folder:
            layout.addWidget(Wrapped(self, plan.only_from_folder))
        elif offline:
            layout.addWidget(
                Wrapped(
                    self,
                    "Offline mode is on, so nothing is fetched. Switch it off in the settings, or install "
                    "from a folder of wheels.",
                )
            )
        held = "A folder of wheels has to hold these, and all that they need:"
        layout.addWidget(Wrapped(self, held, size=theme.SIZE_SECONDARY, quiet=True))
        layout.addWidget(self._needs(plan))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        folder = QPushButton("From a folder…", self)
        folder.setAccessibleDescription("Installs from wheels on this machine; nothing is fetched")
        self._install = buttons.addButton(
            f"{'Update' if update else 'Install'} {words.size(plan.download)}",
            QDialogButtonBox.ButtonRole.AcceptRole,
        )
        buttons.addButton(folder, QDialogButtonBox.ButtonRole.ActionRole)
        fetches = not offline and not plan.only_from_folder
        self._install.setDefault(fetches)
        self._install.setEnabled(fetches)
        self._install.clicked.connect(lambda: self._begin(None))
        folder.clicked.connect(self._choose)
        buttons.rejected.connect(self.reject)
        layout.addStretch(1)
        layout.addWidget(buttons)
        folder.setDefault(not fetches)
        (self._install if fetches else folder).setFocus()

    def _needs(self, plan: InstallPlan) -> QPlainTextEdit:
        field = QPlainTextEdit("\n".join(plan.requirements), self)
        field.setReadOnly(True)
        field.setProperty("framed", True)
        field.setFont(theme.mono_font(theme.SIZE_SECONDARY))
        field.setTabChangesFocus(True)
        field.setFixedHeight(_NEEDS_HEIGHT)
        field.setAccessibleName("Packages")
        return field

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "A folder of wheels")
        if chosen:
            self._begin(Path(chosen))

    def _begin(self, source: Path | None) -> None:
        self.accept()
        self.install_requested.emit(source)


def plan_rows(plan: InstallPlan) -> list[tuple[str, str]]:
    """What an installation takes; name and figure, in words."""
    python = plan.python + (", which is fetched, too" if plan.python_download else "")
    return [
        ("Build", plan.variant),
        ("To download", f"about {words.size(plan.download)}"),
        ("On the disk", f"about {words.size(plan.on_disk)}"),
        ("Figures from", plan.sizes_from),
        ("Runs on", python),
    ]
