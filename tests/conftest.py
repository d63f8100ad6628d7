"""What tests of every kind share: the real model, and a home of its own for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from build.starter_model import CACHE, StarterModel

INSTALLED = "installed_engines"
BARE_SYSTEM = "bare_system"

# A deadline for one example would measure what else the machine does; pytest-timeout ends what hangs.
settings.register_profile("edgewise", deadline=None)
settings.load_profile("edgewise")

# No test asks for, or writes into, the passwords of whoever runs it; programs that tests start neither.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{INSTALLED}: needs engines that take minutes to install; run by `make test-engines`"
    )
    config.addinivalue_line(
        "markers", f"{BARE_SYSTEM}: installs the packages on systems of their own; run by `make smoke`"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that install engines or packages run only when they are asked for by their marker.

    Those that share an engine for all of the run come last: others count the processes that are left.
    """
    items.sort(key=lambda item: "served" in getattr(item, "fixturenames", ()))
    unasked = [name for name in (INSTALLED, BARE_SYSTEM) if name not in (config.option.markexpr or "")]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unasked)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The real starter model, as `make test` fetched it. Never write to it."""
    model = StarterModel.read()
    path = CACHE / model.file
    if not model.is_at(path):
        pytest.fail(
            f"The starter model is not at {path}, or not whole. `make test` fetches it.", pytrace=False
        )
    return path


@pytest.fixture(scope="session", autouse=True)
def home_without_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A person's home where no other program keeps models: those of this machine are no business of ours."""
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", home)
        patch.setenv("USERPROFILE", home)
        patch.setenv("OLLAMA_MODELS", str(Path(home) / "ollama"))
        for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
            patch.delenv(variable, raising=False)
        yield


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An EDGEWISE_HOME with nothing in it, under a name with a space and letters beyond ASCII."""
    home = tmp_path / "Zoë’s Häuschen 家"
    home.mkdir()
    monkeypatch.setenv("EDGEWISE_HOME", str(home))
    return home


@pytest.fixture
def edgewise_home(empty_home: Path, starter_model: Path) -> Path:
    """An EDGEWISE_HOME whose model folder holds the starter model."""
    models = empty_home / "models"
    models.mkdir()
    target = models / starter_model.name
    try:
        os.link(starter_model, target)
    except OSError:  # another file system
        shutil.copyfile(starter_model, target)
    return empty_home
