"""`edgewise export` with chats, models and servers as they are stored."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.advisor.export import CannotExport, Move, Target
from app.cli import export as command
from app.cli.command_line import OK
from app.domain.errors import ModelFileError, StorageError
from app.domain.generation import Role, SamplingParams
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths

PARAMS = SamplingParams(temperature=0.5, seed=4)


def run(*arguments: str) -> int:
    """The command as the command line would run it."""
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return command.run(parser.parse_args(["export", *arguments]))


def messages(text: str) -> Any:
    """What the program asks."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MESSAGES":
            return ast.literal_eval(node.value)
    raise AssertionError("no messages")


@pytest.fixture
def stored(edgewise_home: Path) -> Iterator[Conversations]:
    with Database.open(Paths.find().database) as database:
        yield Conversations(database)


def chat(stored: Conversations, question: str, model: str | None = None, engine: str | None = None) -> int:
    """A conversation of one question and its reply."""
    made = stored.create("Be brief.", PARAMS, model, engine).result()
    asked = stored.append(made.id, Role.USER, question, parent_id=None).result()
    stored.append(made.id, Role.ASSISTANT, "", parent_id=asked.id).result()
    return made.id


def test_the_command_line_names_every_target_and_every_move() -> None:
    assert set(command.TARGETS) == set(Target)
    assert set(command.MOVES) == set(Move)


def test_the_last_chat_with_its_model_and_parameters(
    stored: Conversations, starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = chat(stored, "Who are you?")
    chat(stored, "What is it?", starter_model.stem, "llama_cpp")
    assert run("--target", "llama_cpp") == OK
    text = capsys.readouterr().out
    expected = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is it?"}]
    assert messages(text) == expected
    assert starter_model.name in text
    assert '"temperature": 0.5' in text
    assert '"seed": 4' in text
    assert run("--target", "vllm", "--conversation", str(first)) == OK
    assert messages(capsys.readouterr().out)[1]["content"] == "Who are you?"


def test_a_question_in_the_place_of_a_chat_begins_no_database(
    edgewise_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--target", "vllm", "--prompt", "Hello\x1b[2J", "--system", "Brief.", "--json") == OK
    code = json.loads(capsys.readouterr().out)
    assert [it["content"] for it in messages(code["text"])] == ["Brief.", "Hello\x1b[2J"]
    assert (code["language"], code["file_name"]) == ("python", "chat_vllm.py")
    assert code["requirements"]
    # The catalog knows where the original of the starter model is.
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in code["text"]
    assert not Paths.find().database.exists()


def test_without_any_model_it_is_for_the_smallest_of_the_catalog(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--target", "llama_cpp", "--prompt", "Hello")
    assert "bartowski/SmolLM2-135M-Instruct-GGUF" in capsys.readouterr().out


def test_what_goes_to_a_terminal_has_nothing_that_it_obeys(
    edgewise_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in Target:
        run("--target", target, "--prompt", "\x1b[2J\u202e\x9b", "--system", "\x07")
        assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_a_schema_and_an_expression(
    edgewise_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}', encoding="utf-8")
    run("--target", "sglang", "--prompt", "Hello", "--schema", str(schema))
    assert 'SCHEMA = {"type": "object"}' in capsys.readouterr().out
    run("--target", "sglang", "--prompt", "Hello", "--regex", "a+")
    assert 'REGEX = "a+"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", [b"[]", b"{", b"\xff\xfe\xfd", b'{"a": NaN}', b"[" * 100_000, b"1" * 5000]
)
def test_what_is_no_schema_is_refused(edgewise_home: Path, tmp_path: Path, content: bytes) -> None:
    schema = tmp_path / "schema.json"
    schema.write_bytes(content)
    with pytest.raises(CannotExport):
        run("--target", "vllm", "--prompt", "Hello", "--schema", str(schema))


def test_a_schema_that_is_not_there_or_too_large_is_refused(edgewise_home: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotExport, match="cannot be read"):
        run("--target", "vllm", "--prompt", "Hello", "--schema", str(tmp_path / "none.json"))
    large = tmp_path / "large.json"
    large.write_bytes(b'"' + b"a" * (1 << 20) + b'"')
    with pytest.raises(CannotExport, match="larger"):
        run("--target", "vllm", "--prompt", "Hello", "--schema", str(large))


def test_a_file_holds_the_code_and_nothing_else_does(
    edgewise_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "chat.py"
    run("--target", "transformers", "--prompt", "Hällo", "--output", str(file))
    assert messages(file.read_text(encoding="utf-8"))[-1]["content"] == "Hällo"
    said = capsys.readouterr()
    assert said.out == ""
    assert str(file) in said.err
    with pytest.raises(StorageError, match="could not be written"):
        run("--target", "curl", "--prompt", "Hello", "--output", str(tmp_path / "none" / "chat.sh"))


def test_a_chat_that_is_not_there_is_told(edgewise_home: Path) -> None:
    with pytest.raises(CannotExport, match="no chat yet"):
        run("--target", "vllm")
    assert not Paths.find().database.exists()


@pytest.mark.parametrize("wanted", ["last", "999", "x", "²"])
def test_there_is_no_such_chat(stored: Conversations, wanted: str) -> None:
    if wanted != "last":
        chat(stored, "Hello")
    with pytest.raises(CannotExport, match="There is no chat"):
        run("--target", "vllm", "--conversation", wanted)


def test_a_model_that_is_gone_is_named_and_to_be_filled_in(
    stored: Conversations, capsys: pytest.CaptureFixture[str]
) -> None:
    chat(stored, "Hello", "A model that was deleted", "attached:7")
    run("--target", "vllm", "--json")
    code = json.loads(capsys.readouterr().out)
    assert "OWNER/MODEL" in code["text"]
    assert any("A model that was deleted" in note for note in code["notes"])
    with pytest.raises(ModelFileError):
        run("--target", "vllm", "--model", "no such model")


def test_a_move_is_shown_and_its_end_kept(
    edgewise_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--migration", "hf-to-vllm")
    text = capsys.readouterr().out
    compile(text, "both", "exec", dont_inherit=True)
    assert (
        text.index("from transformers import")
        < text.index("# What changes:")
        < text.index("from vllm import")
    )
    file = tmp_path / "after.sh"
    run("--migration", "hf-to-llama-cpp", "--model", "SmolLM2", "--output", str(file), "--json")
    moved = json.loads(capsys.readouterr().out)
    assert moved["after"]["text"] == file.read_text(encoding="utf-8")
    assert moved["changes"]
