"""The archive on a system with nothing installed: from a folder with its data beside it, and into a home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.smoke.bare_system import BareSystem
from tests.smoke.built import Packages
from tests.smoke.person import DATA, Person

pytestmark = [pytest.mark.bare_system, pytest.mark.timeout(3600)]  # the first step may build the packages
QUESTION = "Say hello."


@pytest.fixture(scope="module", params=["bookworm"])
def suite(request: pytest.FixtureRequest) -> str:
    """One is enough: what differs between systems is told by the .deb."""
    return str(request.param)


@pytest.fixture(scope="module")
def zoe(system: BareSystem) -> Person:
    """Somebody without administrator's rights, whose home folder is not plain ASCII."""
    return Person(system, "zoe", 21003, "/home/Zoë Grüße")


@pytest.fixture(scope="module")
def folder(zoe: Person, packages: Packages) -> str:
    """Where the archive was unpacked."""
    archive = zoe.system.bring(packages.archive, packages.archive.name)
    zoe.run("tar", "-xzf", archive)
    return f"{zoe.home}/{packages.archive.name.removesuffix('.tar.gz')}"


def files_in(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*")}


def test_a_portable_copy_keeps_its_data_beside_it(zoe: Person, folder: str) -> None:
    before = files_in(zoe.home_outside)
    beside = f"{folder}/Edgewise/edgewise-data"
    zoe.run("mkdir", beside)
    assert zoe.run(f"{folder}/Edgewise/edgewise", "chat", "--max-tokens", "64", QUESTION).strip()
    kept = f"{Path(beside).relative_to(zoe.home)}"
    new = files_in(zoe.home_outside) - before
    assert new
    assert {path for path in new if path != kept and not path.startswith(f"{kept}/")} == set()
    zoe.run("rm", "-r", beside)


def test_it_installs_into_the_home_of_a_person(zoe: Person, folder: str) -> None:
    said = zoe.run(f"{folder}/install.sh")
    assert "Edgewise was installed." in said
    # The command line works on a system without the window's libraries; they are named.
    assert "The window needs libraries that this system lacks" in said
    zoe.run("rm", "-r", folder)
    assert (zoe.home_outside / ".local/share/applications/edgewise.desktop").is_file()
    assert zoe.run("edgewise", "--version").startswith("Edgewise ")


def test_it_answers_in_the_terminal(zoe: Person) -> None:
    assert zoe.run("edgewise", "chat", "--max-tokens", "64", QUESTION).strip()
    assert zoe.processes() == []


def test_it_is_removed_without_the_persons_data(zoe: Person) -> None:
    kept = files_in(zoe.home_outside / DATA)
    assert kept
    said = zoe.run(f"{zoe.home}/.local/lib/edgewise/install.sh", "--uninstall")
    assert "Your conversations, models and settings are still there" in said
    assert files_in(zoe.home_outside / DATA) == kept
    left = [path for path in files_in(zoe.home_outside) if "edgewise" in path.lower()]
    assert [path for path in left if not path.startswith((DATA, ".local/state/Edgewise"))] == []
