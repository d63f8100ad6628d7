"""Environments are made by the real uv from tiny wheels: whole, or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.domain.environment import EnvironmentState, InstallPhase, InstallProgress
from app.domain.errors import Cancelled, DiskFull, EngineMissing, InstallFailed, StorageError
from app.domain.generation import Cancellation
from app.domain.release import Wheel
from app.engines import environment as module
from app.engines.environment import Environment, Environments
from app.engines.pins import Pin
from tests.faults.waiting import until
from tests.processes import is_alive
from tests.wheelhouse import ENGINE, only_from, pin, some_machine, write_wheel

PROJECT = Path(__file__).resolve().parents[3]
TINY = pin("tiny==1.0")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the wheels of a tiny engine, the only source that uv knows."""
    folder = tmp_path / "wheels"
    write_wheel(folder, "tiny", "1.0", needs=("helper",), code="import helper", files={"data": b"d" * 9000})
    write_wheel(folder, "helper", "0.1")
    only_from(folder, monkeypatch)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "Zoë’s 家" / "engines"


def environment(root: Path, of: Pin = TINY) -> Environment:
    return Environments(root, some_machine, {ENGINE: of}).of(ENGINE)


def install(one: Environment, source: Path | None = None) -> list[InstallProgress]:
    told: list[InstallProgress] = []
    one.install(told.append, Cancellation(), source)
    return told


def state(one: Environment) -> EnvironmentState:
    return one.state


def no_progress(progress: InstallProgress) -> None:
    del progress


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ENGINE).iterdir() if path.is_dir())


def says(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_nothing_is_there_at_first(root: Path, wheels: Path) -> None:
    one = environment(root)
    assert state(one) is EnvironmentState.ABSENT
    assert one.installed_versions() == {}
    assert (one.version(), one.size()) == ("", 0)
    with pytest.raises(
        EngineMissing, match=r"Transformers is not installed\. Install it on the Engines page\."
    ):
        one.python()
    with pytest.raises(EngineMissing):
        one.verify(no_progress, Cancellation())
    assert one.remove() == 0
    assert not root.joinpath(ENGINE).exists()


def test_installing_checking_and_removing(root: Path, wheels: Path) -> None:
    one = environment(root)
    told = install(one)
    assert state(one) is EnvironmentState.READY
    assert one.installed_versions() == {"tiny": "1.0", "helper": "0.1"}
    assert says(one.python(), "import sys, tiny; print(sys.prefix)") == str(one.python().parents[1])
    assert 9000 < one.size() < 1_000_000
    phases = [progress.phase for progress in told]
    assert phases == sorted(phases, key=list(InstallPhase).index)
    assert {InstallPhase.RESOLVING, InstallPhase.CHECKING} <= set(phases)
    assert "Resolved 2 packages" in one.log.read_text(encoding="utf-8")
    one.verify(no_progress, Cancellation())
    assert one.remove() > 9000
    assert state(one) is EnvironmentState.ABSENT
    assert [path.name for path in root.iterdir()] == [".lock"]


def test_what_stands_in_the_plan(root: Path, wheels: Path) -> None:
    plan = environment(root).plan()
    assert plan is not None
    assert (plan.download, plan.on_disk, plan.requirements) == (1_000_000, 2_000_000, ("tiny==1.0",))
    assert (plan.python, plan.python_download) == ("Python {}.{}".format(*sys.version_info[:2]), False)
    mac = Environments(root, lambda: some_machine("Darwin 25"), {ENGINE: TINY}).of(ENGINE)
    assert mac.plan() is None
    assert mac.why_not() == "It is for Linux."
    with pytest.raises(InstallFailed, match="It is for Linux"):
        install(mac)


def test_an_update_takes_the_place_of_the_old_one(root: Path, wheels: Path) -> None:
    install(environment(root))
    write_wheel(wheels, "tiny", "2.0")
    newer = environment(root, pin("tiny==2.0"))
    assert state(newer) is EnvironmentState.OUTDATED
    old = newer.python()
    install(newer)
    assert state(newer) is EnvironmentState.READY
    assert newer.installed_versions() == {"tiny": "2.0"}
    assert not old.exists()
    assert len(folders(root)) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import gone", "does not start on this machine: ModuleNotFoundError: No module named 'gone'"),
        (None, ""),
    ],
)
def test_an_update_that_fails_leaves_the_old_one(
    root: Path, wheels: Path, code: str | None, words: str
) -> None:
    install(environment(root))
    if code is not None:
        write_wheel(wheels, "tiny", "2.0", code=code)
    newer = environment(root, pin("tiny==2.0"))
    with pytest.raises(InstallFailed, match=words or r"has no tiny==2\.0") as failure:
        install(newer)
    assert failure.value.detail
    assert state(newer) is EnvironmentState.OUTDATED
    assert newer.installed_versions()["tiny"] == "1.0"
    assert says(newer.python(), "import tiny; print('works')") == "works"
    assert len(folders(root)) == 1
    newer.verify(no_progress, Cancellation())


def test_what_is_left_out_stays_out(root: Path, wheels: Path) -> None:
    write_wheel(wheels, "tiny", "3.0", needs=("helper",))
    one = environment(root, pin("tiny==3.0", exclude=("helper",)))
    install(one)
    assert one.installed_versions() == {"tiny": "3.0"}


def test_only_wheels_are_installed_never_code_that_builds_itself(root: Path, wheels: Path) -> None:
    (wheels / "built-1.0.tar.gz").write_bytes(b"not even an archive")
    with pytest.raises(InstallFailed, match="built"):
        install(environment(root, pin("built==1.0", check=("built",))))


def test_a_folder_is_a_source_of_its_own(root: Path, wheels: Path, tmp_path: Path, monkeypatch) -> None:
    elsewhere = tmp_path / "stick"
    wheels.rename(elsewhere)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")  # nobody listens: any attempt fails
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("UV_FIND_LINKS")
    one = environment(root)
    install(one, elsewhere)
    assert state(one) is EnvironmentState.READY
    with pytest.raises(InstallFailed, match=r"stick does not hold tiny==2\.0"):
        install(environment(root, pin("tiny==2.0")), elsewhere)
    with pytest.raises(InstallFailed, match="There is no folder"):
        install(one, tmp_path / "gone")


def test_where_only_its_makers_have_torch_uv_is_told_so(root: Path, wheels: Path) -> None:
    write_wheel(wheels, "torch", "1.0")
    one = environment(root, pin("tiny==1.0", "torch==1.0+cpu", torch_backend="cpu"))
    with pytest.raises(InstallFailed):  # the makers' place is not asked here: PIP_NO_INDEX
        install(one)
    log = one.log.read_text(encoding="utf-8")
    assert log.count("$ uv pip install") == 2
    assert log.count("--torch-backend cpu") == 1


def test_a_damaged_file_is_found_and_repaired(root: Path, wheels: Path) -> None:
    one = environment(root)
    install(one)
    data = next(one.python().parents[1].glob("lib/python*/site-packages/tiny/data"))
    with data.open("r+b") as file:  # in place: the cache's copy is the same file
        file.write(b"!")
    with pytest.raises(
        InstallFailed, match=r"Transformers is damaged: tiny/data was changed\. Install it again"
    ):
        one.verify(no_progress, Cancellation())
    install(one)
    one.verify(no_progress, Cancellation())
    next(one.python().parents[1].glob("lib/python*/site-packages/helper/__init__.py")).unlink()
    with pytest.raises(InstallFailed, match=r"helper/__init__\.py is missing"):
        one.verify(no_progress, Cancellation())


def test_an_environment_whose_python_went_away_is_not_used(root: Path, wheels: Path) -> None:
    one = environment(root)
    install(one)
    one.python().unlink()
    assert state(one) is EnvironmentState.PARTIAL
    with pytest.raises(EngineMissing, match="is not installed completely"):
        one.python()
    install(one)
    assert state(one) is EnvironmentState.READY


@pytest.mark.parametrize(
    "pointer", ["", "{", "[]", '{"folder": "../../etc", "variant": "cpu"}', '{"folder": 3}']
)
def test_a_pointer_that_says_nothing_is_no_installation(root: Path, wheels: Path, pointer: str) -> None:
    (root / ENGINE).mkdir(parents=True)
    (root / ENGINE / "current.json").write_text(pointer, encoding="utf-8")
    one = environment(root)
    assert state(one) is EnvironmentState.PARTIAL
    install(one)
    assert state(one) is EnvironmentState.READY


def slow_wheel(wheels: Path) -> None:
    """A tiny engine whose check does not end by itself, and starts a child that does not either."""
    sleep = "import time; time.sleep(600)"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {sleep!r}]).wait()"
    write_wheel(wheels, "tiny", "9.0", code=code)


def below(folder: Path) -> list[psutil.Process]:
    """Processes that run from an environment in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if is_alive(process) and any(str(folder) in word for word in process.cmdline()[:1]):
                found.append(process)
        except psutil.Error:
            continue
    return found


def cancelled(one: Environment, cancellation: Cancellation) -> None:
    with pytest.raises(Cancelled):
        one.install(no_progress, cancellation)


def test_cancelling_ends_all_processes_within_a_second(root: Path, wheels: Path) -> None:
    slow_wheel(wheels)
    one = environment(root, pin("tiny==9.0"))
    cancellation = Cancellation()
    thread = threading.Thread(target=cancelled, args=(one, cancellation))
    thread.start()
    until(lambda: len(below(root)) >= 2)
    began = time.monotonic()
    cancellation.cancel()
    thread.join(10)
    assert time.monotonic() - began < 1.5  # a second, and what tidying takes on a busy machine
    assert below(root) == []
    assert state(one) is EnvironmentState.ABSENT
    assert folders(root) == []


def test_cancelling_while_an_index_keeps_silent(
    root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        monkeypatch.delenv("PIP_NO_INDEX")
        one, cancellation = environment(root, pin("gone==1.0")), Cancellation()
        thread = threading.Thread(target=cancelled, args=(one, cancellation))
        thread.start()
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            began = time.monotonic()
            cancellation.cancel()
            thread.join(10)
            assert time.monotonic() - began < 1.5
    assert one.state is EnvironmentState.ABSENT


def test_only_one_at_a_time(root: Path, wheels: Path) -> None:
    slow_wheel(wheels)
    one, cancellation = environment(root, pin("tiny==9.0")), Cancellation()
    thread = threading.Thread(target=cancelled, args=(one, cancellation))
    thread.start()
    until(lambda: below(root))
    other = environment(root)
    with pytest.raises(InstallFailed, match="Another engine is being installed"):
        install(other)
    with pytest.raises(InstallFailed, match="Another engine is being installed"):
        other.remove()
    cancellation.cancel()
    thread.join(10)
    install(other)
    assert state(other) is EnvironmentState.READY


INSTALL = """
import sys
from pathlib import Path
from app.domain.generation import Cancellation
from app.engines.environment import Environments
from tests.wheelhouse import ENGINE, pin, some_machine
one = Environments(Path(sys.argv[1]), some_machine, {ENGINE: pin(sys.argv[2])}).of(ENGINE)
print("begins", flush=True)
one.install(lambda progress: None, Cancellation())
"""


def test_killed_at_any_moment_the_old_one_still_works(root: Path, wheels: Path) -> None:
    """An update is killed again and again, at moments spread over all of it; then it is left alone."""
    started = time.monotonic()
    install(environment(root))
    lasts = time.monotonic() - started
    write_wheel(wheels, "tiny", "2.0", files={f"file{n}": os.urandom(2000) for n in range(300)})
    newer = environment(root, pin("tiny==2.0"))
    moments = random.Random(4)
    for step in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", INSTALL, root, "tiny==2.0"], cwd=PROJECT, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        pause = threading.Event()
        pause.wait(lasts * (step + moments.random()) / 6)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        until(lambda: not below(root))  # the guard ends what was left
        versions = newer.installed_versions()
        assert says(newer.python(), "import tiny; print(tiny.__file__)")
        assert versions["tiny"] in ("1.0", "2.0")
        if versions["tiny"] == "2.0":
            break
    until(lambda: not [p for p in psutil.process_iter() if str(root) in " ".join(_command_line(p))])
    install(newer)
    newer.verify(no_progress, Cancellation())
    assert state(newer) is EnvironmentState.READY
    assert len(folders(root)) == 1


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if is_alive(process) else []
    except psutil.Error:
        return []


def test_killed_at_first_nothing_is_installed(root: Path, wheels: Path) -> None:
    slow_wheel(wheels)
    child = subprocess.Popen([sys.executable, "-c", INSTALL, root, "tiny==9.0"], cwd=PROJECT)
    until(lambda: below(root))
    child.send_signal(signal.SIGKILL)
    child.wait()
    until(lambda: not below(root))
    one = environment(root)
    assert state(one) is EnvironmentState.PARTIAL
    with pytest.raises(EngineMissing, match="not installed completely"):
        one.python()
    install(one)
    assert state(one) is EnvironmentState.READY
    assert len(folders(root)) == 1


def test_what_runs_is_not_taken_away(root: Path, wheels: Path) -> None:
    install(environment(root))
    write_wheel(wheels, "tiny", "2.0")
    newer = environment(root, pin("tiny==2.0"))
    old = newer.python()
    with subprocess.Popen([old, "-c", "print(1, flush=True); input()"], stdin=-1, stdout=-1) as engine:
        assert engine.stdout is not None
        assert engine.stdin is not None
        engine.stdout.readline()
        with pytest.raises(InstallFailed, match="Transformers is running"):
            newer.remove()
        assert newer.python() == old
        install(newer)
        assert newer.python() != old
        assert old.exists()
        engine.stdin.close()
    install(newer)
    assert not old.exists()


def test_a_full_disk_is_told_before(root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESERVE", 1 << 60)
    with pytest.raises(DiskFull, match="too full for Transformers: it takes about"):
        install(environment(root))
    assert environment(root).state is EnvironmentState.ABSENT


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(root: Path, wheels: Path) -> None:
    root.mkdir(parents=True)
    root.chmod(0o500)
    with pytest.raises(StorageError, match="cannot write"):
        install(environment(root))


def test_a_file_where_the_folder_should_be(root: Path, wheels: Path) -> None:
    root.parent.mkdir(parents=True)
    root.write_text("in the way", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot write"):
        install(environment(root))


def test_where_the_pointer_cannot_be_written_the_old_one_stays(
    root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    install(environment(root))
    monkeypatch.setattr(module.os, "fsync", full)  # type: ignore[attr-defined]
    write_wheel(wheels, "tiny", "2.0")
    newer = environment(root, pin("tiny==2.0"))
    with pytest.raises(StorageError, match="No space left on device"):
        install(newer)
    assert newer.installed_versions()["tiny"] == "1.0"
    assert says(newer.python(), "import tiny; print('works')") == "works"


def test_no_python_fits(root: Path, wheels: Path) -> None:
    one = environment(root, pin("tiny==1.0", oldest=(3, 98), newest=(3, 99)))
    plan = one.plan()
    assert plan is not None
    assert (plan.python, plan.python_download) == ("Python 3.99", True)
    with pytest.raises(InstallFailed, match=r"it needs Python 3\.98 to 3\.99, and none is here"):
        install(one, wheels)


@pytest.fixture
def no_python(monkeypatch: pytest.MonkeyPatch) -> Pin:
    """An engine for Pythons of which this machine has none; where uv fetches them nobody listens."""
    monkeypatch.setattr("app.engines.installation.Installation._find_python", lambda _: None)
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "http://127.0.0.1:9")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return pin("tiny==1.0", oldest=(3, 8), newest=(3, 9))


def test_a_python_is_fetched_where_none_fits(root: Path, wheels: Path, no_python: Pin) -> None:
    one = environment(root, no_python)
    told: list[InstallProgress] = []
    with pytest.raises(InstallFailed, match=r"127\.0\.0\.1:9 cannot be reached"):
        one.install(told.append, Cancellation())
    assert [(each.phase, each.words) for each in told] == [(InstallPhase.PYTHON, "Downloading Python 3.9")]
    assert "$ uv python install --no-bin 3.9" in one.log.read_text(encoding="utf-8")


def test_a_plan_can_be_told_without_uv(root: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    one = environment(root, pin("tiny==1.0", oldest=(3, 8), newest=(3, 9)))
    plan = one.plan()
    assert plan is not None
    assert plan.python_download
    with pytest.raises(InstallFailed, match="uv, which installs engines, is missing"):
        install(one)


def test_no_python_is_fetched_for_who_does_not_want_it(
    root: Path, wheels: Path, no_python: Pin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    one = environment(root, no_python)
    with pytest.raises(InstallFailed, match=r"it needs Python 3\.8 to 3\.9, and none is here"):
        install(one)
    assert one.log.read_text(encoding="utf-8") == ""


def test_the_pointer_names_what_is_there(root: Path, wheels: Path) -> None:
    install(environment(root))
    said = json.loads((root / ENGINE / "current.json").read_text(encoding="utf-8"))
    assert folders(root) == [said["folder"]]
    assert said["versions"] == {"tiny": "1.0", "helper": "0.1"}


def test_every_engine_that_lives_in_one_has_one(root: Path) -> None:
    every = Environments(root, some_machine)
    assert [each.engine for each in every.all()] == [
        *("llama_cpp_cuda", "llama_cpp_vulkan"),
        *("transformers", "vllm", "sglang", "tensorrt_llm"),
    ]
    with pytest.raises(KeyError):
        every.of("llama_cpp")


# Libraries of ggml: packages of our own, bound to one llama.cpp

NAME = "edgewise-llama-cpp-vulkan"


def backend_pin(version: str = "1.0") -> Pin:
    made = pin(f"{NAME}=={version}", check=("edgewise_llama_cpp_vulkan",))
    return replace(made, variants=(replace(made.variants[0], backend="vulkan"),))


def backend_wheel(folder: Path, version: str = "1.0") -> Path:
    """A wheel as build/gpu_package.py makes it, whose library is none."""
    library = "ggml-vulkan.dll" if sys.platform == "win32" else "libggml-vulkan.so"
    return write_wheel(folder, "edgewise_llama_cpp_vulkan", version, files={library: b"not a library"})


@pytest.fixture
def any_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the wheel would be found to compute."""
    monkeypatch.setattr("app.engines.installation.device_names", lambda *_: ("Vulkan0",))


def test_what_nobody_published_is_installed_from_a_folder_alone(
    root: Path, wheels: Path, any_device: None
) -> None:
    one = environment(root, backend_pin())
    plan = one.plan()
    assert plan is not None
    assert "make gpu-package GPU=vulkan" in plan.only_from_folder
    assert "dist/wheels" in plan.only_from_folder
    assert not one.why_not(), "it can be installed"
    with pytest.raises(InstallFailed) as refused:
        install(one)
    assert refused.value.message == plan.only_from_folder
    backend_wheel(wheels)
    install(one, wheels)
    assert state(one) is EnvironmentState.READY
    assert one.installed_versions() == {NAME: "1.0"}


def test_what_was_published_comes_from_its_own_address_and_is_what_was_published(
    root: Path, wheels: Path, tmp_path: Path, any_device: None
) -> None:
    wheel = backend_wheel(tmp_path / "elsewhere")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    published = {NAME: Wheel(wheel.as_uri(), digest, wheel.stat().st_size)}
    known = {ENGINE: backend_pin()}
    one = Environments(root, some_machine, known, published).of(ENGINE)
    plan = one.plan()
    assert plan is not None
    assert plan.only_from_folder == ""
    install(one)
    assert one.installed_versions() == {NAME: "1.0"}
    changed = {NAME: replace(published[NAME], sha256="0" * 64)}
    with pytest.raises(InstallFailed, match="arrived damaged"):
        install(Environments(tmp_path / "other", some_machine, known, changed).of(ENGINE))


def test_one_of_another_llama_cpp_is_not_used(root: Path, wheels: Path, any_device: None) -> None:
    backend_wheel(wheels)
    install(environment(root, backend_pin()), wheels)
    updated = environment(root, backend_pin("2.0"))
    assert state(updated) is EnvironmentState.STALE
    assert updated.usable() is None
    assert updated.installed() is not None, "it can still be removed"
    with pytest.raises(EngineMissing, match=r"with another llama\.cpp\. Update it on the Engines page\."):
        updated.python()
    backend_wheel(wheels, "2.0")
    install(updated, wheels)
    assert state(updated) is EnvironmentState.READY
    assert updated.usable() is not None


def test_a_library_that_llama_server_cannot_load_is_not_used(root: Path, wheels: Path) -> None:
    backend_wheel(wheels)
    one = environment(root, backend_pin())
    with pytest.raises(InstallFailed, match="Transformers does not start on this machine: ") as refused:
        install(one, wheels)
    assert "Available devices" in refused.value.detail
    assert state(one) is EnvironmentState.ABSENT
