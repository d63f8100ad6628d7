"""`edgewise` in the terminal with the real server and the real model."""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app.cli.chat import ChatSession
from app.cli.console import Console
from app.cli.doctor import REPLY_TOKENS
from app.domain.generation import PARAMETERS, ChatMessage, Role
from app.engines.loaded_model import LoadedModel
from app.storage.paths import Paths
from app.storage.settings import Settings
from tests.processes import is_alive

DEADLINE_S = 60.0
"""For anything that is waited for, on a slow and busy machine."""
SURE = ("--temperature", "0", "--seed", "1")
LONG = "Write a very long story about a fox, a bear and a river."

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals as POSIX has them")


def edgewise(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """`edgewise`, run to its end; nothing on standard input unless given."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        input=stdin if stdin is not None else "",
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=DEADLINE_S,
        check=False,
    )


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`edgewise`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_output(process: subprocess.Popen[bytes]) -> bytes:
    """What it writes first, as soon as it does."""
    assert process.stdout is not None
    piece = os.read(process.stdout.fileno(), 4096)
    assert piece, process.stderr.read().decode() if process.stderr else ""
    return piece


def offspring(pid: int) -> list[psutil.Process]:
    """The guard and the engine of the `edgewise` with this process id."""
    processes: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    assert any("llama-server" in process.name() for process in processes)
    return processes


def assert_all_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=DEADLINE_S)
    # Who reaps an orphan depends on the system; a zombie keeps nothing but its number.
    assert [p for p in alive if is_alive(p)] == []


# --- one reply ---------------------------------------------------------------------------------------


def test_a_reply_is_streamed(edgewise_home: Path) -> None:
    with running("chat", LONG, "--max-tokens", "48", *SURE) as process:
        piece = first_output(process)
        assert process.poll() is None, "everything came at once"
        rest, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert stderr == b""
    assert len(rest) > len(piece)
    assert rest.endswith(b"\n")


def test_a_reply_as_json(edgewise_home: Path) -> None:
    done = edgewise("chat", "What is the capital of France?", "--json", "--max-tokens", "8", *SURE)
    assert (done.returncode, done.stderr) == (0, "")
    reply = json.loads(done.stdout)
    assert set(reply) == {
        "model",
        "text",
        "finish_reason",
        "usage",
        "timings",
        "ttft_s",
        "tokens_per_second",
    }
    assert reply["model"] == "SmolLM2-135M-Instruct.Q4_1"
    assert reply["text"].strip()
    assert reply["finish_reason"] in ("stop", "length")
    assert reply["usage"]["completion_tokens"] <= 8
    assert reply["timings"]["completion_tokens"] == reply["usage"]["completion_tokens"]
    assert reply["ttft_s"] > 0
    assert reply["tokens_per_second"] > 0


def test_a_question_on_standard_input(edgewise_home: Path) -> None:
    options = ("--max-tokens", "8", *SURE)
    piped = edgewise("chat", "-", *options, stdin="What is the capital of Italy? ß\n")
    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout.strip()
    assert piped.stdout == edgewise("chat", "What is the capital of Italy? ß", *options).stdout


def test_the_system_prompt_is_sent(edgewise_home: Path) -> None:
    def prompt_tokens(*arguments: str) -> int:
        done = edgewise("chat", "Hi", "--json", "--max-tokens", "1", *arguments)
        tokens: int = json.loads(done.stdout)["usage"]["prompt_tokens"]
        return tokens

    assert (
        prompt_tokens("--system", "You speak like a pirate. " * 20) > prompt_tokens("--system", "Arr.") + 60
    )


def test_qt_is_never_imported(edgewise_home: Path) -> None:
    program = (
        "import sys; from app.__main__ import main\n"
        "sys.argv = ['edgewise', 'chat', 'Hi', '--max-tokens', '1']\n"
        "assert main() == 0\n"
        "assert not [name for name in sys.modules if name.startswith('PySide6')]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- what goes wrong ---------------------------------------------------------------------------------


def assert_one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts), done.stderr


def test_no_model_at_all(empty_home: Path) -> None:
    assert_one_sentence(edgewise("chat", "Hi"), "There is no model yet.")


def test_a_model_that_is_not_there(edgewise_home: Path) -> None:
    done = edgewise("chat", "Hi", "--model", "no-such-model")
    assert_one_sentence(done, "There is no model “no-such-model”.", "SmolLM2-135M-Instruct.Q4_1")


def test_half_a_model(empty_home: Path, starter_model: Path, tmp_path: Path) -> None:
    half = tmp_path / "Half.gguf"
    half.write_bytes(starter_model.read_bytes()[: starter_model.stat().st_size // 2])
    done = edgewise("chat", "Hi", "--model", str(half))
    assert_one_sentence(done, "Half did not start: the file ends early (49 of 98 MB).")


def test_something_that_is_no_model(empty_home: Path, tmp_path: Path) -> None:
    other = tmp_path / "Other.gguf"
    other.write_bytes(b"PK\x03\x04" * 1000)
    done = edgewise("chat", "Hi", "--model", str(other))
    assert_one_sentence(done, "Other did not start: ", "not a GGUF")


def test_a_question_longer_than_the_context(edgewise_home: Path) -> None:
    done = edgewise("chat", "--context", "2048", stdin="fox bear river " * 3000)
    assert_one_sentence(done, "longer than the model's context")


def test_what_stands_behind_a_failure_is_shown_on_request(empty_home: Path) -> None:
    done = edgewise("chat", "Hi", "--verbose")
    assert done.returncode == 1
    assert str(empty_home / "models") in done.stderr


# --- nothing is left behind --------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)] + [(signal.SIGKILL, -9)] * (sys.platform != "win32"),
)
def test_no_engine_is_left_whatever_ends_the_program(
    edgewise_home: Path, number: signal.Signals, status: int
) -> None:
    with running("chat", LONG, "--max-tokens", "4000", *SURE) as process:
        first_output(process)
        left = offspring(process.pid)
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == status
        assert_all_gone(left)


@posix_only
def test_a_reader_that_has_enough_is_no_drama(edgewise_home: Path) -> None:
    with running("chat", LONG, "--max-tokens", "4000", *SURE) as process:
        first_output(process)
        left = offspring(process.pid)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE_S) == 1
        assert process.stderr.read() == b""
        assert_all_gone(left)
        process.stdout = None


def ready(session: ChatSession) -> LoadedModel:
    model = session.source.ready()
    assert isinstance(model, LoadedModel)
    return model


def test_an_engine_that_died_is_started_again(edgewise_home: Path) -> None:
    given = {parameter.name: None for parameter in PARAMETERS} | {"max_tokens": 4}
    options = argparse.Namespace(model=None, system=None, engine=None, context=2048, threads=None, **given)
    with ChatSession(Console(), Paths.find(), Settings(), options) as session:
        loaded = ready(session)
        for process in psutil.Process(loaded.process.pid).children():
            process.kill()
        loaded.process.wait()
        assert session.reply([ChatMessage(Role.USER, "Hi")], quiet=True).text
        left = psutil.Process(ready(session).process.pid).children()
    assert_all_gone(left)


# --- a conversation in a real terminal ---------------------------------------------------------------

IN_A_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "os.setsid()\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"  # so that Ctrl+C becomes a signal
    "os.execv(sys.executable, [sys.executable, '-m', 'app', *sys.argv[1:]])"
)


class Terminal:
    """`edgewise` in a pseudo terminal: what it shows, and a keyboard."""

    def __init__(self, *arguments: str) -> None:
        import pty

        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "PYTHONUTF8": "1"},
        )
        os.close(slave)
        self.shown = ""
        self._seen = 0

    def wait_for(self, pattern: str) -> str:
        """Wait until `pattern` is shown after what was waited for last; returns what it matched."""
        deadline = time.monotonic() + DEADLINE_S
        while not (match := re.compile(pattern).search(self.shown, self._seen)):
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._master], [], [], left)[0]
            piece = b""
            if ready:
                with suppress(OSError):  # Linux: the other end is closed
                    piece = os.read(self._master, 65536)
            if not piece:
                pytest.fail(f"{pattern!r} never came; there was {self.shown!r}")
            self.shown += piece.decode(errors="replace")
        self._seen = match.end()
        return match[0]

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@contextmanager
def conversation(*, longest_reply: int) -> Iterator[Terminal]:
    terminal = Terminal("chat", "--max-tokens", str(longest_reply), *SURE)
    try:
        yield terminal
    finally:
        terminal.close()


PROMPT = r"(?m)> $"


@posix_only
def test_ctrl_c_stops_the_reply_and_not_the_program(edgewise_home: Path) -> None:
    with conversation(longest_reply=4000) as terminal:
        terminal.wait_for(r"SmolLM2-135M-Instruct\.Q4_1, \d+ tokens of context")
        terminal.wait_for(PROMPT)
        left = offspring(terminal.process.pid)
        terminal.type(LONG + "\n")
        terminal.wait_for(r"river\.\s+\w+ \w+")  # the echo of the question, then a reply
        terminal.type("\x03")
        terminal.wait_for(r"first token after \d+ ms · stopped")
        terminal.wait_for(PROMPT)
        terminal.type("\x03")  # at the prompt it only begins a new line
        terminal.wait_for(PROMPT)
        terminal.type("/help\n")
        terminal.wait_for("/clear")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.process.wait(DEADLINE_S) == 0
        assert_all_gone(left)


@posix_only
def test_a_conversation_replies_and_obeys(edgewise_home: Path) -> None:
    with conversation(longest_reply=12) as terminal:

        def say(line: str, pattern: str) -> None:
            terminal.wait_for(PROMPT)
            terminal.type(line + "\n")
            terminal.wait_for(pattern)

        say(
            "What is the capital of France?",
            r"France\?\s+\S[\s\S]*tokens/s · first token after \d+ ms · 1\d tok",
        )
        say("And of Italy?", r"Italy\?\s+\S[\s\S]*tokens/s · first token after \d+ ms")
        say("/model", r"\* SmolLM2-135M-Instruct\.Q4_1  98 MB")
        say("/model nothing-like-it", "There is no model “nothing-like-it”")
        say("/model SmolLM2", r"Going on with SmolLM2-135M-Instruct\.Q4_1")
        say("/quit", "")
        assert terminal.process.wait(DEADLINE_S) == 0


# --- the doctor --------------------------------------------------------------------------------------


def test_the_doctor_finds_a_sound_installation_sound(edgewise_home: Path) -> None:
    done = edgewise("doctor", "--json")
    report = json.loads(done.stdout)
    status = {check["name"]: check["status"] for check in report["checks"]}
    assert done.returncode == 0, report
    assert report["ok"] is True
    assert list(status) == ["Versions", "Data folder", "Database", "llama.cpp", "Model", "Reply", "Window"]
    assert {status[name] for name in list(status)[:-1]} == {"ok"}
    message = {check["name"]: check["message"] for check in report["checks"]}
    assert "SHA-256 is right" in message["Model"]
    assert message["Reply"].startswith(f"{REPLY_TOKENS} tokens in ")


def test_the_doctor_sees_a_model_with_one_wrong_byte(empty_home: Path, starter_model: Path) -> None:
    models = empty_home / "models"
    models.mkdir()
    target = models / starter_model.name
    shutil.copyfile(starter_model, target)
    with target.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    done = edgewise("doctor")
    assert done.returncode == 1
    assert "✗ Model: SmolLM2-135M-Instruct.Q4_1 is damaged" in done.stdout
    assert "– Reply: Not tried" in done.stdout


def test_the_doctor_sees_half_a_model(empty_home: Path, starter_model: Path) -> None:
    models = empty_home / "models"
    models.mkdir()
    (models / "Half.gguf").write_bytes(starter_model.read_bytes()[:50_000_000])
    done = edgewise("doctor", "--verbose")
    assert done.returncode == 1
    assert "✗ Model: Half cannot be used: the file ends early (50 of 98 MB)." in done.stdout


def test_the_doctor_sees_an_engine_that_does_not_start(
    edgewise_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cli import doctor

    monkeypatch.setattr(doctor, "find_program", lambda name: tmp_path / name)
    examination = doctor.Examination(Paths.find())
    findings = [doctor._finding(name, check) for name, check in examination.checks()[3:6]]
    assert [finding.status.value for finding in findings] == ["failed", "ok", "skipped"]
    assert "llama-server does not start" in findings[0].message


def test_what_a_chat_in_the_terminal_loads_stands_in_the_ledger(edgewise_home: Path) -> None:
    done = edgewise("chat", "Tell me about lighthouses.", "--max-tokens", "48", *SURE, "--context", "1024")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(edgewise("models", "ledger", "--json").stdout)
    assert (entry["context_length"], entry["engine"]) == (1024, "llama_cpp")
    assert entry["measured_memory"] > 98_000_000
    assert abs(entry["memory_error"]) < 0.25
    assert entry["measured_speed"] > 0


def test_a_ledger_that_cannot_be_kept_stops_no_chat(edgewise_home: Path) -> None:
    (edgewise_home / "edgewise.db").mkdir()
    done = edgewise("chat", "Hi", "--max-tokens", "3", *SURE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
