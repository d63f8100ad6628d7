"""Chats as `app.advisor.export` takes them: with all that is known of where their model can be had.

No Qt here. `exported_model` reads headers: call it from a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.advisor.export import Chat, Model
from app.domain.attached import AttachedServer, ServerKind
from app.domain.conversation import Conversation, Message
from app.domain.generation import ChatMessage, Role
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_on_gpu import LlamaCppCuda, LlamaCppVulkan
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.transformers import Transformers
from app.engines.vllm import Vllm
from app.models import catalog
from app.models.library import display_name
from app.services.model_forms import forms

_BUILDS = (LlamaCppCuda.id, LlamaCppVulkan.id)
"""Whoever runs a program that is written here has llama.cpp in the build for their own machine."""
_ENGINES = {
    ServerKind.LLAMA_CPP: LlamaCpp.id,
    ServerKind.EDGEWISE: LlamaCpp.id,
    ServerKind.VLLM: Vllm.id,
    ServerKind.SGLANG: SGLang.id,
    ServerKind.TENSORRT_LLM: TensorRtLlm.id,
}
"""Servers that take the parameters of an engine, to that engine's id."""


def exported_model(
    model: LocalModel,
    library: Sequence[LocalModel],
    *,
    engine_id: str | None = None,
    context_length: int | None = None,
) -> Model:
    """`model` with its other forms in `library`, and the repositories of the catalog's model of its name.

    `engine_id` None is the engine that takes its format by default. Blocks.
    """
    family = forms([model, *(one for one in library if one != model)]).of(model)
    others = [form.model for form in family.forms if form.model != model] if family else []
    known = catalog.find(display_name(model.name)[0])
    if engine_id in _BUILDS:
        engine_id = LlamaCpp.id
    return Model(
        name=model.name,
        forms=(model, *others),
        repository=known.original if known else "",
        gguf_repository=known.repository if known else "",
        engine_id=engine_id or (LlamaCpp.id if model.format is Format.GGUF else Transformers.id),
        context_length=context_length,
    )


def served_model(server: AttachedServer, name: str) -> Model:
    """The model that an attached server calls `name`."""
    return Model(
        name=name,
        engine_id=_ENGINES.get(server.facts.kind, server.id),
        base_url=server.address.url,
        served_name=name,
    )


def exported_chat(conversation: Conversation, path: Iterable[Message], model: Model) -> Chat:
    """The conversation with the messages of its path; replies of which nothing came are left out."""
    said = [
        ChatMessage(message.role, message.text)
        for message in path
        if message.role is not Role.SYSTEM and message.text
    ]
    return Chat(model, said, conversation.system_prompt, conversation.params)
