"""Code as it is exported, run: by llama.cpp and curl in `make test`; by Transformers, vLLM and LangChain,
which are slow to install, in `make test-engines`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.advisor.export import (
    Chat,
    Code,
    Exportable,
    Model,
    Move,
    Pipeline,
    Step,
    StructuredOutput,
    Target,
    export,
    migration,
    versions,
)
from app.domain.generation import ChatMessage, Role, SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_programs import find_program
from app.engines.loaded_model import LoadedModel
from app.engines.uv_program import find_uv, source_options, uv_environment
from tests.engines.environments import ROOT
from tests.engines.real_engines import environment
from tests.engines.test_conversion import converter

LIMIT_S = 600
CONTEXT = 1024
DATE = r"\d{4}-(0[1-9]|1[0-2])-[0-3]\d"
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}
"""Bounded, so that no small model talks until its context is full."""
SHORT = SamplingParams(seed=3, max_tokens=24)
KINDS = ("chat", "schema", "regex", "pipeline")
posix = pytest.mark.skipif(os.name == "nt", reason="bash")


@pytest.fixture(scope="module")
def gguf(starter_model):
    """The model as a file, under a name that no language likes."""
    return LocalModel("SmolLM2 “klein” 家", starter_model, starter_model.stat().st_size)


@pytest.fixture(scope="module")
def folder(starter_safetensors):
    return LocalModel("SmolLM2", starter_safetensors, 1, format=Format.SAFETENSORS)


@pytest.fixture(scope="module")
def server(gguf, tmp_path_factory):
    """A llama-server with the model; its address and its key."""
    logs = tmp_path_factory.mktemp("Protokolle 家")
    loaded = LoadedModel.load(LlamaCpp(), gguf, LoadOptions(CONTEXT, 1), logs=logs)
    yield loaded
    loaded.stop()


def thing_of(kind: str, model: Model) -> Exportable:
    """One of each kind, about that model."""
    if kind == "pipeline":
        first = Step("noun", "Name one thing found in {place}.", model, "You are brief.", SHORT)
        return Pipeline(
            [first, Step("line", "Describe {noun}.", model, params=SHORT)], {"place": "a harbour"}
        )
    if kind == "chat":
        said = [
            ChatMessage(Role.USER, "My name is \"Zoë\".\n\t`$(false)` '''"),
            ChatMessage(Role.ASSISTANT, "Hello, Zoë."),
            ChatMessage(Role.USER, "What is a lighthouse?"),
        ]
        return Chat(model, said, "You are brief.", SHORT)
    limit = SamplingParams(seed=3, max_tokens=200)
    chat = Chat(model, [ChatMessage(Role.USER, "Describe a person.")], params=limit)
    return StructuredOutput(chat, schema=SCHEMA) if kind == "schema" else StructuredOutput(chat, regex=DATE)


def run(command: list[str | Path], code: Code, folder: Path, **variables: str) -> str:
    """What the program writes to standard output."""
    program = folder / code.file_name
    program.write_text(code.text, encoding="utf-8", newline="\n")
    result = subprocess.run(
        [*command, program],
        cwd=folder,
        env={**os.environ, "PYTHONUTF8": "1", "HF_HUB_OFFLINE": "1", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def check(kind: str, written: str, *, limits: bool = True) -> None:
    """That it is what the kind promises; `limits` says that numbers are held to theirs."""
    last = written.strip().split("\n")
    if kind == "schema":
        value = json.loads(written)
        assert set(value) == {"name", "age"}
        assert isinstance(value["name"], str)
        assert isinstance(value["age"], int)
        assert not limits or value["age"] in range(100)
    elif kind == "regex":
        assert re.fullmatch(DATE, last[-1])
    else:
        assert re.search("[A-Za-z]{2}", written)


@pytest.mark.parametrize("kind", KINDS)
def test_llama_cpp_in_the_program(kind, gguf, tmp_path):
    model = Model(gguf.name, (gguf,), engine_id="llama_cpp", context_length=CONTEXT)
    code = export(thing_of(kind, model), Target.LLAMA_CPP)
    check(kind, run([sys.executable], code, tmp_path), limits=False)
    assert (kind == "schema") == any("limits of numbers" in note for note in code.notes)


def served(server, gguf) -> Model:
    return Model(
        gguf.name, (gguf,), engine_id="llama_cpp", base_url=f"http://127.0.0.1:{server.address.port}/v1"
    )


@posix
@pytest.mark.parametrize("kind", KINDS)
def test_curl(kind, server, gguf, tmp_path):
    if kind == "pipeline" and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    code = export(thing_of(kind, served(server, gguf)), Target.CURL)
    written = run(["bash"], code, tmp_path, OPENAI_API_KEY=server.address.api_key)
    if kind != "pipeline":
        answer = json.loads(written)
        assert answer["usage"]["completion_tokens"] > 0
        written = answer["choices"][0]["message"]["content"]
    check(kind, written)


@posix
def test_curl_fails_where_the_server_refuses(server, gguf, tmp_path):
    code = export(thing_of("chat", served(server, gguf)), Target.CURL)
    (tmp_path / "chat.sh").write_text(code.text, encoding="utf-8")
    result = subprocess.run(
        ["bash", tmp_path / "chat.sh"],
        env={**os.environ, "OPENAI_API_KEY": "wrong"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 22
    assert b"401" in result.stderr


@posix
def test_the_command_that_is_told_starts_such_a_server(gguf, tmp_path):
    model = Model(gguf.name, (gguf,), engine_id="llama_cpp", context_length=CONTEXT)
    text = export(thing_of("chat", model), Target.CURL).text
    command = next(line for line in text.split("\n") if "llama-server" in line).removeprefix("#   ")
    bin_folder = find_program("llama-server").parent
    result = subprocess.run(
        ["bash", "-c", f"{command} --version"],
        env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr  # options that it does not know end it before


def install(where: Path, *arguments: str | Path) -> None:
    """What pip is to install, unless it is there whole."""
    if not (where / "whole").exists():
        subprocess.run(
            [find_uv(), "pip", "install", "--quiet", *source_options(None), *arguments],
            env=uv_environment(ROOT / ".cache", ROOT / ".pythons", from_folder=False),
            check=True,
            timeout=LIMIT_S,
        )
        (where / "whole").touch()


@pytest.fixture(scope="module")
def langchain_python() -> Path:
    """An environment with LangChain, made once: a hundred megabytes that nothing else here needs."""
    where = ROOT.parent / "langchain" / "-".join(versions.LANGCHAIN)
    python = where / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (where / "whole").exists():
        command: list[str | Path] = [
            find_uv(),
            "venv",
            "--clear",
            "--quiet",
            "--python",
            sys.executable,
            where,
        ]
        subprocess.run(command, check=True, timeout=LIMIT_S)
    install(where, "--python", python, *versions.LANGCHAIN)
    return python


@pytest.mark.installed_engines
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_langchain(kind, server, gguf, langchain_python, tmp_path):
    code = export(thing_of(kind, served(server, gguf)), Target.LANGCHAIN)
    check(kind, run([langchain_python], code, tmp_path, OPENAI_API_KEY=server.address.api_key))


@pytest.fixture(scope="module")
def outlines() -> str:
    """A folder with Outlines beside Transformers' environment, made once."""
    where = ROOT.parent / "outlines" / versions.OUTLINES
    install(where, "--python", environment("transformers").python(), "--target", where, versions.OUTLINES)
    return str(where)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.installed_engines
@pytest.mark.timeout(900)
def test_transformers(kind, folder, outlines, tmp_path):
    model = Model(folder.name, (folder,), engine_id="transformers")
    code = export(thing_of(kind, model), Target.TRANSFORMERS)
    path = outlines if kind in ("schema", "regex") else ""
    check(kind, run([environment("transformers").python()], code, tmp_path, PYTHONPATH=path))


@pytest.mark.installed_engines
@pytest.mark.timeout(900)
def test_transformers_with_a_gguf(gguf, tmp_path):
    code = export(thing_of("chat", Model(gguf.name, (gguf,))), Target.TRANSFORMERS)
    check("chat", run([environment("transformers").python()], code, tmp_path))


@pytest.mark.skipif(sys.platform != "linux", reason="vLLM is for Linux")
@pytest.mark.parametrize("kind", ["schema", "pipeline"])  # it starts anew, and compiles, for each
@pytest.mark.installed_engines
@pytest.mark.timeout(1800)
def test_vllm(kind, folder, tmp_path):
    model = Model(folder.name, (folder,), engine_id="vllm", context_length=CONTEXT)
    code = export(thing_of(kind, model), Target.VLLM)
    python = environment("vllm").python()
    # The first keeps its log out of what is written; the others its CPU build wants to be told.
    cpu = {
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    check(kind, run([python], code, tmp_path, **cpu))


@posix
@pytest.mark.installed_engines
@pytest.mark.timeout(900)
def test_the_move_to_llama_cpp(folder, tmp_path):
    code = migration(Move.HF_TO_LLAMA_CPP, Model(folder.name, (folder,))).after
    programs = [converter().python().parent, find_program("llama-quantize").parent]
    path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
    written = run(["bash"], code, tmp_path, PATH=path)
    assert (tmp_path / "model-Q4_K_M.gguf").stat().st_size < (tmp_path / "model-f16.gguf").stat().st_size / 2
    assert re.search("> Hello\n+.*[A-Za-z]{2}", written)
