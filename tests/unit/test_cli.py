"""The terminal's part of Edgewise, as far as it needs no engine."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import __version__
from app.__main__ import _missing_for_qt
from app.cli.chat import Answer, ChatSession, as_json, summary
from app.cli.command_line import USAGE, run
from app.cli.console import Console, HarmlessStream, harmless
from app.cli.conversation import Conversation
from app.cli.doctor import Examination, Status, _finding
from app.cli.machine import described
from app.domain.errors import EngineGone
from app.domain.generation import ChatMessage, Finished, FinishReason, ServerTimings, Usage
from app.domain.machine import Bandwidth, Cpu, Disk, Gpu, Machine, Memory, Power
from app.domain.metrics import GenerationMetrics
from app.storage.database import Database
from app.storage.paths import Paths


def edgewise(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`edgewise` with nothing on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
        timeout=60,
        check=False,
    )


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


# --- what reaches a terminal -------------------------------------------------------------------------

HOSTILE = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b[2J\x1b[Hgone", "gone"),
    ("\x1b]0;title\x07text", "text"),
    ("\x1b]8;;http://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b]52;c;Y3VybA==\x07clipboard", "clipboard"),
    ("\x1bPq#0\x1b\\sixel", "sixel"),
    ("\x9b31mC1\x9b0m", "C1"),
    ("\x9d0;title\x9cC1", "C1"),
    ("\x1bcreset", "reset"),
    ("\x1b(0charset", "charset"),
    ("over\rwritten\b\x07\x7f", "overwritten"),
    ("user\u202egnp.exe", "usergnp.exe"),
    ("\u2066isolated\u2069", "isolated"),
    ("line\r\n\tnext", "line\n\tnext"),
    ("Zoë 家 👩‍👩‍👧 שלום", "Zoë 家 👩‍👩‍👧 שלום"),
    ("a lone \x1b", "a lone "),
]


@pytest.mark.parametrize(("hostile", "expected"), HOSTILE)
def test_control_sequences_are_taken_out(hostile: str, expected: str) -> None:
    assert harmless(hostile) == expected


@pytest.mark.parametrize(("hostile", "expected"), HOSTILE)
def test_sequences_cut_between_two_pieces_are_taken_out_too(hostile: str, expected: str) -> None:
    for cut in range(len(hostile) + 1):
        stream = HarmlessStream()
        shown = stream.feed(hostile[:cut]) + stream.feed(hostile[cut:]) + stream.finish()
        assert shown == expected, cut
    stream = HarmlessStream()
    assert "".join(map(stream.feed, hostile)) + stream.finish() == expected


@given(st.lists(st.text(alphabet=st.sampled_from("\x1b\x9b\x9d\x9c[]\\;m0a \x07\u202e\n"))))
def test_nothing_a_terminal_obeys_comes_through_however_it_is_cut(pieces: list[str]) -> None:
    stream = HarmlessStream()
    shown = "".join(map(stream.feed, pieces)) + stream.finish()
    assert all(character == "\n" or unicodedata.category(character)[0] != "C" for character in shown)


def test_text_is_not_held_back_for_ever_by_a_sequence_without_an_end() -> None:
    stream = HarmlessStream()
    shown = stream.feed("\x1b]0;") + "".join(stream.feed("word ") for _ in range(2000))
    assert shown.endswith("word word ")


def test_ordinary_text_is_shown_at_once() -> None:
    stream = HarmlessStream()
    assert stream.feed("Hello") == "Hello"
    assert stream.feed(" [1] wor") == " [1] wor"


def test_notes_and_styles_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = Terminal(), io.StringIO()
    Console(terminal, terminal).note("fast\x1b[31m")
    Console(pipe, pipe).note("fast")
    assert terminal.getvalue() == "\x1b[2mfast\x1b[0m\n"
    assert pipe.getvalue() == ""


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    console = Console(terminal, terminal)
    console.transient("Loading…")
    console.settle()
    console.note("fast")
    assert terminal.getvalue() == "fast\n"


def test_what_is_waited_for_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    console = Console(terminal, terminal)
    console.transient("Loading \x1b[2Jx…")
    console.settle()
    console.settle()
    assert terminal.getvalue() == "\x1b[2mLoading x…\x1b[0m\r\x1b[K"


# --- the command line --------------------------------------------------------------------------------


def test_version() -> None:
    done = edgewise("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"Edgewise {__version__}\n", "")


def test_help_names_the_commands_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from app.__main__ import main; sys.argv = ['edgewise', '--help']\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print([name for name in ('PySide6', 'psutil', 'http', 'sqlite3', 'platformdirs', 'logging')"
        " if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert all(command in done.stdout for command in ("chat", "doctor", "probe"))
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "invalid choice"),
        (["--nonsense"], "required: COMMAND"),
        (["chat", "--nonsense", "hi"], "unrecognized arguments"),
        (["chat", "--temperature", "9", "hi"], "--temperature: 9 is not between 0 and 2"),
        (["chat", "--temperature", "nan", "hi"], "--temperature: nan is not between"),
        (["chat", "--top-k", "1.5", "hi"], "--top-k: '1.5' is not a whole number"),
        (["chat", "--threads", "0", "hi"], "--threads: 0 is not between 1 and 1024"),
        (["chat", "--context", "0", "hi"], "--context: 0 is not between"),
        (["chat"], "standard input is empty"),
    ],
)
def test_a_wrong_command_line_is_status_2(empty_home: Path, arguments: list[str], said: str) -> None:
    done = edgewise(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_probe_tells_the_machine_and_keeps_nothing_but_its_measurement(empty_home: Path) -> None:
    done = edgewise("probe", "--json")
    machine = json.loads(done.stdout)
    assert done.returncode == 0
    assert machine["cpu"]["usable_cores"] >= 1
    assert machine["memory"]["total"] >= machine["memory"]["available"] > 0
    assert machine["disk"]["folder"] == str(empty_home / "models")
    assert isinstance(machine["gpus"], list)
    assert machine["bandwidth"]["copy"] > 0
    (kept,) = empty_home.iterdir()
    assert json.loads(kept.read_text("utf-8")) == machine["bandwidth"]
    kept.write_text(json.dumps(machine["bandwidth"] | {"copy": 12_000_000_000, "disturbed": False}), "utf-8")
    assert "12 GB/s copying" in edgewise("probe").stdout
    assert (
        json.loads(edgewise("probe", "--json", "--bandwidth").stdout)["bandwidth"]["copy"] != 12_000_000_000
    )


def test_probe_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = {"EDGEWISE_HOME": str(tmp_path / "file" / "home")}
    done = edgewise("probe", "--json", environment=home)
    assert done.returncode == 0
    assert json.loads(done.stdout)["bandwidth"] is None
    assert "Traceback" not in done.stderr
    assert edgewise("probe", "--bandwidth", environment=home).returncode == 1


def test_a_machine_is_described_in_words() -> None:
    machine = Machine(
        "Linux 6",
        Cpu("Fast", "x86_64", 8, 16, 4),
        Memory(32_000_000_000, 20_000_000_000, 8_000_000_000),
        Disk("/models", 100_000_000_000, 50_000_000_000),
        (Gpu("Big", 24_000_000_000, 23_000_000_000, "570.1"), Gpu("M4", None, None, unified_memory=True)),
    )
    text = "\n".join(described(machine))
    assert "8 cores, 16 threads; 4 cores usable" in text
    assert "20.0 GB available, limited to 8.0 GB" in text
    assert "Big, 24.0 GB, 23.0 GB free, driver 570.1" in text
    assert "M4, shares main memory" in text
    assert "Power    unknown" in text


def test_a_machine_with_everything_is_described_in_words() -> None:
    machine = Machine(
        "Windows 11",
        Cpu("13th Gen Intel(R) Core(TM) i7-13700H", "AMD64", 14, 20, 14, 6, 8, ("AVX2", "AVX-VNNI")),
        Memory(32_000_000_000, 20_000_000_000, swap_total=8_000_000_000, swap_free=7_000_000_000),
        Disk("Z:\\models", None, None),
        (
            Gpu("RTX", 8_000_000_000, None, "580.65", "8.9", cuda_version="13.0", device="CUDA0"),
            Gpu("M4", 12_000_000_000, None, unified_memory=True, memory_is_estimate=True),
        ),
        Power(on_battery=True, battery_percent=63.4),
        Bandwidth(52_000_000_000, 55_000_000_000, 14, "i7", "2026-11-24"),
    )
    text = "\n".join(described(machine))
    assert "14 cores (6 performance, 8 efficiency), 20 threads" in text
    assert "AVX2, AVX-VNNI" in text
    assert "52 GB/s copying, 55 GB/s reading with 14 threads, measured on 2026-11-24" in text
    assert "Swap     8.0 GB, 7.0 GB free" in text
    assert "unknown free of unknown for Z:\\models" in text
    assert "RTX, 8.0 GB, driver 580.65, CUDA 13.0, compute capability 8.9, in llama.cpp CUDA0" in text
    assert "M4, shares main memory, up to about 12.0 GB of it" in text
    assert "battery, charged to 63 %" in text


# --- the window that cannot open ---------------------------------------------------------------------


def test_a_missing_system_library_is_named() -> None:
    error = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    sentence = _missing_for_qt(error)
    assert sentence is not None
    assert "libEGL.so.1" in sentence
    assert "make setup" in sentence


def test_a_missing_pyside_is_named() -> None:
    sentence = _missing_for_qt(ModuleNotFoundError("No module named 'PySide6'", name="PySide6.QtCore"))
    assert sentence is not None
    assert "PySide6" in sentence


def test_an_import_error_of_our_own_is_not_explained_away() -> None:
    assert _missing_for_qt(ImportError("cannot import name 'x'", name="app.ui.chat")) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_the_terminal_is_used(empty_home: Path) -> None:
    nothing = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    done = edgewise(environment=nothing)
    first, second = done.stderr.splitlines()
    assert first == "There is no display here, so the chat opens in the terminal."
    assert "standard input is empty" in second  # it is the chat that says so
    assert done.returncode == 2
    gone = edgewise(environment={**nothing, "DISPLAY": ":9875"})
    assert gone.stderr.startswith("The display :9875 does not answer, so the chat opens in the terminal.")


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_question_is_none(empty_home: Path, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chat", empty]) == USAGE
    said = capsys.readouterr().err
    assert said == 'Nothing was asked: the question is empty. Try: edgewise chat "Your question"\n'


# --- replies in words and in JSON --------------------------------------------------------------------


def answer(finished: Finished | None, *, reasoning: str = "", left_out: int = 0) -> Answer:
    metrics = GenerationMetrics.measured(
        ttft_s=0.25,
        duration_s=1.25,
        usage=finished.usage if finished else None,
        timings=finished.timings if finished else None,
    )
    return Answer("Hello", reasoning, finished, metrics, left_out)


def test_a_reply_as_json() -> None:
    finished = Finished(FinishReason.STOP, Usage(10, 11), ServerTimings(10, 200.0, 11, 900.0))
    assert as_json("Tiny", answer(finished)) == {
        "model": "Tiny",
        "text": "Hello",
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 10, "completion_tokens": 11},
        "timings": {
            "prompt_tokens": 10,
            "prompt_ms": 200.0,
            "completion_tokens": 11,
            "completion_ms": 900.0,
        },
        "ttft_s": 0.25,
        "tokens_per_second": 10.0,
    }


def test_a_stopped_reply_as_json() -> None:
    values = as_json("Tiny", answer(None, reasoning="Hm."))
    assert values["finish_reason"] == "cancelled"
    assert values["reasoning"] == "Hm."
    assert values["usage"] is values["timings"] is values["tokens_per_second"] is None


def test_the_line_below_a_reply() -> None:
    finished = Finished(FinishReason.LENGTH, Usage(10, 11))
    assert summary(answer(finished, left_out=2)) == (
        "10.0 tokens/s · first token after 250 ms · 11 tokens · "
        "cut at the longest reply or the end of the context · "
        "the oldest 2 messages no longer fit and were left out"
    )
    assert summary(answer(None)) == "first token after 250 ms · stopped"


# --- a conversation ----------------------------------------------------------------------------------


class Model:
    """A session whose model repeats the question, and says nothing to silence it."""

    name = "Tiny"
    system_prompt = ""
    context_length = 2048

    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.console = Console(self.out, self.err)
        self.source = self
        self.asked: list[list[str]] = []

    def ready(self) -> Model:
        return self

    def choices(self) -> list[str]:
        return ["* Tiny", "  Other  0.00 GB"]

    def reply(self, history: list[ChatMessage]) -> Answer:
        self.asked.append([message.content for message in history])
        if history[-1].content == "fail":
            raise EngineGone("The engine does not answer.")
        text = "" if history[-1].content == "silence" else f"re {history[-1].content}"
        return Answer(text, "", None, GenerationMetrics(None, 0.0), 0)


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Model]:
    def run(*lines: str | type[BaseException]) -> Model:
        remaining = iter(lines)

        def typed(_prompt: str) -> str:
            line = next(remaining, EOFError)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", typed)
        session = Model()
        assert Conversation(cast(ChatSession, session)).run() == 0
        assert list(remaining) == []
        return session

    return run


def test_every_question_takes_the_conversation_along(talk: Callable[..., Model]) -> None:
    assert talk("one", "", "  ", "two").asked == [["one"], ["one", "re one", "two"]]


def test_a_question_without_a_reply_is_forgotten(talk: Callable[..., Model]) -> None:
    session = talk("silence", "fail", "one")
    assert session.asked == [["silence"], ["fail"], ["one"]]
    assert session.err.getvalue() == "The engine does not answer.\n"


def test_clear_begins_anew(talk: Callable[..., Model]) -> None:
    assert talk("one", "/clear", "two").asked == [["one"], ["two"]]


def test_ctrl_c_at_the_prompt_does_not_end_it_and_quit_does(talk: Callable[..., Model]) -> None:
    assert talk(KeyboardInterrupt, "one", "/quit").asked == [["one"]]


def test_slash_commands(talk: Callable[..., Model]) -> None:
    session = talk("/help", "/model", "/system", "/system Be brief.", "/system", "/nonsense", " /no command")
    said = session.out.getvalue()
    assert "/clear" in said
    assert "  Other  0.00 GB" in said
    assert "There is no system prompt.\nBe brief.\n" in said
    assert session.err.getvalue() == "There is no command /nonsense. /help lists those there are.\n"
    assert session.asked == [["/no command"]]
    assert talk("/system X", "/system -").system_prompt == ""


def test_halves_of_characters_never_reach_an_engine(talk: Callable[..., Model]) -> None:
    assert talk("a\udcff").asked == [["a\ufffd"]]


# --- the doctor on the database ----------------------------------------------------------------------


def database_finding(paths: Paths) -> Status:
    checks = dict(Examination(paths).checks())
    return _finding("Database", checks["Database"]).status


def test_the_doctor_leaves_a_database_as_it_is(empty_home: Path) -> None:
    paths = Paths.find()
    assert database_finding(paths) is Status.OK
    assert not paths.database.exists()
    with Database.open(paths.database):
        assert database_finding(paths) is Status.OK  # beside a running window
    before = {path.name: path.read_bytes() for path in empty_home.iterdir()}
    assert database_finding(paths) is Status.OK
    assert {path.name: path.read_bytes() for path in empty_home.iterdir()} == before


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_the_doctor_sees_a_damaged_database_and_does_not_touch_it(empty_home: Path, content: bytes) -> None:
    paths = Paths.find()
    paths.database.write_bytes(content)
    assert database_finding(paths) is Status.FAILED
    assert [path.name for path in empty_home.iterdir()] == [paths.database.name]
    assert paths.database.read_bytes() == content


def test_the_doctor_sees_a_newer_database(empty_home: Path) -> None:
    paths = Paths.find()
    connection = sqlite3.connect(paths.database)
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    assert database_finding(paths) is Status.FAILED
