"""A model and its tokenizer, loaded on the best device there is.

Nothing that came with a model is run, and no weights are unpickled: safetensors and GGUF alone. Transformers
could leave a GGUF's weights quantized, but the kernels for that are programs it fetches from the hub at run
time; so they are unpacked, and the model takes as much as its safetensors would.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GgufConfig

from app.engine_servers.model_files import CannotServe, check_files, is_gguf

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
"""What can be computed in, by its name in PyTorch."""


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """A model that is ready to compute, with what its own files say of it. Lengths in tokens."""

    model: Any
    tokenizer: Any
    template: str | None
    special_tokens: Mapping[str, str]
    end_tokens: tuple[int, ...]
    trained_length: int | None


def best_device() -> torch.device:
    """The fastest device of this machine."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def load(path: Path, *, dtype: str = "auto", quantize_bits: int | None = None) -> LoadedWeights:
    """Load the model at `path`, a GGUF file or a folder with safetensors.

    Raises CannotServe, and whatever Transformers raises for files that it does not understand.
    """
    device = best_device()
    check_files(path)
    gguf = is_gguf(path)
    if gguf and quantize_bits:
        raise CannotServe("cannot quantize a GGUF file on loading")
    source = str(path.parent if gguf else path)
    where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if gguf:
        where["gguf_file"] = path.name
    tokenizer = AutoTokenizer.from_pretrained(source, **where)
    how: dict[str, Any] = {"dtype": _dtype(dtype, device, gguf=gguf), "use_safetensors": True}
    if gguf:
        how = {"dtype": how["dtype"], "quantization_config": GgufConfig(dequantize=True)}
    elif quantize_bits:
        how |= {"quantization_config": _quantization(quantize_bits, device), "device_map": {"": device}}
    model = AutoModelForCausalLM.from_pretrained(source, **where, **how)
    if not quantize_bits:
        model = model.to(device)
    if model.config._attn_implementation not in ("sdpa", "eager"):
        model.set_attn_implementation("sdpa")
    return LoadedWeights(
        model=model.eval(),
        tokenizer=tokenizer,
        template=_template(tokenizer),
        special_tokens={name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        end_tokens=_end_tokens(model, tokenizer),
        trained_length=getattr(model.config.get_text_config(), "max_position_embeddings", None),
    )


def memory_free(device: torch.device) -> int:
    """Bytes that `device` has left."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    import psutil  # comes with accelerate

    return int(psutil.virtual_memory().available)


def _dtype(name: str, device: torch.device, *, gguf: bool) -> Any:
    if name != "auto":
        return DTYPES[name]
    if device.type == "cpu" and not _computes_bfloat16():
        # As it is stored would be slower: each multiplication would be converted there and back.
        return torch.float32
    # A GGUF's weights are stored in none of these; half of float32's memory is all they need.
    return torch.bfloat16 if gguf else "auto"


def _computes_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    if sys.platform == "darwin":
        return True  # Apple's have it since the M2; without it PyTorch is no slower than in float32
    return bool(
        torch.cpu._is_avx512_bf16_supported()
        or torch.cpu._is_amx_tile_supported()
        or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def _quantization(bits: int, device: torch.device) -> BitsAndBytesConfig:
    if find_spec("bitsandbytes") is None:
        raise CannotServe("cannot quantize: bitsandbytes is not installed")
    if device.type == "mps":
        raise CannotServe("cannot quantize on Metal: bitsandbytes does not run there")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    slow_bfloat16 = device.type == "cpu" and not _computes_bfloat16()
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.float32 if slow_bfloat16 else torch.bfloat16,
    )


def _template(tokenizer: Any) -> str | None:
    try:
        return str(tokenizer.get_chat_template())
    except ValueError:  # it has none, or several and none of them is the default
        return None


def _end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        return ()
    return (int(ends),) if isinstance(ends, int) else tuple(int(end) for end in ends)
