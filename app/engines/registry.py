"""The engines there are. A new one is one adapter in a file of its own, and one line here."""

from __future__ import annotations

from app.engines.base import EngineAdapter
from app.engines.environment import Environments
from app.engines.llama_cpp import LlamaCpp
from app.engines.llama_cpp_on_gpu import LlamaCppCuda, LlamaCppVulkan
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.transformers import Transformers
from app.engines.vllm import Vllm


def adapters(environments: Environments) -> tuple[EngineAdapter, ...]:
    """Every engine that Edgewise can start, in the order they are shown in; attached servers are others'."""
    return (
        LlamaCpp(),
        LlamaCppCuda(environments.of("llama_cpp_cuda")),
        LlamaCppVulkan(environments.of("llama_cpp_vulkan")),
        Transformers(environments.of("transformers")),
        Vllm(environments.of("vllm")),
        SGLang(environments.of("sglang")),
        TensorRtLlm(),
    )
