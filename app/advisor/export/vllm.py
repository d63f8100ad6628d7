"""Programs for vLLM 0.33, which computes in the program itself (`LLM.chat`)."""

from __future__ import annotations

from app.advisor.export import versions
from app.advisor.export.literals import python_call
from app.advisor.export.parameters import in_process
from app.advisor.export.program import SCHEMA, Loaded, Parts, Plan
from app.advisor.export.values import Target
from app.domain.generation import SamplingParams

SHARE = 0.9
"""Of the GPU's memory, for all models of a program together; vLLM's own default for one is 0.92."""

_LOAD = """def load(path, **options):
    return LLM(model=path, **options)"""
_REPLY = """def reply(model, messages, sampling):
    return model.chat(messages, sampling, use_tqdm=False)[0].outputs[0].text"""


def parts(plan: Plan) -> Parts:
    """What a program for vLLM has of its own."""
    imports = ["from vllm import LLM, SamplingParams"]
    if plan.form:
        imports.append("from vllm.sampling_params import StructuredOutputsParams")
    return Parts(
        requirements=(versions.VLLM,),
        imports=imports,
        functions=[_LOAD, _REPLY],
        loads=[_load(one, plan) for one in plan.loaded],
        sampling=[_sampling(params, plan) for params in plan.params],
        form_name=plan.form,
        form=plan.form_value,
    )


def _load(one: Loaded, plan: Plan) -> str:
    options = ""
    if one.model.context_length is not None:
        options += f", max_model_len={one.model.context_length}"
    if len(plan.loaded) > 1:
        options += f", gpu_memory_utilization={share(len(plan.loaded))}"
    return f"load({one.constant}{options})"


def _sampling(params: SamplingParams, plan: Plan) -> list[str]:
    values = {name: repr(value) for name, value in in_process(params, Target.VLLM).items()}
    if plan.form:
        what = "json" if plan.form == SCHEMA else "regex"
        values["structured_outputs"] = f"StructuredOutputsParams({what}={plan.form})"
    return ["sampling = " + python_call("SamplingParams", values, used=len("sampling = "))]


def share(models: int) -> float:
    """The part of a GPU's memory that each of so many models may take."""
    return int(SHARE / models * 100) / 100
