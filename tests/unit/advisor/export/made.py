"""Things to export, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

from app.advisor.export import Chat, Exportable, Model, Pipeline, Step, StructuredOutput
from app.domain.generation import ChatMessage, Role, SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel

GGUF = LocalModel("SmolLM2", Path("/models/Zoë’s models/smol.gguf"), 1)
FOLDER = LocalModel("SmolLM2", Path("/models/smol"), 1, format=Format.SAFETENSORS)
HERE = Model("SmolLM2", (GGUF, FOLDER), engine_id="llama_cpp", context_length=1024)
ON_HUB = Model("Other 1B", repository="owner/other", gguf_repository="owner/other-GGUF", engine_id="vllm")
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "alive": {"const": True}},
    "required": ["name", "age"],
}


def asked(text: str = "Hello", model: Model = HERE, params: SamplingParams = SamplingParams()) -> Chat:
    """A chat of one question."""
    return Chat(model, [ChatMessage(Role.USER, text)], "", params)


def kinds() -> dict[str, Exportable]:
    """One of each."""
    haiku = Step("haiku", 'Write about {topic}, as in {"a": {}}.', HERE, "You are {brief}.")
    return {
        "chat": Chat(
            HERE,
            [
                ChatMessage(Role.USER, "Hello"),
                ChatMessage(Role.ASSISTANT, "Hello."),
                ChatMessage(Role.USER, "And?\nIn two lines."),
            ],
            "You are brief.",
            SamplingParams(seed=7, max_tokens=30, repeat_penalty=1.1),
        ),
        "schema": StructuredOutput(asked(), schema=SCHEMA),
        "regex": StructuredOutput(asked(), regex=r"\d{4}-\d\d"),
        "pipeline": Pipeline(
            [haiku, Step("title", "A title for {haiku} on {topic}", HERE)], {"topic": "the sea"}
        ),
        "two models": Pipeline([haiku, Step("title", "A title for {haiku}", ON_HUB)], {"topic": "the sea"}),
        "nowhere": asked(model=Model("Unknown")),
        "greedy": asked(params=SamplingParams(temperature=0.0)),
        "zero top p": asked(params=SamplingParams(top_p=0.0, top_k=0)),
    }
