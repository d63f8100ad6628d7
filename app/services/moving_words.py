"""What goes along when a conversation moves to another engine, and what becomes different, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.generation import PARAMETERS, SamplingParams

_NEUTRAL = SamplingParams(temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repeat_penalty=1.0)
"""With these values a parameter changes nothing."""
_ALIKE = 0.03
"""Bits a weight that differ by less than this share are called the same."""
_NEVER_LEFT_OUT = ("max_tokens",)
"""Of no consequence where it is not set."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a model is run in: `engine` as it is called, with the context in tokens.

    `precision` is what its weights are computed at ("Q4_1", "bf16"), `stored` what they lie on the disk in,
    both with their bits a weight; empty and None where nobody knows. `template` is its chat template.
    """

    engine: str
    context_length: int | None
    precision: str = ""
    bits: float | None = None
    stored: str = ""
    stored_bits: float | None = None
    template: str | None = None


def about_precision(here: Setting, there: Setting) -> str:
    """Whether the weights are others; empty where they are the same or nobody knows."""
    if not here.precision or not there.precision:
        return ""
    if (here.precision, here.stored) == (there.precision, there.stored):
        return ""
    said = [f"The weights are {_precision(there)} there and {_precision(here)} here."]
    before, after = _kept(here), _kept(there)
    if before and after and _differ(before, after):
        closer = "closer to" if after > before else "further from"
        said.append(f"Replies will be {closer} those of the original model.")
    else:
        said.append("Replies will be worded a little differently.")
    if here.bits and there.bits and _differ(here.bits, there.bits):
        ratio = there.bits / here.bits
        read = f"{ratio:.1f} times the bytes" if ratio > 1 else f"{ratio:.0%} of the bytes".replace("%", " %")
        effect = "which takes longer" if ratio > 1 else "which is faster"
        said.append(f"For each token {read} are read, {effect} on the same hardware.")
    return " ".join(said)


def about_template(here: Setting, there: Setting) -> tuple[str, str]:
    """What is to be said if the chat template is the same, and if it is another one; one of both is empty."""
    if here.template is not None and here.template == there.template:
        return "The chat template is the same in both forms of the model.", ""
    if there.precision and here.precision and here.template is None and there.template is None:
        return "", ""
    if not there.precision or not here.precision:
        return "", "Which chat template is used on the server cannot be seen from here."
    if there.template is None:
        return "", "This form of the model brings no chat template of its own: replies may be poor."
    if here.template is None:
        return "", "This form of the model brings a chat template; the one in use now has none."
    return "", (
        "The chat template is another one: the model reads the same messages in another frame, and may answer"
        " in another manner."
    )


def kept_sampling(params: SamplingParams, parameters: Mapping[str, str]) -> str:
    """Which sampling parameters go along, with their values."""
    kept = [
        f"{it.label} {_figure(getattr(params, it.name))}"
        for it in PARAMETERS
        if it.name in parameters and getattr(params, it.name) is not None
    ]
    return f"The sampling: {', '.join(kept)}." if kept else ""


def about_sampling(
    params: SamplingParams, parameters: Mapping[str, str], engine: str, *, another_engine: bool
) -> list[str]:
    """Which are left out there, and which mean something else. `parameters` are those the engine takes."""
    lost = [
        f"{it.label} ({_figure(getattr(params, it.name))})"
        for it in PARAMETERS
        if it.name not in parameters
        and getattr(params, it.name) != getattr(_NEUTRAL, it.name)
        and (it.name not in _NEVER_LEFT_OUT or getattr(params, it.name) is not None)
    ]
    said = []
    if lost:
        verb = "is" if len(lost) == 1 else "are"
        said.append(
            f"{', '.join(lost)} {verb} left out: {engine} does not take {'it' if verb == 'is' else 'them'}."
        )
    renamed = parameters.get("repeat_penalty") == "repetition_penalty"
    if renamed and params.repeat_penalty != _NEUTRAL.repeat_penalty:
        said.append(
            f"The repeat penalty looks at the whole text in {engine}; in llama.cpp and Transformers only at"
            " the last 64 tokens."
        )
    if another_engine and params.seed is not None and "seed" in parameters:
        said.append(
            "The same seed makes other replies there: each engine draws its random numbers in its own way."
        )
    return said


def about_context(here: Setting, there: Setting, tokens: int) -> str:
    """Whether the conversation fits, and whether there is less room for it; empty where nothing changes."""
    length = there.context_length
    if not length:
        return ""
    if tokens > length:
        return (
            f"{length:,} tokens of context fit there, and the conversation has about {tokens:,}: its oldest"
            " messages stay here to be read, but are not sent any more."
        )
    if here.context_length and here.context_length > length:
        return f"{length:,} tokens of context fit there; here it has {here.context_length:,}."
    return ""


def about_memory(lacking: int) -> str:
    """`lacking` bytes by the forecast, 0 where it fits."""
    if not lacking:
        return ""
    return (
        f"By the forecast it needs {lacking / 1e9:.1f} GB more memory than is free now. Models that nobody"
        " uses are unloaded first."
    )


def _kept(setting: Setting) -> float | None:
    """Bits a weight that are left of the original, whatever they are unpacked to."""
    return min((bits for bits in (setting.stored_bits, setting.bits) if bits), default=None)


def _differ(one: float, other: float) -> bool:
    return abs(other / one - 1) > _ALIKE


def _precision(setting: Setting) -> str:
    bits = "" if setting.bits is None else f" ({setting.bits:.3g} bits each)"
    if setting.stored and setting.stored != setting.precision:
        return f"{setting.stored}, computed as {setting.precision}{bits},"
    return f"{setting.precision}{bits}"


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
