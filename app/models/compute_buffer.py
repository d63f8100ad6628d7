"""How many bytes llama.cpp reserves for intermediate results, estimated from a model's sizes.

llama.cpp lays its graph out over one buffer and reuses what is no longer needed (ggml/src/ggml-alloc.c), so
the buffer is as large as the hungriest moment of a step. The moments below were derived from its graphs
(src/llama-graph.cpp, src/models/mamba-base.cpp) with flash attention, and checked against
`llama-fit-params` with models of small and of full vocabulary (tests/benchmarks/forecast.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from app.models.kv_cache import RunOptions, cells, layer_cache_bytes
from app.models.model_shape import ModelShape

F32 = 4
MASK_BYTES = 2
"""Flash attention takes its mask as f16."""
RESIDUALS = 4
"""Rows of the model's width that are alive at once: the input, the residual, its norm, and the output."""
RESIDUALS_OF_MIXER = 3
HOST_ROWS_OF_MIXER = 5
"""Rows of a recurrent layer's inner size that the host keeps for its own layers when others are on a GPU."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """Bytes of the buffers for a step of `options.tokens` tokens."""

    whole: int
    """Of a device with all layers."""
    inputs: int
    """Of the host when every layer is on a GPU: the tokens' rows and the masks."""
    outputs: int
    """From which logits are read: one row a sequence (`output_reserve`)."""
    host_of_split: int
    """Of the host when a GPU has some of the layers."""
    attending: int
    """Of that GPU while it attends for a layer of the host's."""

    def gpu_of_split(self, largest_tensor: int) -> int:
        """Of a GPU that has some of the layers."""
        return max(self.whole + largest_tensor, self.attending)


def buffers(shape: ModelShape, options: RunOptions) -> Buffers:
    """The buffers of a model run like this.

    On one device they are as large as the hungriest of: attention, feed-forward or experts (gate, up, their
    product, and what several experts put out), a recurrent mixer, each beside the attention mask; and the
    logits, when the masks are gone.

    Of a split model steps of 32 tokens and more are computed on the GPU all the same (`offload_op` of ggml's
    backends), whose buffer takes copies of what a host's layer needs: a tensor, or the keys and values of all
    its context. The host looks tokens up, fills the masks in and computes single tokens. Checked with CUDA
    (docs/measurements.md); LFM2 with half of its layers took 500 MiB more on both.
    """
    tokens = options.tokens
    mask = mask_bytes(shape, options)
    row = shape.width * F32 * tokens
    inner = shape.inner * F32 * tokens
    outputs = shape.expert_outputs * F32 * tokens
    feed_forward = RESIDUALS * row + 3 * inner + (outputs if outputs > inner else 0)
    attention = RESIDUALS * row + 2 * shape.query * F32 * tokens
    mixer = 0
    if shape.mixer_input:
        per_token = shape.mixer_input + 2 * shape.mixer_convolved + shape.mixer_inner
        mixer = RESIDUALS_OF_MIXER * row + per_token * F32 * tokens
        if shape.mixer_inner:
            mixer += shape.mixer_state * F32 * max(1, options.sequences)
    kept = min(tokens, max(1, options.sequences if options.outputs is None else options.outputs))
    logits = 2 * row + shape.vocabulary * F32 * kept
    copied = max((layer_cache_bytes(kind, options) for kind in shape.kinds if kind.keys), default=0)
    inputs = 2 * row + mask
    return Buffers(
        whole=max(mask + max(feed_forward, attention, mixer), logits),
        inputs=inputs,
        outputs=output_bytes(shape, options),
        host_of_split=inputs + HOST_ROWS_OF_MIXER * shape.mixer_inner * F32 * tokens,
        attending=mask + attention + copied,
    )


def mask_bytes(shape: ModelShape, options: RunOptions) -> int:
    """Bytes of the attention masks: one over all of the context, one more over the windows."""
    widths = {cells(layer, options) for layer in shape.kinds if layer.keys and layer.window is None}
    widths |= {cells(layer, options) for layer in shape.kinds if layer.keys and layer.window is not None}
    return sum(widths) * options.tokens * MASK_BYTES


def output_bytes(shape: ModelShape, options: RunOptions) -> int:
    """Bytes of the buffer from which logits are read: one row a sequence (`output_reserve`)."""
    return max(1, options.sequences) * shape.vocabulary * F32
