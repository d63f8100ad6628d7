"""Sampling parameters under the names that each target has for them.

All of them are said, neutral ones too: what a target does when it is told nothing is another thing in each.
Names and ranges in process are those of transformers 5.19 (generation/configuration_utils.py), vLLM 0.33
(sampling_params.py), llama-cpp-python 0.3.36 (llama.py), SGLang 0.5.23 (srt/sampling/sampling_params.py) and
TensorRT-LLM 1.2 (sampling_params.py); those of servers are the dialects of their adapters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.advisor.export.values import Target
from app.domain.generation import PARAMETERS, SamplingParams
from app.engines.llama_cpp import LlamaCpp
from app.engines.openai_client import Dialect
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.vllm import Vllm

Values = dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How a target takes parameters: its names for ours, and the `top_k` that keeps all tokens.

    `zero_top_p`: it takes a `top_p` of 0. `says_no_limit`: without a limit of its own a reply would be short,
    so that None has to be said.
    """

    names: Mapping[str, str]
    all_tokens: int = 0
    zero_top_p: bool = False
    says_no_limit: bool = False


_OURS = {parameter.name: parameter.name for parameter in PARAMETERS}
_IN_PROCESS = {
    Target.TRANSFORMERS: _Spelling(
        {name: name for name in ("temperature", "top_p", "top_k", "min_p")}
        | {"repeat_penalty": "repetition_penalty", "max_tokens": "max_new_tokens"},
    ),
    Target.VLLM: _Spelling(_OURS | {"repeat_penalty": "repetition_penalty"}, says_no_limit=True),
    Target.LLAMA_CPP: _Spelling(_OURS, zero_top_p=True),
    Target.SGLANG: _Spelling(
        _OURS
        | {
            "repeat_penalty": "repetition_penalty",
            "max_tokens": "max_new_tokens",
            "seed": "sampling_seed",
        },
        all_tokens=-1,
        says_no_limit=True,
    ),
    Target.TENSORRT_LLM: _Spelling(_OURS | {"repeat_penalty": "repetition_penalty"}, says_no_limit=True),
}
_SERVERS: Mapping[str, tuple[Dialect, int]] = {
    LlamaCpp.id: (LlamaCpp.dialect, 0),
    Vllm.id: (Vllm.dialect, 0),
    SGLang.id: (SGLang.dialect, -1),
    TensorRtLlm.id: (TensorRtLlm.dialect, 0),
}
_NEUTRAL = SamplingParams(temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repeat_penalty=1.0)


def in_process(params: SamplingParams, target: Target) -> Values:
    """`params` for a target that computes in the program itself."""
    return _spelled(params, _IN_PROCESS[target])


def for_server(params: SamplingParams, engine_id: str) -> Values:
    """`params` for a request to a server of that kind; one that nobody knows takes OpenAI's own alone."""
    dialect, all_tokens = _SERVERS.get(engine_id, (Dialect(), 0))
    return _spelled(params, _Spelling(dialect.parameters, all_tokens, zero_top_p=engine_id == LlamaCpp.id))


def left_out(params: SamplingParams, engine_id: str) -> list[str]:
    """Parameters that would change something and that a server of that kind does not take."""
    dialect, _ = _SERVERS.get(engine_id, (Dialect(), 0))
    return [
        parameter.name
        for parameter in PARAMETERS
        if parameter.name not in dialect.parameters
        and getattr(params, parameter.name) != getattr(_NEUTRAL, parameter.name)
    ]


def is_greedy(params: SamplingParams) -> bool:
    """Whether the likeliest token is always taken."""
    return params.temperature == 0 or params.top_k == 1 or params.top_p == 0


def _spelled(params: SamplingParams, spelling: _Spelling) -> Values:
    if params.top_p == 0 and not spelling.zero_top_p:
        params = replace(params, top_p=1.0, top_k=1)  # the likeliest token alone, said in another way
    values: Values = {}
    for ours, theirs in spelling.names.items():
        value: float | int | None = getattr(params, ours)
        if ours == "top_k" and value == 0:
            value = spelling.all_tokens
        if value is not None or (ours == "max_tokens" and spelling.says_no_limit):
            values[theirs] = value
    return values
