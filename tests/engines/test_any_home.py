"""Wherever a data folder lies and whoever has it: `edgewise` with the real server and the real model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="paths, users and permissions of POSIX")


def command(home: Path, *arguments: str, **variables: str) -> tuple[list[str], Mapping[str, str]]:
    """What runs `edgewise` on the data folder `home`, and its variables; without a desktop's."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "EDGEWISE_HOME": str(home), **variables}
    environment.pop("XDG_RUNTIME_DIR", None)
    return [sys.executable, "-m", "app", *arguments], environment


def edgewise(home: Path, *arguments: str, **variables: str) -> str:
    """What `edgewise` says; it must end well."""
    argv, environment = command(home, *arguments, **variables)
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def reply(home: Path, *more: str, **variables: str) -> str:
    """A short reply, the same each time."""
    return edgewise(
        home, "chat", "Say hello.", "--temperature=0", "--max-tokens=8", "--context=512", *more, **variables
    )


def install_model(home: Path, starter_model: Path) -> Path:
    """The model in the model folder of `home`."""
    (home / "models").mkdir(mode=0o700, parents=True)
    return Path(shutil.copyfile(starter_model, home / "models" / starter_model.name))


def test_a_folder_that_moves_keeps_what_it_knows(tmp_path, starter_model) -> None:
    stick = tmp_path / "anna" / "STICK"
    home = stick / "Edgewise" / "edgewise-data"
    install_model(home, starter_model)
    beside = Path(shutil.copyfile(starter_model, stick / "Beside-Q4_1.gguf"))
    edgewise(home, "models", "import", str(beside), "--in-place")
    assert reply(home, "--model=Beside") == reply(home, "--model=SmolLM2")
    before = json.loads(edgewise(home, "models", "list", "--json"))
    moved = tmp_path / "bob" / "STICK"
    moved.parent.mkdir()
    stick.rename(moved)
    home = moved / "Edgewise" / "edgewise-data"
    after = json.loads(edgewise(home, "models", "list", "--json"))
    was = str(stick)
    assert json.loads(json.dumps(before).replace(was, str(moved))) == after
    assert reply(home, "--model=Beside") == reply(home, "--model=SmolLM2")
    assert not stick.exists()


def test_a_long_path_with_letters_beyond_ascii(tmp_path, starter_model) -> None:
    home = tmp_path / ("Zoë Grüße 家 שלום/" * 12)
    assert len(os.fsencode(home)) > 350
    install_model(home, starter_model)
    assert reply(home)


def test_nothing_is_left_outside_of_it(tmp_path, starter_model) -> None:
    home, person, temporary = (tmp_path / name for name in ("data", "person", "temporary"))
    install_model(home, starter_model)
    person.mkdir()
    temporary.mkdir()
    variables = {"HOME": str(person), "TMPDIR": str(temporary)}
    assert reply(home, **variables)
    edgewise(home, "models", "verify", "SmolLM2", **variables)
    edgewise(home, "doctor", **variables)
    assert [*person.rglob("*"), *temporary.rglob("*")] == []


def test_no_home_and_no_place_for_temporary_files(tmp_path, starter_model) -> None:
    install_model(tmp_path / "data", starter_model)
    assert reply(tmp_path / "data", HOME="/nowhere", TMPDIR="/nowhere")


@pytest.mark.skipif(not sys.platform.startswith("linux") or shutil.which("setpriv") is None, reason="setpriv")
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can be two users")
def test_two_users_chat_at_once(starter_model) -> None:
    homes = {user: Path(f"/tmp/edgewise-test-{os.getpid()}-{user}") for user in (12345, 12346)}
    running = []
    try:
        for user, home in homes.items():
            install_model(home, starter_model)
            for path in (home, *home.rglob("*")):
                os.chown(path, user, user)
            argv, environment = command(home, "chat", "Say hello.", "--max-tokens=8", HOME=str(home))
            reading = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
            as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *reading]
            running.append(
                subprocess.Popen(
                    [*as_user, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=environment,
                )
            )
        for process in running:
            said, complaints = process.communicate(timeout=DEADLINE_S)
            assert process.returncode == 0, complaints
            assert said.strip()
        for user, home in homes.items():
            mine = [path.lstat() for path in home.rglob("*")]
            assert {status.st_uid for status in mine} == {user}
    finally:
        for process in running:
            process.kill()
            process.wait()
        for home in homes.values():
            shutil.rmtree(home, ignore_errors=True)
