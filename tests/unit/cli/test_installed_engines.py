"""`edgewise engines` as a person runs it, with the real uv and tiny wheels."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.command_line import run
from app.cli.installed_engines import find_engine, plan_words, progress_line
from app.domain.environment import InstallPhase, InstallPlan, InstallProgress
from app.domain.errors import EngineMissing
from app.engines.environment import Environments
from app.engines.pins import pins
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.faults.waiting import until
from tests.wheelhouse import ENGINE, only_from, pin, some_machine, write_wheel

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def wheels(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of the engines is a tiny one."""
    folder = tmp_path / "wheels"
    write_wheel(folder, "transformers", "1.0")
    only_from(folder, monkeypatch)
    paths = Paths.find()
    tiny = {**pins(), ENGINE: pin("transformers==1.0", check=("transformers",))}
    monkeypatch.setattr(
        "app.cli.installed_engines.find_environments",
        lambda _: Environments(paths.engines, some_machine, tiny),
    )
    return folder


def test_a_life_of_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engines", "install", "Transformers"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(
        "Transformers 1.0, for the processor: about 1.0 MB to download, about 2.0 MB on"
    )
    assert said[1].startswith("Transformers 1.0 is installed. It took ")
    assert run(["engines", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Engine", "State", "Runs", "here", "Version", "Size"]
    assert [line.split()[:2] for line in (lines[1], lines[4])] == [
        ["llama.cpp", "comes"],
        ["Transformers", "installed"],
    ]
    assert "1.0" in lines[4]
    assert run(["engines", "install", "transformers"]) == 0
    assert capsys.readouterr().out == "Transformers is installed already.\n"
    assert run(["engines", "verify", "transformers"]) == 0
    assert capsys.readouterr().out == "Transformers is whole and starts.\n"
    assert run(["engines", "remove", "transformers", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"] == "transformers"
    assert run(["engines", "remove", "transformers", "--yes"]) == 1
    assert "is not installed" in capsys.readouterr().err


def test_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engines", "list", "--json"]) == 0
    engines = {engine["id"]: engine for engine in json.loads(capsys.readouterr().out)}
    assert engines["llama_cpp"]["environment"] is None
    assert engines["vllm"]["strengths"]
    plan = engines["transformers"]["environment"]["plan"]
    assert plan["requirements"] == ["transformers==1.0"]
    assert run(["engines", "install", "transformers", "--json"]) == 0
    installed = json.loads(capsys.readouterr().out)
    assert (installed["state"], installed["version"]) == ("ready", "1.0")
    assert installed["size"] > 0
    assert Path(installed["log"]).is_file()


def test_a_damaged_one_is_repaired(capsys: pytest.CaptureFixture[str], empty_home: Path) -> None:
    assert run(["engines", "install", "transformers"]) == 0
    (module,) = empty_home.glob("engines/transformers/*/lib/python*/site-packages/transformers/__init__.py")
    module.write_text("changed = True", encoding="utf-8")
    assert run(["engines", "verify", "transformers"]) == 1
    assert "transformers/__init__.py was changed" in capsys.readouterr().err
    assert run(["engines", "install", "transformers"]) == 0
    assert "is damaged" in capsys.readouterr().err
    assert run(["engines", "verify", "transformers"]) == 0


def test_offline(wheels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_settings(Paths.find().settings, Settings(offline=True))
    assert run(["engines", "install", "transformers"]) == 1
    assert "Offline mode is on, so nothing is fetched." in capsys.readouterr().err
    assert run(["engines", "install", "transformers", "--from", str(wheels)]) == 0


def test_what_stands_behind_a_failure(wheels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next(wheels.iterdir()).unlink()
    assert run(["engines", "install", "transformers", "--verbose"]) == 1
    sentence, *detail = capsys.readouterr().err.splitlines()
    assert "your package index has no transformers" in sentence
    assert any("No solution found" in line for line in detail)


class Person(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("\n", False)])
def test_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, gone: bool
) -> None:
    assert run(["engines", "install", "transformers"]) == 0
    monkeypatch.setattr(sys, "stdin", Person(answer))
    assert run(["engines", "remove", "transformers"]) == (0 if gone else 1)
    assert "will be deleted, which frees" in capsys.readouterr().out
    assert run(["engines", "verify", "transformers"]) == (1 if gone else 0)


def test_where_nobody_can_be_asked_nothing_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["engines", "install", "transformers"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert run(["engines", "remove", "transformers"]) == 2
    assert "--yes" in capsys.readouterr().err


COMMAND = """
import sys
from pathlib import Path
import app.cli.installed_engines as commands
from app.cli.command_line import run
from app.engines.environment import Environments
from app.engines.pins import pins
from app.storage.paths import Paths
from tests.wheelhouse import ENGINE, pin, some_machine
tiny = {ENGINE: pin("tiny==9.0")}
commands.find_environments = lambda paths: Environments(paths.engines, some_machine, tiny)
sys.exit(run(["engines", "install", "transformers"]))
"""


def test_ctrl_c_ends_it_and_says_how_to_go_on(wheels: Path, empty_home: Path) -> None:
    write_wheel(wheels, "tiny", "9.0", code="print('sleeps', flush=True)\nimport time; time.sleep(600)")
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    log = empty_home / "engines" / "transformers" / "install.log"
    until(lambda: log.exists() and "sleeps" in log.read_text(encoding="utf-8"))
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "To go on: edgewise engines install transformers" in said
    assert not [path for path in log.parent.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("words", "id_"),
    [("vllm", "vllm"), ("vLLM", "vllm"), ("TensorRT-LLM", "tensorrt_llm"), ("tensorrt_llm", "tensorrt_llm")],
)
def test_an_engine_by_its_name(words: str, id_: str) -> None:
    assert find_engine(words) == id_


def test_names_that_mean_no_engine_to_install() -> None:
    with pytest.raises(EngineMissing, match=r"llama\.cpp comes with Edgewise"):
        find_engine("llama.cpp")
    with pytest.raises(
        EngineMissing, match=r"There is no engine “ollama”\. There is: llama_cpp_cuda, llama_cpp_vulkan"
    ):
        find_engine("ollama")


def test_a_plan_in_words() -> None:
    plan = InstallPlan(
        "vllm", "for NVIDIA GPUs", "0.33.0", 4_280_000_000, 9_000_000_000, "a test", "Python 3.12", True, ()
    )
    assert plan_words(plan) == (
        "vLLM 0.33.0, for NVIDIA GPUs: about 4.3 GB to download, about 9.0 GB on the disk (from a test). "
        "Python 3.12 is downloaded first."
    )


def test_progress_in_a_line() -> None:
    begun = InstallProgress(InstallPhase.RESOLVING, "Choosing versions", 0, 1000)
    assert progress_line("vLLM", begun) == "vLLM  Choosing versions…"
    half = InstallProgress(
        InstallPhase.DOWNLOADING, "Downloading torch (190 MB)", 1_500_000_000, 3_000_000_000
    )
    assert progress_line("vLLM", half) == (
        "vLLM  [##########----------]  1.5 GB of about 3.0 GB  Downloading torch (190 MB)"
    )


def test_a_build_for_gpus_by_what_people_write() -> None:
    assert find_engine("llama.cpp (Vulkan)") == "llama_cpp_vulkan"
    assert find_engine("llama-cpp-cuda") == "llama_cpp_cuda"


def test_a_build_that_nobody_published_says_how_to_come_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engines", "install", "llama_cpp_vulkan"]) == 1
    said = capsys.readouterr()
    assert "make gpu-package GPU=vulkan" in said.err
    assert "to download" not in said.out
