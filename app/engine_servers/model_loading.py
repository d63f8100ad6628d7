"""A model and its tokenizer, loaded on the best device there is.

Nothing that came with a model is run, and no weights are unpickled: safetensors and GGUF alone. Transformers
could leave a GGUF's weights quantized, but the kernels for that are programs it fetches from the hub at run
time; so they are unpacked, and the model takes as much as its safetensors would.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, GgufConfig

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
    how: dict[str, Any] = {"dtype": _dtype(dtype, source, where, device)}
    if gguf:
        how |= {"quantization_config": GgufConfig(dequantize=True)}
    else:
        how |= {"use_safetensors": True}
    if quantize_bits:
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


def mapped_bytes(path: Path) -> int:
    """Bytes of the files at `path` that are in memory as they lie on the disk; 0 where no system tells.

    So are weights that a processor computes with as they are stored, once they were used.
    """
    maps = Path("/proc/self/smaps")
    if not maps.exists():
        return 0
    inside, total = False, 0
    for line in maps.read_text(encoding="utf-8", errors="replace").splitlines():
        if "-" in line.split(" ", 1)[0]:
            inside = str(path.resolve()) in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def _dtype(name: str, source: str, where: Mapping[str, Any], device: torch.device) -> Any:
    """What to compute in; "auto" is as the weights are stored where the device is fast at that."""
    if name != "auto":
        return DTYPES[name]
    stored = None  # of a GGUF's weights most are stored in nothing that is computed with
    if "gguf_file" not in where:
        config = AutoConfig.from_pretrained(source, **where)
        stored = config.dtype or config.get_text_config().dtype
    if stored != torch.float32 and device.type == "cpu":
        return torch.bfloat16 if _multiplies_bfloat16() else torch.float32
    return stored or torch.bfloat16


def _multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16. Without, float32 is faster for twice the memory.

    SmolLM2 on two cores, tokens/s of one and of 8 at once, seconds for a prompt of 512: in bfloat16 13.8, 81,
    1.4; in float32 14.2, 48, 2.3; in float16 23, 49, 4.4. Without the instructions bfloat16 gave 13.8, 34,
    2.4 (AVX-512) and 16.1, 23, 4.9 (AVX2), where float32 gave 14.9, 47, 1.8 (AVX2).
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return sys.platform == "darwin" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _quantization(bits: int, device: torch.device) -> BitsAndBytesConfig:
    if find_spec("bitsandbytes") is None:
        raise CannotServe("cannot quantize: bitsandbytes is not installed")
    if device.type == "mps":
        raise CannotServe("cannot quantize on Metal: bitsandbytes does not run there")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    slow_bfloat16 = device.type == "cpu" and not _multiplies_bfloat16()
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
