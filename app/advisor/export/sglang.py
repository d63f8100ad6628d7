"""Programs for SGLang 0.5, which computes in the program itself (`Engine.generate`)."""

from __future__ import annotations

from app.advisor.export import versions
from app.advisor.export.literals import python_dict
from app.advisor.export.parameters import in_process
from app.advisor.export.program import SCHEMA, Loaded, Parts, Plan
from app.advisor.export.values import Target
from app.advisor.export.vllm import share
from app.domain.generation import SamplingParams

_LOAD = """def load(path, **options):
    return AutoTokenizer.from_pretrained(path), sglang.Engine(model_path=path, **options)"""
_REPLY = """def reply(loaded, messages, sampling):
    tokenizer, engine = loaded
    # As tokens: of a text, the first token of the template would be added once more.
    tokens = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    return engine.generate(input_ids=tokens, sampling_params=sampling)["text"]"""


def parts(plan: Plan) -> Parts:
    """What a program for SGLang has of its own."""
    return Parts(
        requirements=(versions.SGLANG,),
        imports=["import sglang", "from transformers import AutoTokenizer"],
        functions=[_LOAD, _REPLY],
        loads=[_load(one, plan) for one in plan.loaded],
        sampling=[_sampling(params, plan) for params in plan.params],
        form_name=plan.form,
        form=plan.form_value,
    )


def _load(one: Loaded, plan: Plan) -> str:
    options = ""
    if one.model.context_length is not None:
        options += f", context_length={one.model.context_length}"
    if len(plan.loaded) > 1:
        options += f", mem_fraction_static={share(len(plan.loaded))}"
    if any(params.seed is not None for params in plan.params):
        options += ", enable_deterministic_inference=True"
    return f"load({one.constant}{options})"


def _sampling(params: SamplingParams, plan: Plan) -> list[str]:
    values = {name: repr(value) for name, value in in_process(params, Target.SGLANG).items()}
    if plan.form == SCHEMA:
        values["json_schema"] = "json.dumps(SCHEMA)"
    elif plan.form:
        values["regex"] = plan.form
    return ["sampling = " + python_dict(values, used=len("sampling = "))]
