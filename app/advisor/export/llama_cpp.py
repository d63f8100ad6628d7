"""Programs for llama.cpp through its Python package, llama-cpp-python 0.3."""

from __future__ import annotations

from app.advisor.export import versions
from app.advisor.export.literals import python_dict, python_text
from app.advisor.export.parameters import in_process
from app.advisor.export.program import REGEX, SCHEMA, Loaded, Parts, Plan
from app.advisor.export.regex_grammar import grammar_of
from app.advisor.export.sources import Kind
from app.advisor.export.values import Target
from app.domain.generation import SamplingParams

_LOAD = """def load(path, context):
    return Llama(model_path=path, n_ctx=context, n_gpu_layers=-1, verbose=False)"""
_LOAD_FROM_HUB = """def load_from_hub(repository, file, context):
    return Llama.from_pretrained(
        repo_id=repository, filename=file, n_ctx=context, n_gpu_layers=-1, verbose=False
    )"""
_REPLY = """def reply(model, messages, sampling):
    return model.create_chat_completion(messages, **sampling)["choices"][0]["message"]["content"]"""


def parts(plan: Plan) -> Parts:
    """What a program for llama.cpp has of its own. It knows grammars, not regular expressions."""
    kinds = {one.source.kind for one in plan.loaded}
    hub = Kind.GGUF_REPOSITORY in kinds
    form = plan.form_value
    return Parts(
        requirements=(versions.LLAMA_CPP_PYTHON, *(["huggingface-hub"] if hub else [])),
        imports=["from llama_cpp import Llama" + (", LlamaGrammar" if plan.form == REGEX else "")],
        functions=[*([_LOAD] if Kind.FILE in kinds else []), *([_LOAD_FROM_HUB] if hub else []), _REPLY],
        loads=[_load(one) for one in plan.loaded],
        sampling=[_sampling(params, plan) for params in plan.params],
        form_name="GRAMMAR" if plan.form == REGEX else plan.form,
        form=grammar_of(str(form)) if plan.form == REGEX else form,
    )


def _load(one: Loaded) -> str:
    """With a context of 0 it is as long as the model was trained for."""
    context = f"context={one.model.context_length or 0}"
    if one.source.kind is Kind.GGUF_REPOSITORY:
        return f"load_from_hub({one.constant}, {python_text(one.source.file)}, {context})"
    return f"load({one.constant}, {context})"


def _sampling(params: SamplingParams, plan: Plan) -> list[str]:
    values = {name: repr(value) for name, value in in_process(params, Target.LLAMA_CPP).items()}
    if plan.form == SCHEMA:
        values["response_format"] = '{"type": "json_object", "schema": SCHEMA}'
    elif plan.form:
        values["grammar"] = "LlamaGrammar.from_string(GRAMMAR, verbose=False)"
    return ["sampling = " + python_dict(values, used=len("sampling = "))]
