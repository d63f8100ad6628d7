"""The models that Edgewise knows by name: what they are good for, and how large they are inside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a model is made for."""

    CHAT = "chat"
    CODE = "code"
    REASONING = "reasoning"
    VISION = "vision"
    MULTILINGUAL = "multilingual"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """A model's sizes as its makers publish them (config.json), from which its memory can be forecast.

    `kv_heads` has one entry, or one for each layer. `window` is that of sliding-window attention in tokens,
    `window_pattern` says that one layer in so many sees everything. `experts` and what follows are 0 for
    dense models. A model with `tied` embeddings uses its input table for its output, too.
    """

    architecture: str
    """As GGUF names it: "qwen3"."""
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: tuple[int, ...]
    head_size: int
    vocabulary: int
    tied: bool
    window: int = 0
    window_pattern: int = 0
    experts: int = 0
    experts_used: int = 0
    expert_feed_forward: int = 0
    dense_layers: int = 0
    """Layers before the first one with experts."""
    shared_feed_forward: int = 0
    """Inner size of the feed-forward that every token takes beside its experts."""
    full_head_size: int = 0
    """Head size of the layers that see everything, where it is another than that of those with a window."""
    attention_interval: int = 0
    """One layer in so many attends; the others are gated delta nets, which keep a state. 0: all attend."""
    state_heads: int = 0
    """Heads of a gated delta net's values; its queries and keys have `state_groups` of the same size."""
    state_groups: int = 0
    state_size: int = 0
    """Of one of these heads."""
    convolution: int = 0
    """Tokens that a gated delta net's convolution sees."""


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One model of the catalog.

    `parameters` are those of the language model: what sees images is a file of its own. `active_parameters`
    are all but the experts that a token does not use.
    """

    id: str
    """Short and stable, what a person types: "qwen3-4b"."""
    name: str
    maker: str
    good_for: str
    """One sentence."""
    purposes: tuple[Purpose, ...]
    parameters: int
    active_parameters: int
    context_length: int
    """Tokens it was trained for."""
    languages: tuple[str, ...]
    """ISO 639-1 codes; the main ones."""
    licence: str
    """SPDX identifier where there is one, else the licence's own name."""
    repository: str
    """On the hub, with GGUF files."""
    original: str
    """On the hub, with safetensors: for the other engines."""
    quantizations: tuple[str, ...]
    """That `repository` is known to offer, best first; the hub itself has the last word."""
    dimensions: Dimensions
    gated: bool = False
    """Whether `original` asks for an account's consent."""
    released: str = ""
    """Year and month, ISO 8601."""
