"""The OpenAI server that a program asks: of which kind it is, how it is started, how it is told of a form."""

from __future__ import annotations

from dataclasses import dataclass

from app.advisor.export.literals import shell_text
from app.advisor.export.regex_grammar import grammar_of
from app.advisor.export.sources import FORMATS, Kind, Source, source_for
from app.advisor.export.values import Model, StructuredOutput
from app.domain.hub import Format
from app.engines.llama_cpp import LlamaCpp
from app.engines.sglang import SGLang
from app.engines.tensorrt_llm import TensorRtLlm
from app.engines.transformers import Transformers
from app.engines.vllm import Vllm

PORTS = {LlamaCpp.id: 8080, Vllm.id: 8000, SGLang.id: 30000, TensorRtLlm.id: 8000}
"""Where each listens if it is told nothing."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server. `command` starts it, "" where it runs already; `model` is what it calls the model."""

    engine_id: str
    source: Source
    base_url: str
    model: str
    command: str


def server_for(model: Model, *, form: bool, port: int | None = None) -> Server:
    """The server of the engine that `model` runs in here; of another one, where that has none for others.

    A server that runs already is asked as it is. `form` says that it has to hold replies to a form.
    """
    if model.base_url:
        engine_id = model.engine_id or ""
        name = model.served_name or model.name
        return Server(engine_id, Source(Kind.REPOSITORY, name), model.base_url, name, "")
    engine_id = model.engine_id or ""
    if engine_id not in PORTS:
        reads_safetensors = engine_id == Transformers.id and model.form(Format.GGUF) is None
        engine_id = Vllm.id if reads_safetensors or not _has_gguf(model) else LlamaCpp.id
    source = source_for(model, engine_id)
    port = port or PORTS[engine_id]
    return Server(
        engine_id,
        source,
        f"http://127.0.0.1:{port}/v1",
        source.where,
        _command(engine_id, source, model, port, form=form),
    )


def form_of(thing: StructuredOutput, engine_id: str) -> dict[str, object]:
    """What a request says of the form, as that server takes it.

    From server-common.cpp of llama.cpp, and the modules of the OpenAI protocol in vLLM 0.33
    (`structured_outputs`), SGLang 0.5.23 (`regex`) and TensorRT-LLM 1.2 (`ResponseFormat`).
    """
    if thing.schema is not None:
        if engine_id == TensorRtLlm.id:
            return {"response_format": {"type": "json", "schema": thing.schema}}
        schema = {"name": "reply", "strict": True, "schema": thing.schema}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    regex = thing.regex or ""
    if engine_id == Vllm.id:
        return {"structured_outputs": {"regex": regex}}
    if engine_id == SGLang.id:
        return {"regex": regex}
    if engine_id == TensorRtLlm.id:
        return {"response_format": {"type": "regex", "regex": regex}}
    return {"grammar": grammar_of(regex)}


def _has_gguf(model: Model) -> bool:
    return model.form(Format.GGUF) is not None or bool(model.gguf_repository)


def _command(engine_id: str, source: Source, model: Model, port: int, *, form: bool) -> str:
    where = shell_text(source.where)
    context = model.context_length
    if engine_id == LlamaCpp.id:
        which = f"-m {where}"
        if source.file:
            # By itself it takes that quantization which the pattern is for.
            file = "" if "*" in source.file else f" -hff {shell_text(source.file)}"
            which = f"-hf {where}{file}"
        return f"llama-server {which}" + (f" -c {context}" if context else "") + f" --port {port}"
    if engine_id == SGLang.id:
        longest = f" --context-length {context}" if context else ""
        return f"python -m sglang.launch_server --model-path {where}{longest} --port {port}"
    if engine_id == TensorRtLlm.id:
        longest = f" --max_seq_len {context}" if context else ""
        options = " --extra_llm_api_options guided.yaml" if form else ""
        prepare = "echo 'guided_decoding_backend: xgrammar' > guided.yaml && " if form else ""
        return f"{prepare}trtllm-serve {where}{longest}{options} --port {port}"
    longest = f" --max-model-len {context}" if context else ""
    return f"vllm serve {where}{longest} --port {port}"


assert set(PORTS) <= set(FORMATS)
