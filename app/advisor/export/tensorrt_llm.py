"""Programs for TensorRT-LLM 1.2, which computes in the program itself (`LLM.generate`)."""

from __future__ import annotations

from app.advisor.export import versions
from app.advisor.export.literals import python_call
from app.advisor.export.parameters import in_process
from app.advisor.export.program import SCHEMA, Loaded, Parts, Plan
from app.advisor.export.values import Target
from app.advisor.export.vllm import share
from app.domain.generation import SamplingParams

_LOAD = """def load(path, **options):
    return AutoTokenizer.from_pretrained(path), LLM(model=path, **options)"""
_REPLY = """def reply(loaded, messages, sampling):
    tokenizer, llm = loaded
    # As tokens: of a text, the first token of the template would be added once more.
    tokens = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    return llm.generate({"prompt_token_ids": tokens}, sampling, use_tqdm=False).outputs[0].text"""


def parts(plan: Plan) -> Parts:
    """What a program for TensorRT-LLM has of its own."""
    names = [
        *(["GuidedDecodingParams"] if plan.form else []),
        *(["KvCacheConfig"] if len(plan.loaded) > 1 else []),
    ]
    return Parts(
        requirements=(versions.TENSORRT_LLM,),
        imports=[
            "from tensorrt_llm import LLM, SamplingParams",
            *([f"from tensorrt_llm.llmapi import {', '.join(names)}"] if names else []),
            "from transformers import AutoTokenizer",
        ],
        functions=[_LOAD, _REPLY],
        loads=[_load(one, plan) for one in plan.loaded],
        sampling=[_sampling(params, plan) for params in plan.params],
        form_name=plan.form,
        form=plan.form_value,
    )


def _load(one: Loaded, plan: Plan) -> str:
    options = ""
    if one.model.context_length is not None:
        options += f", max_seq_len={one.model.context_length}"
    if len(plan.loaded) > 1:
        # Unlike vLLM's, a share of what is free by then; the first model shall leave some of it.
        fraction = share(len(plan.loaded))
        options += f", kv_cache_config=KvCacheConfig(free_gpu_memory_fraction={fraction})"
    if plan.form:
        options += ', guided_decoding_backend="xgrammar"'
    return f"load({one.constant}{options})"


def _sampling(params: SamplingParams, plan: Plan) -> list[str]:
    values = {name: repr(value) for name, value in in_process(params, Target.TENSORRT_LLM).items()}
    if plan.form:
        what = "json" if plan.form == SCHEMA else "regex"
        values["guided_decoding"] = f"GuidedDecodingParams({what}={plan.form})"
    return ["sampling = " + python_call("SamplingParams", values, used=len("sampling = "))]
