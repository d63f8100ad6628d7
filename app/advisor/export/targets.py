"""The engines that compute in the program itself, each with what a program for it has of its own."""

from __future__ import annotations

from collections.abc import Callable

from app.advisor.export import llama_cpp, sglang, tensorrt_llm, transformers, vllm
from app.advisor.export.program import Parts, Plan
from app.advisor.export.values import Target

IN_PROCESS: dict[Target, Callable[[Plan], Parts]] = {
    Target.TRANSFORMERS: transformers.parts,
    Target.VLLM: vllm.parts,
    Target.LLAMA_CPP: llama_cpp.parts,
    Target.SGLANG: sglang.parts,
    Target.TENSORRT_LLM: tensorrt_llm.parts,
}
