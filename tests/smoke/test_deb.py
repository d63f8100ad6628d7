"""The .deb on a system without Python: installed, opened, used by two people, closed, removed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.smoke.bare_system import BareSystem
from tests.smoke.built import Packages
from tests.smoke.conftest import RESULTS
from tests.smoke.person import DATA, Person
from tests.smoke.screen import Screen

pytestmark = [pytest.mark.bare_system, pytest.mark.timeout(3600)]  # the first step may build the packages
QUESTION = "Answer in one sentence: what is a lighthouse for?"
SMALLEST_TEST = (
    *("--model", "SmolLM2", "--engines", "llama.cpp", "--preset", "quick"),
    *("--batch", "1", "--shapes", "chat", "--repetitions", "1", "--warmups", "1", "--json"),
)


@pytest.fixture(scope="module")
def juergen(system: BareSystem) -> Person:
    """Somebody whose home folder is not plain ASCII."""
    return Person(system, "juergen", 21001, "/home/jürgen-ö")


@pytest.fixture(scope="module")
def mary(system: BareSystem) -> Person:
    """Somebody else on the same machine."""
    return Person(system, "mary", 21002, "/home/mary")


@pytest.fixture(scope="module")
def before(system: BareSystem, juergen: Person, mary: Person) -> set[str]:
    """Every path of the system before anything was installed, people's homes among them."""
    return system.files()


@pytest.fixture(scope="module")
def second_screen() -> Iterator[Screen]:
    """A screen for the second person."""
    with Screen() as shown:
        yield shown


def not_of_people(paths: set[str]) -> list[str]:
    return sorted(path for path in paths if not path.startswith("/home/"))


def picture(suite: str, name: str) -> Path:
    return RESULTS / f"{suite}-{name}.png"


def test_the_system_is_bare(system: BareSystem, before: set[str], figures: dict[str, Any]) -> None:
    assert not [path for path in before if "/bin/python" in path or path.startswith("/usr/share/fonts/")]
    assert not [path for path in before if "edgewise" in path.lower()]
    figures["glibc"] = system.run("ldd", "--version").split("\n")[0].split()[-1]


def test_it_installs(
    system: BareSystem, before: set[str], packages: Packages, figures: dict[str, Any]
) -> None:
    deb = system.bring(packages.deb, packages.deb.name)
    system.apt_get("update")
    had = set(system.run("dpkg-query", "--show").splitlines())
    began = time.monotonic()
    system.apt_get("install", "--no-install-recommends", deb)
    figures["install_s"] = round(time.monotonic() - began, 1)
    pulled = set(system.run("dpkg-query", "--show").splitlines()) - had
    figures["packages_installed_with_it"] = len(pulled) - 1
    assert not list(system.root.glob("usr/bin/python*"))
    assert (system.root / "usr/bin/edgewise").is_symlink()
    assert (system.root / "usr/lib/edgewise/edgewise").is_file()


def test_the_terminal_knows_it(juergen: Person) -> None:
    assert juergen.run("edgewise", "--version").startswith("Edgewise ")
    assert "SmolLM2" in juergen.run("edgewise", "models", "list")
    # As services and plain consoles have it: no language is set at all.
    assert juergen.run("edgewise", "chat", "--max-tokens", "32", "Say hello.", variables={"LANG": ""}).strip()


def test_the_window_opens_and_closes(
    juergen: Person, screen: Screen, suite: str, figures: dict[str, Any]
) -> None:
    Path("/proc/sys/vm/drop_caches").write_text("3")
    figures["start_to_window_cold_s"] = round(juergen.open_window(screen), 2)
    figures["window_to_no_process_s"] = round(juergen.close_window(screen), 2)
    figures["start_to_window_warm_s"] = round(juergen.open_window(screen), 2)


def test_it_answers_without_a_network(
    juergen: Person, screen: Screen, suite: str, figures: dict[str, Any]
) -> None:
    answer = juergen.ask(screen, QUESTION)
    screen.keep(picture(suite, "answered"))
    assert answer.text.strip()
    assert answer.engine == "llama_cpp"
    figures["first_answer"] = {
        "characters": len(answer.text),
        "ttft_s": round(answer.ttft_s, 2),
        "tokens_per_s": round(answer.tokens / answer.duration_s, 1),
    }


def test_a_second_person_opens_it_meanwhile(
    juergen: Person, mary: Person, screen: Screen, second_screen: Screen, suite: str, figures: dict[str, Any]
) -> None:
    figures["start_to_window_of_second_person_s"] = round(mary.open_window(second_screen), 2)
    assert mary.ask(second_screen, QUESTION).text.strip()
    second_screen.keep(picture(suite, "second-person"))
    assert juergen.ask(screen, "And who lives in one?").text.strip()
    mary.close_window(second_screen)
    assert juergen.processes()


def test_it_closes_without_leaving_a_process(juergen: Person, screen: Screen, system: BareSystem) -> None:
    juergen.close_window(screen)
    assert system.processes() == []
    assert len(juergen.answers()) == 2


def test_it_tests_the_model_for_speed(juergen: Person, system: BareSystem, figures: dict[str, Any]) -> None:
    said = juergen.run("edgewise", "bench", *SMALLEST_TEST, timeout_s=300)
    (column,) = json.loads(said[said.index("{") :])["columns"]
    (case,) = column["cases"]
    assert case["problem"] is None
    figures["speed_test"] = {
        "ttft_s": round(case["ttft_s"]["median"], 3),
        "tokens_per_s": round(case["decode_rate_tok_per_s"], 1),
        "disturbances": [found["words"] for found in case["watched"]["disturbances"]],
    }
    assert juergen.processes() == []


def test_it_leaves_only_what_is_the_persons(
    system: BareSystem, before: set[str], juergen: Person, mary: Person
) -> None:
    system.apt_get("remove", "--purge", "edgewise")
    assert not (system.root / "usr/lib/edgewise").exists()
    assert juergen.answers()
    new = not_of_people(system.files() - before)
    assert [path for path in new if "edgewise" in path.lower()] == []
    system.apt_get("autoremove", "--purge")  # what came along for it
    after = system.files()
    assert not_of_people(after - before) == []
    assert before - after == set()
    assert (juergen.home_outside / DATA / "edgewise.db").is_file()
