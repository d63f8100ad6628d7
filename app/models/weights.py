"""How many bytes a model's tensors take, by where they lie and by whether every token reads them."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.gguf_header import GgufHeader, Tensor
from app.models.model_shape import ModelShape, layer_of, model_shape, running_layers

_INPUTS = ("token_", "per_layer_token_embd", "position_embd")
"""How the names of tensors begin that tokens are looked up in before the first layer."""
_GATHERED = ("token_embd.weight", "per_layer_token_embd.weight", "position_embd.weight")
"""Tables of which a token reads one row."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of the tensors that llama.cpp loads."""

    layers: tuple[int, ...]
    """Of each layer."""
    input: int
    """Tables that tokens are looked up in; they stay on the host (src/llama-model.cpp)."""
    output: int
    """What comes after the last layer; it goes to the GPU as one layer more."""
    copied: int
    """Of `input`: the table that is the output, too, and that a GPU with the output has a copy of."""
    active: int
    """Read for one token: without tables of which one row is read; of experts, those that are used."""
    largest: int = 0
    """The largest tensor of any layer: all experts of one kind are one."""

    @property
    def total(self) -> int:
        """All of them, each once."""
        return self.input + sum(self.layers) + self.output

    def scaled_to(self, total: int) -> Weights:
        """The same model in another quantization whose tensors take `total` bytes, every one its share."""
        if self.total <= 0:
            return self
        factor = total / self.total
        return Weights(
            layers=tuple(int(size * factor) for size in self.layers),
            input=int(self.input * factor),
            output=int(self.output * factor),
            copied=int(self.copied * factor),
            active=int(self.active * factor),
            largest=int(self.largest * factor),
        )


@dataclass(frozen=True, slots=True)
class WeighedModel:
    """What many forecasts of one model need of its header: walking its tensors once is most of the work."""

    shape: ModelShape
    weights: Weights


def weigh(header: GgufHeader, shape: ModelShape | None = None) -> WeighedModel:
    """The model with this header. Never raises: tensors of a type that is not known count nothing.

    `shape` saves time where it is known: it is the same for all quantizations of a model.
    """
    shape = shape or model_shape(header)
    count = len(shape.layers)
    layers = [0] * count
    tied = not any(tensor.name == "output.weight" for tensor in header.tensors)
    share = min(1.0, shape.experts_used / shape.experts) if shape.experts > 0 else 1.0
    inputs = output = copied = largest = 0
    active = 0.0
    for tensor in _loaded(header, count):
        size = tensor.size or 0
        layer = layer_of(tensor)
        is_table = tied and tensor.name == "token_embd.weight"
        if layer is not None and layer < count:
            layers[layer] += size
            largest = max(largest, size)
        elif tensor.name.startswith(_INPUTS):
            inputs += size
            copied += size if is_table else 0
        else:
            output += size
        if is_table or tensor.name not in _GATHERED:
            active += size * (share if "_exps." in tensor.name else 1.0)
    return WeighedModel(shape, Weights(tuple(layers), inputs, output, copied, int(active), largest))


def _loaded(header: GgufHeader, layers: int) -> list[Tensor]:
    """The tensors llama.cpp loads: all but those of layers that only predict ahead."""
    if running_layers(header) != layers or not header.integer("nextn_predict_layers"):
        return list(header.tensors)
    return [tensor for tensor in header.tensors if (layer_of(tensor) or 0) < layers]
