"""The sizes that a made model's makers would publish."""

from __future__ import annotations

from typing import Any

from app.domain.catalog import Dimensions
from tests.made_models import MadeModel

DESCRIBED = (
    "llama_3_2_1b", "mixtral", "qwen2_0_5b", "qwen3_0_6b", "qwen3_30b_a3b", "gemma2_2b", "gemma3_4b",
    "phi3_mini", "lfm2_1_2b", "cohere2_7b", "gpt_oss_20b",
)  # fmt: skip
"""Made models that `Dimensions` can describe: no states but short convolutions, no latents."""


def dimensions_of(made: MadeModel) -> Dimensions:
    values: dict[str, Any] = made.values
    heads, width = values["attention.head_count"], values["embedding_length"]
    kv_heads = values["attention.head_count_kv"]
    return Dimensions(
        architecture=made.architecture,
        layers=values["block_count"],
        width=width,
        feed_forward=values["feed_forward_length"],
        heads=heads,
        kv_heads=kv_heads if isinstance(kv_heads, tuple) else (kv_heads,),
        head_size=values.get("attention.key_length", width // heads),
        vocabulary=values["vocab_size"],
        tied="output.weight" not in {name for name, _, _ in made.tensors},
        window=values.get("attention.sliding_window", 0),
        experts=values.get("expert_count", 0),
        experts_used=values.get("expert_used_count", 0),
        expert_feed_forward=values.get("expert_feed_forward_length", 0),
    )
