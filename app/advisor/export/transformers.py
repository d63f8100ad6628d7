"""Programs for Transformers 5: the model's own chat template, `generate`; Outlines where there is a form."""

from __future__ import annotations

import json

from app.advisor.export import versions
from app.advisor.export.parameters import Values, in_process, is_greedy
from app.advisor.export.program import REGEX, SCHEMA, Parts, Plan, assigned
from app.advisor.export.sources import Kind
from app.advisor.export.values import Target
from app.domain.generation import SamplingParams

_LOAD = """def load(path):
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype="auto", device_map="auto")
    return tokenizer, model"""

_LOAD_GGUF = """def load_gguf(path):
    # Its weights are unpacked: they take as much memory as those of the original in 16 bits.
    where = {"gguf_file": os.path.basename(path)}
    folder = os.path.dirname(path)
    tokenizer = AutoTokenizer.from_pretrained(folder, **where)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
        device_map="auto",
        **where,
    )
    return tokenizer, model"""

_READ = """    inputs = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    ).to(model.device)
    read = inputs["input_ids"].shape[1]"""
_NO_LIMIT = """    # Until the model ends its reply, or its context is full.
    room = model.config.get_text_config().max_position_embeddings - read
    sampling = {"max_new_tokens": room} | sampling"""


def parts(plan: Plan) -> Parts:
    """What a program for Transformers has of its own. Outlines takes a schema as text."""
    gguf = any(one.source.kind is Kind.FILE for one in plan.loaded)
    folder = any(one.source.kind is not Kind.FILE for one in plan.loaded)
    form = plan.form_value
    return Parts(
        requirements=(
            *versions.TRANSFORMERS,
            *([versions.GGUF] if gguf else []),
            *([versions.OUTLINES] if plan.form else []),
        ),
        imports=_imports(plan, gguf=gguf),
        functions=[*([_LOAD] if folder else []), *([_LOAD_GGUF] if gguf else []), _reply(plan)],
        loads=[
            f"{'load_gguf' if one.source.kind is Kind.FILE else 'load'}({one.constant})"
            for one in plan.loaded
        ],
        sampling=[_sampling(params) for params in plan.params],
        form_name=plan.form,
        form=json.dumps(form) if plan.form == SCHEMA else form,
    )


def _imports(plan: Plan, *, gguf: bool) -> list[str]:
    names = ["AutoModelForCausalLM", "AutoTokenizer"]
    lines = []
    if plan.form:
        form = "JsonSchema" if plan.form == SCHEMA else "Regex"
        lines += ["import outlines", "from outlines.inputs import Chat", f"from outlines.types import {form}"]
    if gguf:
        names.append("GgufConfig")
        lines += ["import os", "import torch"]
    if any(params.seed is not None for params in plan.params):
        names.append("set_seed")
    return [*lines, f"from transformers import {', '.join(names)}"]


def _sampling(params: SamplingParams) -> list[str]:
    values: dict[str, object] = {"do_sample": not is_greedy(params), **_spelled(params)}
    return [*([] if params.seed is None else [f"set_seed({params.seed})"]), assigned("sampling", values)]


def _spelled(params: SamplingParams) -> Values:
    values = in_process(params, Target.TRANSFORMERS)
    if is_greedy(params):
        return {name: values[name] for name in ("repetition_penalty", "max_new_tokens") if name in values}
    return values


def _reply(plan: Plan) -> str:
    lines = ["def reply(loaded, messages, sampling):", "    tokenizer, model = loaded"]
    no_limit = any(params.max_tokens is None for params in plan.params)
    if no_limit or not plan.form:
        lines.append(_READ)
    if no_limit:
        lines.append(_NO_LIMIT)
    if plan.form:
        form = "JsonSchema(SCHEMA)" if plan.form == SCHEMA else f"Regex({REGEX})"
        lines.append("    writer = outlines.from_transformers(model, tokenizer)")
        lines.append(f"    return writer(Chat(messages), {form}, **sampling)")
    else:
        lines.append("    output = model.generate(**inputs, **sampling)")
        lines.append("    return tokenizer.decode(output[0, read:], skip_special_tokens=True)")
    return "\n".join(lines)
