"""What each kind of attached server takes beyond OpenAI's own parameters.

A parameter that a server does not know is not sent: some ignore it in silence, others refuse the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.attached import ServerKind
from app.engines.llama_cpp import LlamaCpp
from app.engines.openai_client import Dialect

_OPENAI = Dialect()
_PYTORCH = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "repeat_penalty": "repetition_penalty",
    "max_tokens": "max_tokens",
    "seed": "seed",
}

DIALECTS: Mapping[ServerKind, Dialect] = {
    ServerKind.LLAMA_CPP: LlamaCpp.dialect,
    ServerKind.EDGEWISE: LlamaCpp.dialect,
    # vLLM 0.32: entrypoints/openai/chat_completion/protocol.py, entrypoints/serve/tokenize/protocol.py
    ServerKind.VLLM: Dialect(parameters=_PYTORCH, count_path="/tokenize"),
    # SGLang 0.5: srt/entrypoints/openai/protocol.py; its /tokenize takes a text, not messages
    ServerKind.SGLANG: Dialect(parameters=_PYTORCH),
    # TensorRT-LLM 1.x: tensorrt_llm/serve/openai_protocol.py, which refuses what it does not know
    ServerKind.TENSORRT_LLM: Dialect(parameters=_PYTORCH),
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
