"""The sizes that a made model's makers would publish."""

from __future__ import annotations

from typing import Any

from app.domain.catalog import Dimensions
from tests.made_models import MadeModel

DESCRIBED = (
    "llama_3_2_1b", "mixtral", "qwen2_0_5b", "qwen3_0_6b", "qwen3_30b_a3b", "gemma2_2b", "gemma3_4b",
    "phi3_mini", "lfm2_1_2b", "qwen3_5_4b", "gemma4_26b_a4b", "cohere2_7b", "gpt_oss_20b",
)  # fmt: skip
"""Made models that `Dimensions` can describe: no latents, and no states but those of short convolutions and
gated delta nets."""


def dimensions_of(made: MadeModel) -> Dimensions:
    values: dict[str, Any] = made.values
    heads, width = values["attention.head_count"], values["embedding_length"]
    full = values.get("attention.key_length", width // heads)
    pattern = values.get("attention.sliding_window_pattern", ())
    kv_heads = values["attention.head_count_kv"]
    return Dimensions(
        architecture=made.architecture,
        layers=values["block_count"],
        width=width,
        feed_forward=values["feed_forward_length"],
        heads=heads,
        kv_heads=kv_heads if isinstance(kv_heads, tuple) else (kv_heads,),
        head_size=values.get("attention.key_length_swa", full),
        vocabulary=values["vocab_size"],
        tied="output.weight" not in {name for name, _, _ in made.tensors},
        window=values.get("attention.sliding_window", 0),
        window_pattern=pattern.index(False) + 1 if pattern else 0,
        experts=values.get("expert_count", 0),
        experts_used=values.get("expert_used_count", 0),
        expert_feed_forward=values.get("expert_feed_forward_length", 0),
        shared_feed_forward=values["feed_forward_length"] if made.architecture == "gemma4" else 0,
        full_head_size=full if "attention.key_length_swa" in values else 0,
        attention_interval=values.get("full_attention_interval", 0),
        state_heads=values.get("ssm.time_step_rank", 0),
        state_groups=values.get("ssm.group_count", 0),
        state_size=values.get("ssm.state_size", 0),
        convolution=values.get("ssm.conv_kernel", 0),
    )
