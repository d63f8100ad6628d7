"""What can be exported, to which target, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.errors import EdgewiseError
from app.domain.generation import ChatMessage, Role, SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel


class CannotExport(EdgewiseError):
    """There is nothing that could be written as code, or it contradicts itself."""


class Target(StrEnum):
    """What the code is written for. Where it is an engine of Edgewise, the value is the engine's id."""

    TRANSFORMERS = "transformers"
    VLLM = "vllm"
    LLAMA_CPP = "llama_cpp"
    SGLANG = "sglang"
    TENSORRT_LLM = "tensorrt_llm"
    LANGCHAIN = "langchain"
    CURL = "curl"

    @property
    def label(self) -> str:
        """Its name for reading."""
        return _LABELS[self]


_LABELS = {
    Target.TRANSFORMERS: "Transformers",
    Target.VLLM: "vLLM",
    Target.LLAMA_CPP: "llama.cpp",
    Target.SGLANG: "SGLang",
    Target.TENSORRT_LLM: "TensorRT-LLM",
    Target.LANGCHAIN: "LangChain",
    Target.CURL: "curl",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the code may name it.

    `forms` are those of this very model that lie on this machine; `repository` is the one on the hub that
    holds its safetensors, `gguf_repository` the one that holds GGUF files, of which `gguf_file` is meant (""
    where nobody knows). `engine_id` is the engine that it runs in here, `context_length` in tokens how long
    its context shall be (None: as long as the engine makes it). `base_url` is where a server of it listens,
    if one does; `served_name` what that server calls it.
    """

    name: str
    forms: tuple[LocalModel, ...] = ()
    repository: str = ""
    gguf_repository: str = ""
    gguf_file: str = ""
    engine_id: str | None = None
    context_length: int | None = None
    base_url: str = ""
    served_name: str = ""

    def form(self, fmt: Format) -> LocalModel | None:
        """The first of its forms in that format."""
        return next((form for form in self.forms if form.format is fmt), None)


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that waits for its reply. The system prompt is not among `messages`."""

    model: Model
    messages: Sequence[ChatMessage]
    system_prompt: str = ""
    params: SamplingParams = SamplingParams()

    def asked(self) -> list[ChatMessage]:
        """All that is said before the reply: what follows the last question is left out.

        Raises CannotExport where there is no question.
        """
        last = max((i for i, one in enumerate(self.messages) if one.role is Role.USER), default=None)
        if last is None:
            raise CannotExport("There is nothing to export yet: the chat has no question.")
        system = [ChatMessage(Role.SYSTEM, self.system_prompt)] if self.system_prompt.strip() else []
        return [*system, *self.messages[: last + 1]]


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """A chat whose reply is held to a JSON schema, or to a regular expression that all of it matches."""

    chat: Chat
    schema: Mapping[str, object] | None = None
    regex: str | None = None

    def __post_init__(self) -> None:
        """Raises CannotExport unless there is one of both."""
        if (self.schema is None) == (self.regex is None):
            raise CannotExport("Structured output needs a JSON schema or a regular expression, one of both.")


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a pipeline. `{word}` in `template` stands for an input or an earlier step's reply."""

    name: str
    template: str
    model: Model
    system_prompt: str = ""
    params: SamplingParams = SamplingParams()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Questions of which later ones use the replies to earlier ones. `inputs` are names with their texts."""

    steps: Sequence[Step]
    inputs: Mapping[str, str] = field(default_factory=dict)


Exportable = Chat | StructuredOutput | Pipeline


@dataclass(frozen=True, slots=True)
class Code:
    """A program. `language` is "python" or "bash"; `requirements` are what it needs, as pip takes them.

    `notes` are sentences on what differs from Edgewise, or has to be filled in; they stand in `text`, too.
    """

    language: str
    file_name: str
    text: str
    requirements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def chat_of(thing: Chat | StructuredOutput) -> Chat:
    """The chat that it is, or is about."""
    return thing.chat if isinstance(thing, StructuredOutput) else thing


def models_of(thing: Exportable) -> list[Model]:
    """The models of `thing`, each once, in the order of their use."""
    if isinstance(thing, Pipeline):
        return list(dict.fromkeys(step.model for step in thing.steps))
    return [chat_of(thing).model]


def replies_of(thing: Exportable) -> list[tuple[Model, SamplingParams]]:
    """The model and the sampling parameters of each reply, in their order."""
    if isinstance(thing, Pipeline):
        return [(step.model, step.params) for step in thing.steps]
    chat = chat_of(thing)
    return [(chat.model, chat.params)]


def as_dicts(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """Messages as OpenAI's API and chat templates have them."""
    return [{"role": message.role.value, "content": message.content} for message in messages]
