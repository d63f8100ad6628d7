"""Where the model of an exported chat can be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.domain.attached import AttachedServer, ServerFacts, ServerKind
from app.domain.conversation import Conversation, Message, MessageState
from app.domain.generation import ChatMessage, Role, SamplingParams
from app.domain.model import LocalModel
from app.domain.server_address import ServerAddress
from app.services.exporting import exported_chat, exported_model, served_model


def test_a_model_has_its_forms_and_the_repositories_of_the_catalog(
    starter_model: Path, tmp_path: Path
) -> None:
    model = LocalModel(starter_model.stem, starter_model, 1)
    copy = tmp_path / "SmolLM2-135M-Instruct.Q8_0.gguf"
    copy.symlink_to(starter_model)
    other = LocalModel(copy.stem, copy, 1)
    damaged = LocalModel("damaged", tmp_path / "none.gguf", 1)
    found = exported_model(model, [damaged, other, model], context_length=512)
    assert found.forms == (model, other)
    assert found.repository == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert found.gguf_repository == "bartowski/SmolLM2-135M-Instruct-GGUF"
    assert (found.engine_id, found.context_length) == ("llama_cpp", 512)
    assert exported_model(model, [], engine_id="vllm").engine_id == "vllm"


def test_a_model_that_the_catalog_does_not_know_has_its_file_alone(tmp_path: Path) -> None:
    model = LocalModel("Of my own", tmp_path / "own.gguf", 1)
    found = exported_model(model, [model])
    assert (found.forms, found.repository, found.gguf_repository) == ((model,), "", "")


def test_a_server_takes_the_parameters_of_the_engine_that_it_is() -> None:
    server = AttachedServer(3, "Team", ServerAddress.parse("https://gpu.example.org/v1"))
    unknown = served_model(server, "smol")
    assert (unknown.engine_id, unknown.base_url) == ("attached:3", "https://gpu.example.org/v1")
    assert unknown.served_name == "smol"
    assert served_model(replace(server, facts=ServerFacts(ServerKind.VLLM, ())), "smol").engine_id == "vllm"
    assert (
        served_model(replace(server, facts=ServerFacts(ServerKind.OLLAMA, ())), "s").engine_id == "attached:3"
    )


def test_a_conversation_goes_with_what_was_said_in_it() -> None:
    params = SamplingParams(seed=1)
    conversation = Conversation(1, "Chat", 0.0, 0.0, "Be brief.", params)
    path = [
        Message(1, None, Role.USER, "Hello", 0.0),
        Message(2, 1, Role.ASSISTANT, "", 0.0, MessageState.INTERRUPTED),
        Message(3, 2, Role.USER, "Hello?", 0.0),
    ]
    model = served_model(AttachedServer(1, "x", ServerAddress.parse("localhost:8080")), "smol")
    made = exported_chat(conversation, path, model)
    assert made.messages == [ChatMessage(Role.USER, "Hello"), ChatMessage(Role.USER, "Hello?")]
    assert (made.system_prompt, made.params, made.model) == ("Be brief.", params, model)
