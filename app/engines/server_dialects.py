"""What each kind of attached server takes beyond OpenAI's own parameters.

A parameter that a server does not know is not sent: some ignore it in silence, others refuse the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.domain.attached import ServerKind
from app.engines.llama_cpp import LlamaCpp
from app.engines.openai_client import Dialect
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.vllm import Vllm

_OPENAI = Dialect()


def _attached(dialect: Dialect) -> Dialect:
    """`dialect` for a server of any age: what keeps a request out of the prompt cache came late everywhere,
    and TensorRT-LLM refuses a field that it does not know."""
    return replace(dialect, uncached={})


DIALECTS: Mapping[ServerKind, Dialect] = {
    ServerKind.LLAMA_CPP: _attached(LlamaCpp.dialect),
    ServerKind.EDGEWISE: _attached(LlamaCpp.dialect),
    ServerKind.VLLM: _attached(Vllm.dialect),
    ServerKind.SGLANG: _attached(SGLang.dialect),
    ServerKind.TENSORRT_LLM: _attached(TensorRtLlm.dialect),
    # lmstudio.ai/docs/developer/openai-compat/chat-completions: supported payload parameters
    ServerKind.LM_STUDIO: Dialect(
        parameters={**_OPENAI.parameters, "top_k": "top_k", "repeat_penalty": "repeat_penalty"}
    ),
    # docs.ollama.com/api/openai-compatibility: supported request fields
    ServerKind.OLLAMA: _OPENAI,
    # text-generation-inference 3: router/src/chat.rs
    ServerKind.TGI: _OPENAI,
    ServerKind.UNKNOWN: _OPENAI,
}
