"""GGUF files with the headers of well-known models and no weights: sparse, so 12 GB take 20 kB of disk.

llama.cpp reads sizes from them as it would from the real ones (`llama-fit-params` loads no weights). Tensor
names and shapes are those each architecture's loader asks for (llama.cpp, src/models); dimensions are the
published ones, sometimes with fewer layers. The vocabulary is "no_vocab": only its size counts here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.models.gguf_header import GGML_TYPES
from tests.unit.models.gguf_writer import ARRAY, BOOL, F32, I32, STRING, U32, Array, GgufWriter

Shape = tuple[int, ...]
TYPE_IDS = {name: type_id for type_id, (name, _, _) in GGML_TYPES.items()}
EPSILON = "attention.layer_norm_rms_epsilon"
SMALL_VOCABULARY = 256


@dataclass
class MadeModel:
    """Collects values and tensors. `matrices` is the type of everything with two dimensions or more."""

    architecture: str
    matrices: str = "Q8_0"
    values: dict[str, int | float | bool | tuple[int, ...]] = field(default_factory=dict)
    tensors: list[tuple[str, Shape, str]] = field(default_factory=list)

    def set(self, **values: int | float | tuple[int, ...]) -> MadeModel:
        """Values of this architecture; `__` stands for a dot."""
        self.values |= {key.replace("__", "."): value for key, value in values.items()}
        return self

    def matrix(self, name: str, *shape: int, kind: str | None = None) -> None:
        self.tensors.append((name, shape, kind or self.matrices))

    def vector(self, name: str, *shape: int) -> None:
        self.tensors.append((name, shape, "F32"))

    def with_small_vocabulary(self) -> MadeModel:
        """The same model with few tokens: then its layers need the largest buffer, not its logits."""
        many = self.values["vocab_size"]
        tensors = [
            (name, tuple(SMALL_VOCABULARY if length == many else length for length in shape), kind)
            for name, shape, kind in self.tensors
        ]
        values = self.values | {"vocab_size": SMALL_VOCABULARY}
        return MadeModel(self.architecture, self.matrices, values, tensors)

    def write(self, path: Path) -> Path:
        """The file at `path`, as long as a real one and nearly as empty as the disk allows."""
        writer = GgufWriter().add("general.architecture", STRING, self.architecture)
        writer.add("tokenizer.ggml.model", STRING, "no_vocab")
        for key, value in self.values.items():
            kind = _kind(value)
            writer.add(
                f"{self.architecture}.{key}",
                kind,
                Array(I32, value) if isinstance(value, tuple) else value,
            )
        offset = 0
        for name, shape, type_name in self.tensors:
            type_id = TYPE_IDS[type_name]
            _, block, size = GGML_TYPES[type_id]
            writer.tensor(name, shape, type_id, offset)
            elements = 1
            for length in shape:
                elements *= length
            offset += -(-(elements // block * size) // 32) * 32
        header = writer.header()
        with path.open("wb") as file:
            file.write(header)
            file.truncate(-(-len(header) // 32) * 32 + offset)
        return path


def _kind(value: object) -> int:
    if isinstance(value, tuple):
        return ARRAY
    if isinstance(value, bool):
        return BOOL
    return F32 if isinstance(value, float) else U32


def _start(
    architecture: str, layers: int, width: int, vocabulary: int, context: int, *, tied: bool, kind: str
) -> MadeModel:
    model = MadeModel(architecture, kind).set(
        block_count=layers, embedding_length=width, vocab_size=vocabulary, context_length=context
    )
    model.values[EPSILON] = 1e-5
    model.matrix("token_embd.weight", width, vocabulary)
    model.vector("output_norm.weight", width)
    if not tied:
        model.matrix("output.weight", width, vocabulary)
    return model


def _attention(model: MadeModel, layer: int, width: int, heads: int, kv_heads: int, length: int) -> None:
    block = f"blk.{layer}"
    model.matrix(f"{block}.attn_q.weight", width, heads * length)
    model.matrix(f"{block}.attn_k.weight", width, kv_heads * length)
    model.matrix(f"{block}.attn_v.weight", width, kv_heads * length)
    model.matrix(f"{block}.attn_output.weight", heads * length, width)


def _feed_forward(model: MadeModel, layer: int, width: int, inner: int) -> None:
    block = f"blk.{layer}"
    model.matrix(f"{block}.ffn_gate.weight", width, inner)
    model.matrix(f"{block}.ffn_up.weight", width, inner)
    model.matrix(f"{block}.ffn_down.weight", inner, width)


def _experts(model: MadeModel, layer: int, width: int, inner: int, count: int, kind: str = "") -> None:
    block = f"blk.{layer}"
    model.vector(f"{block}.ffn_gate_inp.weight", width, count)
    for name, shape in (
        ("gate", (width, inner, count)),
        ("up", (width, inner, count)),
        ("down", (inner, width, count)),
    ):
        model.matrix(f"{block}.ffn_{name}_exps.weight", *shape, kind=kind or None)


def _shared_expert(model: MadeModel, layer: int, width: int, inner: int) -> None:
    block = f"blk.{layer}"
    model.matrix(f"{block}.ffn_gate_shexp.weight", width, inner)
    model.matrix(f"{block}.ffn_up_shexp.weight", width, inner)
    model.matrix(f"{block}.ffn_down_shexp.weight", inner, width)


def _norms(model: MadeModel, layer: int, width: int, *names: str) -> None:
    for name in names:
        model.vector(f"blk.{layer}.{name}.weight", width)


def _dense(
    architecture: str,
    layers: int,
    width: int,
    inner: int,
    heads: int,
    kv_heads: int,
    vocabulary: int,
    context: int,
    *,
    length: int | None = None,
    tied: bool = True,
    kind: str = "Q8_0",
    biases: bool = False,
    head_norms: bool = False,
    post_norms: bool = False,
    experts: tuple[int, int, int] | None = None,
) -> MadeModel:
    """A transformer. `experts` are their count, how many are used, and their inner size."""
    per_head = length or width // heads
    model = _start(architecture, layers, width, vocabulary, context, tied=tied, kind=kind).set(
        feed_forward_length=inner, attention__head_count=heads, attention__head_count_kv=kv_heads
    )
    if length is not None:
        model.set(attention__key_length=length, attention__value_length=length)
    if experts:
        model.set(
            expert_count=experts[0], expert_used_count=experts[1], expert_feed_forward_length=experts[2]
        )
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm", "ffn_norm")
        _attention(model, layer, width, heads, kv_heads, per_head)
        if biases:
            for name, size in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
                model.vector(f"blk.{layer}.attn_{name}.bias", size * per_head)
        if head_norms:
            _norms(model, layer, per_head, "attn_q_norm", "attn_k_norm")
        if post_norms:
            _norms(model, layer, width, "post_attention_norm", "post_ffw_norm")
        if experts:
            _experts(model, layer, width, experts[2], experts[0])
        else:
            _feed_forward(model, layer, width, inner)
    return model


def llama_3_2_1b() -> MadeModel:
    return _dense("llama", 16, 2048, 8192, 32, 8, 128_256, 131_072)


def mixtral() -> MadeModel:
    """Mixtral 8x7B with a quarter of its layers."""
    return _dense("llama", 8, 4096, 14_336, 32, 8, 32_000, 32_768, tied=False, experts=(8, 2, 14_336))


def qwen2_0_5b() -> MadeModel:
    return _dense("qwen2", 24, 896, 4864, 14, 2, 151_936, 32_768, biases=True)


def qwen3_0_6b() -> MadeModel:
    return _dense("qwen3", 28, 1024, 3072, 16, 8, 151_936, 40_960, length=128, head_norms=True)


def qwen3_30b_a3b() -> MadeModel:
    """With a quarter of its layers."""
    return _dense(
        "qwen3moe", 12, 2048, 6144, 32, 4, 151_936, 40_960,
        length=128, tied=False, head_norms=True, experts=(128, 8, 768),
    )  # fmt: skip


def gemma2_2b() -> MadeModel:
    model = _dense("gemma2", 26, 2304, 9216, 8, 4, 256_000, 8192, length=256, post_norms=True)
    return model.set(
        attention__sliding_window=4096, attn_logit_softcapping=50.0, final_logit_softcapping=30.0
    )


def gemma3_4b() -> MadeModel:
    model = _dense(
        "gemma3", 34, 2560, 10_240, 8, 4, 262_208, 131_072, length=256, head_norms=True, post_norms=True
    )
    return model.set(attention__sliding_window=1024)


def phi3_mini() -> MadeModel:
    width, inner, heads, layers = 3072, 8192, 32, 32
    model = _start("phi3", layers, width, 32_064, 4096, tied=False, kind="Q8_0").set(
        feed_forward_length=inner,
        attention__head_count=heads,
        attention__head_count_kv=heads,
        rope__dimension_count=96,
        attention__sliding_window=2047,  # llama.cpp reads it and does not use it
    )
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm", "ffn_norm")
        model.matrix(f"blk.{layer}.attn_qkv.weight", width, 3 * width)
        model.matrix(f"blk.{layer}.attn_output.weight", width, width)
        model.matrix(f"blk.{layer}.ffn_up.weight", width, 2 * inner)
        model.matrix(f"blk.{layer}.ffn_down.weight", inner, width)
    return model


def deepseek_v2_lite() -> MadeModel:
    """MLA: one latent of 512 and 64 rotated dimensions a token, shared by all heads."""
    width, heads, latent, rotated, plain, value = 2048, 16, 512, 64, 128, 128
    layers, experts = 27, 64
    model = _start("deepseek2", layers, width, 102_400, 163_840, tied=False, kind="Q4_1").set(
        feed_forward_length=10_944,
        attention__head_count=heads,
        attention__head_count_kv=1,
        attention__key_length=latent + rotated,
        attention__value_length=latent,
        attention__key_length_mla=plain + rotated,
        attention__value_length_mla=value,
        attention__kv_lora_rank=latent,
        rope__dimension_count=rotated,
        leading_dense_block_count=1,
        expert_count=experts,
        expert_used_count=6,
        expert_shared_count=2,
        expert_feed_forward_length=1408,
        expert_weights_scale=1.0,
    )
    for layer in range(layers):
        block = f"blk.{layer}"
        _norms(model, layer, width, "attn_norm", "ffn_norm")
        model.vector(f"{block}.attn_kv_a_norm.weight", latent)
        model.matrix(f"{block}.attn_q.weight", width, heads * (plain + rotated))
        model.matrix(f"{block}.attn_kv_a_mqa.weight", width, latent + rotated)
        model.matrix(f"{block}.attn_k_b.weight", plain, latent, heads)
        model.matrix(f"{block}.attn_v_b.weight", latent, value, heads)
        model.matrix(f"{block}.attn_output.weight", heads * value, width)
        if layer == 0:
            _feed_forward(model, layer, width, 10_944)
        else:
            _experts(model, layer, width, 1408, experts)
            _shared_expert(model, layer, width, 2 * 1408)
    return model


def mamba_1_4b() -> MadeModel:
    layers, width, inner, state, rank = 48, 2048, 4096, 16, 128
    model = _start("mamba", layers, width, 50_280, 1_048_576, tied=True, kind="Q8_0").set(
        feed_forward_length=0, attention__head_count=0, ssm__conv_kernel=4, ssm__inner_size=inner,
        ssm__state_size=state, ssm__time_step_rank=rank,
    )  # fmt: skip
    for layer in range(layers):
        block = f"blk.{layer}"
        _norms(model, layer, width, "attn_norm")
        model.matrix(f"{block}.ssm_in.weight", width, 2 * inner)
        model.vector(f"{block}.ssm_conv1d.weight", 4, inner)
        model.vector(f"{block}.ssm_conv1d.bias", inner)
        model.matrix(f"{block}.ssm_x.weight", inner, rank + 2 * state)
        model.matrix(f"{block}.ssm_dt.weight", rank, inner)
        model.vector(f"{block}.ssm_dt.bias", inner)
        model.vector(f"{block}.ssm_a", state, inner)
        model.vector(f"{block}.ssm_d", inner)
        model.matrix(f"{block}.ssm_out.weight", inner, width)
    return model


def _mamba2_mixer(
    model: MadeModel, layer: int, width: int, inner: int, state: int, groups: int, heads: int
) -> None:
    block = f"blk.{layer}"
    convolved = inner + 2 * groups * state
    model.matrix(f"{block}.ssm_in.weight", width, inner + convolved + heads)
    model.vector(f"{block}.ssm_conv1d.weight", 4, convolved)
    model.vector(f"{block}.ssm_conv1d.bias", convolved)
    model.vector(f"{block}.ssm_dt.bias", heads)
    model.vector(f"{block}.ssm_a", 1, heads)
    model.vector(f"{block}.ssm_d", 1, heads)
    model.vector(f"{block}.ssm_norm.weight", inner // groups, groups)
    model.matrix(f"{block}.ssm_out.weight", inner, width)


def mamba2_1_3b() -> MadeModel:
    layers, width = 48, 2048
    model = _start("mamba2", layers, width, 50_288, 1_048_576, tied=True, kind="Q8_0").set(
        feed_forward_length=0, attention__head_count=0, ssm__conv_kernel=4, ssm__inner_size=4096,
        ssm__state_size=128, ssm__time_step_rank=64, ssm__group_count=1,
    )  # fmt: skip
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm")
        _mamba2_mixer(model, layer, width, 4096, 128, 1, 64)
    return model


def granite_4_h_1b() -> MadeModel:
    """A hybrid: four of forty layers attend, the others are Mamba 2."""
    layers, width, inner = 40, 1536, 4096
    attending = {5, 15, 25, 35}
    model = _start("granitehybrid", layers, width, 100_352, 131_072, tied=True, kind="Q8_0").set(
        feed_forward_length=inner, attention__head_count=12,
        attention__head_count_kv=tuple(4 if layer in attending else 0 for layer in range(layers)),
        ssm__conv_kernel=4, ssm__inner_size=2 * width, ssm__state_size=128, ssm__time_step_rank=48,
        ssm__group_count=1,
    )  # fmt: skip
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm", "ffn_norm")
        if layer in attending:
            _attention(model, layer, width, 12, 4, 128)
        else:
            _mamba2_mixer(model, layer, width, 2 * width, 128, 1, 48)
        _feed_forward(model, layer, width, inner)
    return model


def falcon_h1_1_5b() -> MadeModel:
    """A hybrid in which every layer both attends and has a state."""
    layers, width, inner, state, heads = 24, 2048, 3072, 256, 48
    model = _start("falcon-h1", layers, width, 65_537 - 1, 131_072, tied=True, kind="Q8_0").set(
        feed_forward_length=4096, attention__head_count=8, attention__head_count_kv=2,
        attention__key_length=128, attention__value_length=128, ssm__conv_kernel=4, ssm__inner_size=inner,
        ssm__state_size=state, ssm__time_step_rank=heads, ssm__group_count=1,
    )  # fmt: skip
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm")
        model.vector(f"blk.{layer}.ffn_norm", width)
        _attention(model, layer, width, 8, 2, 128)
        _mamba2_mixer(model, layer, width, inner, state, 1, heads)
        _feed_forward(model, layer, width, 4096)
    return model


def lfm2_1_2b() -> MadeModel:
    """A hybrid: six of sixteen layers attend, the others are short convolutions."""
    layers, width, inner = 16, 2048, 8192
    attending = {2, 5, 8, 10, 12, 14}
    model = _start("lfm2", layers, width, 65_536, 128_000, tied=True, kind="Q8_0").set(
        feed_forward_length=inner, attention__head_count=32, shortconv__l_cache=3,
        attention__head_count_kv=tuple(8 if layer in attending else 0 for layer in range(layers)),
    )  # fmt: skip
    model.tensors = [
        ("token_embd_norm.weight" if name == "output_norm.weight" else name, shape, kind)
        for name, shape, kind in model.tensors
    ]
    for layer in range(layers):
        _norms(model, layer, width, "attn_norm", "ffn_norm")
        _feed_forward(model, layer, width, inner)
        if layer in attending:
            _norms(model, layer, 64, "attn_q_norm", "attn_k_norm")
            _attention(model, layer, width, 32, 8, 64)
        else:
            model.vector(f"blk.{layer}.shortconv.conv.weight", 3, width)
            model.matrix(f"blk.{layer}.shortconv.in_proj.weight", width, 3 * width)
            model.matrix(f"blk.{layer}.shortconv.out_proj.weight", width, width)
    return model


def qwen3_next() -> MadeModel:
    """Qwen3-Next 80B A3B with a sixth of its layers: a fourth attend, the others are gated delta nets."""
    layers, width, heads, kv_heads, length, experts = 8, 2048, 16, 2, 256, 512
    state, groups, value_heads, inner = 128, 16, 32, 4096
    model = _start("qwen3next", layers, width, 151_936, 262_144, tied=False, kind="Q8_0").set(
        feed_forward_length=5120, attention__head_count=heads, attention__head_count_kv=kv_heads,
        attention__key_length=length, attention__value_length=length, rope__dimension_count=64,
        expert_count=experts, expert_used_count=10, expert_feed_forward_length=512,
        expert_shared_feed_forward_length=512, ssm__conv_kernel=4, ssm__inner_size=inner,
        ssm__state_size=state, ssm__time_step_rank=value_heads, ssm__group_count=groups,
    )  # fmt: skip
    convolved = inner + 2 * groups * state
    for layer in range(layers):
        block = f"blk.{layer}"
        _norms(model, layer, width, "attn_norm", "post_attention_norm")
        if (layer + 1) % 4 == 0:
            _norms(model, layer, length, "attn_q_norm", "attn_k_norm")
            model.matrix(f"{block}.attn_q.weight", width, 2 * heads * length)
            model.matrix(f"{block}.attn_k.weight", width, kv_heads * length)
            model.matrix(f"{block}.attn_v.weight", width, kv_heads * length)
            model.matrix(f"{block}.attn_output.weight", heads * length, width)
        else:
            model.matrix(f"{block}.attn_qkv.weight", width, convolved)
            model.matrix(f"{block}.attn_gate.weight", width, inner)
            model.vector(f"{block}.ssm_conv1d.weight", 4, convolved)
            model.vector(f"{block}.ssm_dt.bias", value_heads)
            model.vector(f"{block}.ssm_a", value_heads)
            model.matrix(f"{block}.ssm_ba.weight", width, 2 * value_heads)
            model.vector(f"{block}.ssm_norm.weight", state)
            model.matrix(f"{block}.ssm_out.weight", inner, width)
        _experts(model, layer, width, 512, experts)
        model.vector(f"{block}.ffn_gate_inp_shexp.weight", width)
        _shared_expert(model, layer, width, 512)
    return model


def qwen3_5_4b() -> MadeModel:
    """Every fourth layer attends, the others are gated delta nets."""
    layers, width, inner, heads, kv_heads, length = 32, 2560, 9216, 16, 4, 256
    state, groups, value_heads = 128, 16, 32
    values = state * value_heads
    model = _start("qwen35", layers, width, 248_320, 262_144, tied=True, kind="Q8_0").set(
        feed_forward_length=inner, attention__head_count=heads, attention__head_count_kv=kv_heads,
        attention__key_length=length, attention__value_length=length, rope__dimension_count=64,
        rope__dimension_sections=(11, 11, 10, 0), full_attention_interval=4, ssm__conv_kernel=4,
        ssm__inner_size=values, ssm__state_size=state, ssm__time_step_rank=value_heads,
        ssm__group_count=groups,
    )  # fmt: skip
    convolved = values + 2 * groups * state
    for layer in range(layers):
        block = f"blk.{layer}"
        _norms(model, layer, width, "attn_norm", "post_attention_norm")
        if (layer + 1) % 4 == 0:
            _norms(model, layer, length, "attn_q_norm", "attn_k_norm")
            model.matrix(f"{block}.attn_q.weight", width, 2 * heads * length)
            model.matrix(f"{block}.attn_k.weight", width, kv_heads * length)
            model.matrix(f"{block}.attn_v.weight", width, kv_heads * length)
            model.matrix(f"{block}.attn_output.weight", heads * length, width)
        else:
            model.matrix(f"{block}.attn_qkv.weight", width, convolved)
            model.matrix(f"{block}.attn_gate.weight", width, values)
            model.vector(f"{block}.ssm_conv1d.weight", 4, convolved)
            model.vector(f"{block}.ssm_dt.bias", value_heads)
            model.vector(f"{block}.ssm_a", value_heads)
            model.matrix(f"{block}.ssm_alpha.weight", width, value_heads)
            model.matrix(f"{block}.ssm_beta.weight", width, value_heads)
            model.vector(f"{block}.ssm_norm.weight", state)
            model.matrix(f"{block}.ssm_out.weight", values, width)
        _feed_forward(model, layer, width, inner)
    return model


def gemma4_26b_a4b() -> MadeModel:
    """Every sixth layer sees everything, with fewer and larger heads; experts beside a dense feed-forward.

    The real one has no output of its own. llama.cpp then lists the table twice, and so does the tool, though
    both are the same pages of the mapped file: here they are two.
    """
    layers, width, inner, heads, experts = 30, 2816, 2112, 16, 128
    slides = tuple((layer + 1) % 6 != 0 for layer in range(layers))
    model = _start("gemma4", layers, width, 262_144, 262_144, tied=False, kind="Q8_0").set(
        feed_forward_length=inner, attention__head_count=heads,
        attention__head_count_kv=tuple(8 if sliding else 2 for sliding in slides),
        attention__key_length=512, attention__value_length=512, attention__key_length_swa=256,
        attention__value_length_swa=256, rope__dimension_count=512, rope__dimension_count_swa=256,
        attention__sliding_window=1024, attention__sliding_window_pattern=slides,
        embedding_length_per_layer_input=0, expert_count=experts, expert_used_count=8,
        expert_feed_forward_length=704, final_logit_softcapping=30.0,
    )  # fmt: skip
    model.vector("rope_freqs.weight", 256)
    for layer, sliding in enumerate(slides):
        block, length, kv_heads = f"blk.{layer}", (256 if sliding else 512), (8 if sliding else 2)
        _norms(model, layer, width, "attn_norm", "ffn_norm", "post_attention_norm", "post_ffw_norm")
        _norms(model, layer, width, "pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2")
        _norms(model, layer, length, "attn_q_norm", "attn_k_norm")
        _attention(model, layer, width, heads, kv_heads, length)
        if not sliding:  # the values are the keys
            model.tensors = [each for each in model.tensors if each[0] != f"{block}.attn_v.weight"]
        _feed_forward(model, layer, width, inner)
        _experts(model, layer, width, 704, experts)
        model.vector(f"{block}.ffn_gate_inp.scale", width)
    return model


def cohere2_7b() -> MadeModel:
    """Three of four layers see 4096 tokens; attention and feed-forward share one norm."""
    model = _dense("cohere2", 32, 4096, 14_336, 32, 8, 256_000, 8192)
    model.values["attention.layer_norm_epsilon"] = 1e-5
    model.tensors = [tensor for tensor in model.tensors if "ffn_norm" not in tensor[0]]
    return model.set(attention__sliding_window=4096, logit_scale=0.25)


def gpt_oss_20b() -> MadeModel:
    """Every other layer sees 128 tokens; 4 of 32 experts in MXFP4."""
    layers, width, heads, kv_heads, length, experts = 24, 2880, 64, 8, 64, 32
    model = _start("gpt-oss", layers, width, 201_088, 131_072, tied=False, kind="Q8_0").set(
        feed_forward_length=width, attention__head_count=heads, attention__head_count_kv=kv_heads,
        attention__key_length=length, attention__value_length=length, attention__sliding_window=128,
        rope__dimension_count=length, expert_count=experts, expert_used_count=4,
        expert_feed_forward_length=width,
    )  # fmt: skip
    for layer in range(layers):
        block = f"blk.{layer}"
        _norms(model, layer, width, "attn_norm", "post_attention_norm")
        _attention(model, layer, width, heads, kv_heads, length)
        model.vector(f"{block}.attn_sinks.weight", heads)
        for name, size in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
            model.vector(f"{block}.attn_{name}.bias", size * length)
        model.vector(f"{block}.attn_output.bias", width)
        _experts(model, layer, width, width, experts, kind="MXFP4")
        model.vector(f"{block}.ffn_gate_inp.bias", experts)
        for name in ("gate", "up", "down"):
            model.vector(f"{block}.ffn_{name}_exps.bias", width, experts)
    return model


MADE_MODELS: dict[str, Callable[[], MadeModel]] = {
    made.__name__: made
    for made in (
        llama_3_2_1b, mixtral, qwen2_0_5b, qwen3_0_6b, qwen3_30b_a3b, gemma2_2b, gemma3_4b, phi3_mini,
        deepseek_v2_lite, mamba_1_4b, mamba2_1_3b, granite_4_h_1b, falcon_h1_1_5b, lfm2_1_2b, qwen3_next,
        qwen3_5_4b, gemma4_26b_a4b, cohere2_7b, gpt_oss_20b,
    )
}  # fmt: skip
