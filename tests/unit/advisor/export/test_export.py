"""Every target with every kind: what is written is a program, and says what it was given."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.advisor.export import (
    CannotExport,
    Chat,
    Code,
    Exportable,
    Model,
    Pipeline,
    Step,
    StructuredOutput,
    Target,
    export,
    versions,
)
from app.domain.generation import ChatMessage, Role, SamplingParams
from app.engines.pins import pins
from tests.unit.advisor.export.made import FOLDER, GGUF, HERE, ON_HUB, SCHEMA, asked, kinds

IN_PROCESS = [it for it in Target if it not in (Target.CURL, Target.LANGCHAIN)]
PYTHON = [it for it in Target if it is not Target.CURL]
HOSTILE = (
    "\"\"\"\n'''\\",
    "$(touch /tmp/x) `id` ${HOME} !! \\",
    "\x1b[2J\r\n\u2028\u202e\ud800\U000e0001\0",
    "JSON\nJSON\n",
    "{values} {0} %s {{ \\(1)",
    "'\"'\"'\nmain()\n",
)
EVIL = st.text(st.characters())
needs_bash = pytest.mark.skipif(os.name == "nt", reason="bash")


def constants(code: Code) -> dict[str, Any]:
    """The values that stand in capitals."""
    tree = ast.parse(code.text)
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def call(code: Code, name: str, number: int = 0) -> dict[str, Any]:
    """The keyword arguments of a call that are literals, the others as code."""
    calls = [
        node
        for node in ast.walk(ast.parse(code.text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    return {keyword.arg or "**": _value(keyword.value) for keyword in calls[number].keywords}


def sampling(code: Code) -> dict[str, Any]:
    """What is assigned to `sampling` first in `main`."""
    for node in ast.walk(ast.parse(code.text)):
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            for one in node.body:
                if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "sampling":
                    if isinstance(one.value, ast.Call):
                        return {keyword.arg or "": _value(keyword.value) for keyword in one.value.keywords}
                    assert isinstance(one.value, ast.Dict)
                    keys = [ast.literal_eval(key) for key in one.value.keys if key is not None]
                    return dict(zip(keys, map(_value, one.value.values), strict=True))
    raise AssertionError("no sampling")


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def run_bash(script: str, curl: str = 'cat; echo "{}"') -> str:
    """What the script writes, with that in the place of curl."""
    result = subprocess.run(
        ["bash"],
        input=f"curl() {{ {curl}; }}\n{script}".encode("utf-8", "surrogatepass"),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert result.stderr == b""
    return result.stdout.decode()


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize("kind", kinds())
def test_what_is_written_is_a_program(target: Target, kind: str) -> None:
    code = export(kinds()[kind], target)
    if code.language == "python":
        compile(code.text, code.file_name, "exec", dont_inherit=True)
        assert code.file_name.endswith(".py")
    else:
        assert code.language == "bash"
        assert code.file_name.endswith(".sh")
        if os.name != "nt":
            subprocess.run(["bash", "-n"], input=code.text.encode(), check=True)
    assert max(len(line) for line in code.text.split("\n")) < 110 or target is Target.CURL
    said = " ".join(line.removeprefix("#").strip() for line in code.text.split("\n") if line.startswith("#"))
    for note in code.notes:
        assert note in said
    for requirement in code.requirements:
        assert requirement in said


@pytest.mark.parametrize("target", PYTHON)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_literal(target: Target, text: str) -> None:
    chat = Chat(HERE, [ChatMessage(Role.USER, text)], text or "x")
    assert [it["content"] for it in constants(export(chat, target))["MESSAGES"]] == [text, text]


@pytest.mark.parametrize("target", PYTHON)
@given(text=EVIL, name=EVIL)
@settings(max_examples=40)
def test_any_text_is_what_the_program_says(target: Target, text: str, name: str) -> None:
    model = replace(HERE, name=name)
    code = export(asked(text, model), target)
    assert constants(code)["MESSAGES"] == [{"role": "user", "content": text}]
    # Nothing of it became code: it is that of any other text.
    plain = export(asked("Hello", HERE), target)
    shape = [type(node) for node in ast.walk(ast.parse(plain.text))]
    pieces = [type(node) for node in ast.walk(ast.parse(code.text))]
    assert pieces == shape


@needs_bash
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[3])
@given(EVIL)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_what_curl_is_given(text: str) -> None:
    body = json.loads(run_bash(export(asked(text, replace(HERE, name=text)), Target.CURL).text, "cat"))
    assert body["messages"] == [{"role": "user", "content": text}]


@needs_bash
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq")
@pytest.mark.parametrize("text", [text.translate({0xD800: None, 0: None, ord("{"): "("}) for text in HOSTILE])
def test_any_text_goes_through_a_pipeline_of_the_shell(text: str, tmp_path: Path) -> None:
    steps = [
        Step("first", text + "{topic}" + text, HERE, system_prompt=text),
        Step("second", "{first}|{topic}", HERE),
    ]
    bodies = tmp_path / "bodies"
    # The answer is what was asked, so that it goes on into the second question.
    curl = f"tee -a {bodies} | jq '{{choices: [{{message: .messages[-1]}}]}}'"
    run_bash(export(Pipeline(steps, {"topic": text}), Target.CURL).text, curl)
    decoder = json.JSONDecoder()
    written = bodies.read_text(encoding="utf-8")
    first, end = decoder.raw_decode(written)
    second = json.loads(written[end:])
    assert [it["content"] for it in first["messages"]] == [text, text * 3]
    # $(…) takes line breaks off the end of a reply.
    assert second["messages"] == [{"role": "user", "content": f"{(text * 3).rstrip(chr(10))}|{text}"}]


@pytest.mark.parametrize("target", [*IN_PROCESS])
@given(texts=st.tuples(EVIL, EVIL, EVIL))
@settings(max_examples=25)
def test_a_pipeline_asks_what_its_templates_say(target: Target, texts: tuple[str, str, str]) -> None:
    before, after, topic = (text.replace("{", "(") for text in texts)
    steps = [Step("first", f"{before}{{topic}}{after}", HERE), Step("second", "{first}!", HERE)]
    code = export(Pipeline(steps, {"topic": topic}), target)
    # Its main alone, with a model that repeats what it is asked.
    tree = ast.parse(code.text)
    body: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"
    ]
    printed: list[str] = []
    names: dict[str, Any] = {
        "MODEL": "",
        "load": lambda *_, **__: None,
        "load_gguf": lambda *_: None,
        "SamplingParams": dict,
        "reply": lambda _, messages, __: messages[-1]["content"],
        "print": printed.append,
    }
    exec(compile(ast.Module(body, []), "main", "exec"), names)
    names["main"]()
    assert printed == [f"{before}{topic}{after}!"]


def test_langchain_templates_have_their_braces_doubled() -> None:
    code = export(kinds()["pipeline"], Target.LANGCHAIN)
    assert "'Write about {topic}, as in {{\"a\": {{}}}}.'" in code.text
    assert '"You are {{brief}}."' in code.text


PARAMS = SamplingParams(0.7, 0.9, 30, 0.02, 1.1, 64, 5)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            Target.TRANSFORMERS,
            {
                "do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 30, "min_p": 0.02,
                "repetition_penalty": 1.1, "max_new_tokens": 64,
            },
        ),
        (
            Target.VLLM,
            {
                "temperature": 0.7, "top_p": 0.9, "top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1,
                "max_tokens": 64, "seed": 5,
            },
        ),
        (
            Target.LLAMA_CPP,
            {
                "temperature": 0.7, "top_p": 0.9, "top_k": 30, "min_p": 0.02, "repeat_penalty": 1.1,
                "max_tokens": 64, "seed": 5,
            },
        ),
        (
            Target.SGLANG,
            {
                "temperature": 0.7, "top_p": 0.9, "top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1,
                "max_new_tokens": 64, "sampling_seed": 5,
            },
        ),
        (
            Target.TENSORRT_LLM,
            {
                "temperature": 0.7, "top_p": 0.9, "top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1,
                "max_tokens": 64, "seed": 5,
            },
        ),
    ],
)  # fmt: skip
def test_parameters_have_each_targets_names(target: Target, expected: dict[str, Any]) -> None:
    assert sampling(export(asked(params=PARAMS), target)) == expected


def test_transformers_seeds_and_a_reply_without_limit() -> None:
    code = export(asked(params=PARAMS), Target.TRANSFORMERS)
    assert "    set_seed(5)\n" in code.text
    assert "max_position_embeddings" not in code.text
    assert "max_position_embeddings" in export(asked(), Target.TRANSFORMERS).text


@pytest.mark.parametrize(
    ("target", "name"),
    [(Target.VLLM, "max_tokens"), (Target.SGLANG, "max_new_tokens"), (Target.TENSORRT_LLM, "max_tokens")],
)
def test_that_there_is_no_limit_is_said_where_silence_means_a_short_reply(target: Target, name: str) -> None:
    assert sampling(export(asked(), target))[name] is None


def test_the_ends_of_ranges_are_said_as_each_target_takes_them() -> None:
    every = asked(params=SamplingParams(top_k=0))
    assert sampling(export(every, Target.SGLANG))["top_k"] == -1
    assert sampling(export(every, Target.VLLM))["top_k"] == 0
    likeliest = asked(params=SamplingParams(top_p=0.0))
    for target in (Target.VLLM, Target.SGLANG, Target.TENSORRT_LLM):
        values = sampling(export(likeliest, target))
        assert (values["top_p"], values["top_k"]) == (1.0, 1)
    assert sampling(export(likeliest, Target.LLAMA_CPP))["top_p"] == 0.0
    greedy = sampling(export(asked(params=SamplingParams(temperature=0.0)), Target.TRANSFORMERS))
    assert greedy == {"do_sample": False, "repetition_penalty": 1.0}


@needs_bash
@pytest.mark.parametrize(
    ("engine", "extra"),
    [
        ("llama_cpp", {"top_k": 30, "min_p": 0.02, "repeat_penalty": 1.1}),
        ("vllm", {"top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1}),
        ("sglang", {"top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1}),
        ("tensorrt_llm", {"top_k": 30, "min_p": 0.02, "repetition_penalty": 1.1}),
        ("attached:1", {}),
    ],
)
def test_servers_are_told_in_their_own_names(engine: str, extra: dict[str, Any]) -> None:
    model = replace(HERE, engine_id=engine, base_url="https://gpu.example.org/v1", served_name="smol")
    chat = asked(params=PARAMS, model=model)
    code = export(chat, Target.CURL)
    body = json.loads(run_bash(code.text, "cat"))
    own = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 64, "seed": 5}
    assert body == {"model": "smol", "messages": [{"role": "user", "content": "Hello"}]} | own | extra
    assert "gpu.example.org" in code.text
    assert any("Top K, Min P, Repeat penalty" in note for note in code.notes) == (not extra)
    told = call(export(chat, Target.LANGCHAIN), "ChatOpenAI")
    assert told["extra_body"] == extra | {"max_tokens": 64}
    assert (told["temperature"], told["top_p"], told["seed"]) == (0.7, 0.9, 5)
    assert (told["model"], told["base_url"]) == ("smol", "https://gpu.example.org/v1")


@needs_bash
@pytest.mark.parametrize(
    ("engine", "schema", "regex"),
    [
        ("llama_cpp", None, {"grammar": "root ::= ([0-9])+\n"}),
        ("vllm", None, {"structured_outputs": {"regex": r"\d+"}}),
        ("sglang", None, {"regex": r"\d+"}),
        (
            "tensorrt_llm",
            {"response_format": {"type": "json", "schema": SCHEMA}},
            {"response_format": {"type": "regex", "regex": r"\d+"}},
        ),
    ],
)
def test_servers_are_told_of_the_form(
    engine: str, schema: dict[str, Any] | None, regex: dict[str, Any]
) -> None:
    usual = {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA},
        }
    }
    chat = asked(model=replace(HERE, engine_id=engine))
    body = json.loads(run_bash(export(StructuredOutput(chat, schema=SCHEMA), Target.CURL).text, "cat"))
    assert body.items() >= (schema or usual).items()
    body = json.loads(run_bash(export(StructuredOutput(chat, regex=r"\d+"), Target.CURL).text, "cat"))
    assert body.items() >= regex.items()
    told = call(export(StructuredOutput(chat, regex=r"\d+"), Target.LANGCHAIN), "ChatOpenAI")
    assert told["extra_body"].items() >= regex.items()


def test_the_form_of_programs() -> None:
    schema, regex = kinds()["schema"], kinds()["regex"]
    for target in (Target.VLLM, Target.LLAMA_CPP, Target.SGLANG, Target.TENSORRT_LLM, Target.LANGCHAIN):
        assert constants(export(schema, target))["SCHEMA"] == SCHEMA
    assert json.loads(constants(export(schema, Target.TRANSFORMERS))["SCHEMA"]) == SCHEMA
    for target in (Target.TRANSFORMERS, Target.VLLM, Target.SGLANG, Target.TENSORRT_LLM):
        assert constants(export(regex, target))["REGEX"] == r"\d{4}-\d\d"
    assert (
        sampling(export(schema, Target.VLLM))["structured_outputs"] == "StructuredOutputsParams(json=SCHEMA)"
    )
    assert (
        sampling(export(regex, Target.VLLM))["structured_outputs"] == "StructuredOutputsParams(regex=REGEX)"
    )
    assert sampling(export(schema, Target.SGLANG))["json_schema"] == "json.dumps(SCHEMA)"
    assert sampling(export(regex, Target.SGLANG))["regex"] == "REGEX"
    guided = sampling(export(regex, Target.TENSORRT_LLM))["guided_decoding"]
    assert guided == "GuidedDecodingParams(regex=REGEX)"


def test_each_engine_takes_the_form_of_the_model_that_it_reads() -> None:
    where = {target: constants(export(asked(), target))["MODEL"] for target in IN_PROCESS}
    folder, gguf = str(FOLDER.path), str(GGUF.path)
    assert where == {
        Target.TRANSFORMERS: folder,
        Target.VLLM: folder,
        Target.LLAMA_CPP: gguf,
        Target.SGLANG: folder,
        Target.TENSORRT_LLM: folder,
    }
    hub = {target: constants(export(asked(model=ON_HUB), target))["MODEL"] for target in IN_PROCESS}
    assert set(hub.values()) == {"owner/other", "owner/other-GGUF"}
    assert hub[Target.LLAMA_CPP] == "owner/other-GGUF"


def test_transformers_reads_a_gguf_where_there_is_nothing_else() -> None:
    code = export(asked(model=Model("SmolLM2", (GGUF,))), Target.TRANSFORMERS)
    assert constants(code)["MODEL"] == str(GGUF.path)
    assert "load_gguf(MODEL)" in code.text
    assert "def load(" not in code.text
    assert versions.GGUF in code.requirements


def test_what_has_to_be_filled_in_is_said() -> None:
    for target in (Target.VLLM, Target.LLAMA_CPP, Target.CURL):
        code = export(asked(model=Model("A\nmodel")), target)
        assert any("A model" in note and "in the place of" in note for note in code.notes)
    assert export(asked(), Target.LLAMA_CPP).notes == ()


def test_the_context_length_goes_with_the_chat() -> None:
    for target, name in [
        (Target.VLLM, "max_model_len"),
        (Target.LLAMA_CPP, "context"),
        (Target.SGLANG, "context_length"),
        (Target.TENSORRT_LLM, "max_seq_len"),
    ]:
        assert call(export(asked(), target), "load")[name] == 1024
    assert "-c 1024 " in export(asked(), Target.CURL).text


def test_two_models_share_a_gpu_and_two_servers_have_ports_of_their_own() -> None:
    two = Pipeline([Step("a", "Hi", HERE), Step("b", "{a}", replace(HERE, context_length=512))])
    assert call(export(two, Target.VLLM), "load", 1)["gpu_memory_utilization"] == 0.45
    assert call(export(two, Target.SGLANG), "load", 1)["mem_fraction_static"] == 0.45
    text = export(two, Target.CURL).text
    assert "url_1=http://127.0.0.1:8080/v1\nurl_2=http://127.0.0.1:8081/v1\n" in text
    assert "--port 8081" in text


def test_differences_are_told_where_they_matter() -> None:
    def told(params: SamplingParams, target: Target, engine: str = "llama_cpp") -> str:
        return " ".join(export(asked(params=params, model=replace(HERE, engine_id=engine)), target).notes)

    assert "temperature" in told(SamplingParams(), Target.VLLM)
    assert "temperature" not in told(SamplingParams(), Target.LLAMA_CPP)
    assert "temperature" not in told(SamplingParams(), Target.SGLANG, "vllm")
    assert "temperature" in told(SamplingParams(), Target.LLAMA_CPP, "vllm")
    assert "temperature" not in told(SamplingParams(temperature=0.0), Target.VLLM)
    assert "last 64 tokens" in told(SamplingParams(repeat_penalty=1.1), Target.VLLM)
    assert "seed" not in told(SamplingParams(), Target.VLLM)
    assert "deterministic" in told(SamplingParams(seed=1), Target.SGLANG)
    assert "enable_deterministic_inference=True" in export(asked(params=PARAMS), Target.SGLANG).text
    assert "Outlines" in " ".join(export(kinds()["schema"], Target.TRANSFORMERS).notes)


def test_the_last_reply_is_asked_for_anew() -> None:
    said = [ChatMessage(Role.USER, "Hello"), ChatMessage(Role.ASSISTANT, "Hello.")]
    code = export(Chat(HERE, said), Target.VLLM)
    assert constants(code)["MESSAGES"] == [{"role": "user", "content": "Hello"}]
    assert any("last reply" in note for note in code.notes)


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize(
    "thing",
    [
        Chat(HERE, []),
        Chat(HERE, [ChatMessage(Role.ASSISTANT, "Hello.")]),
        Pipeline([]),
        StructuredOutput(asked(), regex="("),
        StructuredOutput(asked(), schema={"a": float("inf")}),
        StructuredOutput(asked(), schema={"a": object()}),
    ],
    ids=["empty", "no question", "no steps", "no regex", "infinite", "no JSON"],
)
def test_what_cannot_be_written_is_refused(thing: Exportable, target: Target) -> None:
    with pytest.raises(CannotExport):
        export(thing, target)


def test_a_form_is_a_schema_or_an_expression() -> None:
    with pytest.raises(CannotExport):
        StructuredOutput(asked())
    with pytest.raises(CannotExport):
        StructuredOutput(asked(), schema={}, regex="a")


def test_a_regular_expression_without_a_grammar_is_refused_by_llama_cpp_alone() -> None:
    thing = StructuredOutput(asked(), regex=r"(?=a)a")
    assert r"(?=a)a" in export(thing, Target.VLLM).text
    with pytest.raises(CannotExport, match="no grammar"):
        export(thing, Target.LLAMA_CPP)


def test_a_nul_where_a_shells_word_shall_stand_is_refused() -> None:
    with pytest.raises(CannotExport, match="NUL"):
        export(Pipeline([Step("a", "{x}", HERE)], {"x": "\0"}), Target.CURL)


def pinned(engine: str) -> set[str]:
    """What any variant of the environment of `engine` is made of."""
    return {one for variant in pins()[engine].variants for one in variant.requirements}


def test_the_code_is_for_the_versions_that_are_pinned() -> None:
    """Where this fails, read what is new in that version, then write the new version there."""
    assert {*versions.TRANSFORMERS, versions.GGUF} <= pinned("transformers")
    assert versions.VLLM in pinned("vllm")
    assert versions.SGLANG in pinned("sglang")
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))
    assert versions.LLAMA_CPP_PYTHON in project["project"]["dependencies"]


HELP = Path(__file__).parents[2] / "engines" / "help"


@pytest.mark.parametrize(
    ("engine", "file"),
    [
        ("vllm", "vllm-0.32.0.txt"),
        ("sglang", "sglang-0.5.23.txt"),
        ("tensorrt_llm", "tensorrt-llm-serve.txt"),
    ],
)
def test_servers_know_the_options_that_they_are_started_with(engine: str, file: str) -> None:
    chat = asked(model=replace(HERE, engine_id=engine))
    text = export(StructuredOutput(chat, schema=SCHEMA), Target.CURL).text
    command = next(line for line in text.split("\n") if str(FOLDER.path) in line and line.startswith("#"))
    options = [word for word in command.split() if word.startswith("--")]
    known = (HELP / file).read_text(encoding="utf-8").replace(",", " ").split()
    assert len(options) >= 2
    assert set(options) <= set(known)


def test_a_gguf_on_the_hub_is_named_as_llama_cpp_takes_it() -> None:
    model = replace(ON_HUB, engine_id="llama_cpp")
    assert "llama-server -hf owner/other-GGUF --port" in export(asked(model=model), Target.CURL).text
    assert (
        'load_from_hub(MODEL, "*Q4_K_M.gguf", context=0)' in export(asked(model=model), Target.LLAMA_CPP).text
    )
    known = replace(model, gguf_file="other.Q8_0.gguf")
    text = export(asked(model=known), Target.CURL).text
    assert "-hf owner/other-GGUF -hff other.Q8_0.gguf" in text
