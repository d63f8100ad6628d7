"""What the converter says becomes a reason that a person can act on; the real one runs in tests/engines."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.engine_servers import gguf_converter as worker
from app.engines.gguf_converter import explain

TRACEBACK = "Traceback (most recent call last):\n  File x\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR:hf-to-gguf:Model LlamaFooForCausalLM is not supported", "does not know LlamaFooForCausalLM."),
        (f"{TRACEBACK}ValueError: pass the argument `trust_remote_code=True` to", "a program of its own"),
        (f"{TRACEBACK}ValueError: {worker.NOT_RUN}", "a program of its own"),
        (f"{TRACEBACK}ValueError: {worker.NO_PICKLES}", "pickled weights"),
        ("NotImplementedError: Quant method is not yet supported: 'awq'", "quantized already (awq)"),
        ("NotImplementedError: BPE pre-tokenizer was not recognized - update", "how its tokenizer splits"),
        ("ValueError: Can not map tensor 'base_model.lora_A.weight'", "its tensor base_model.lora_A.weight."),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("RuntimeError: Cannot allocate memory", "the memory ran out"),
        (f"{TRACEBACK}KeyError: 'vocab_size'", "the converter stopped (KeyError: 'vocab_size')."),
        ("", "the converter stopped."),
    ],
)
def test_the_reason_is_told(said, told):
    message = explain("Foo 家", said)
    assert message.startswith("Foo 家 ")
    assert told in message


class Auto:
    asked: object = None

    @classmethod
    def from_pretrained(cls, folder, **options):
        cls.asked = {"folder": folder, **options}
        return "loaded"


def test_a_stranger_s_program_is_never_run():
    class Config(Auto):
        pass

    class Tokenizer(Auto):
        pass

    transformers = SimpleNamespace(AutoConfig=Config, AutoTokenizer=Tokenizer)
    dynamic, torch = SimpleNamespace(), SimpleNamespace()
    worker.refuse_code(transformers, dynamic, torch)
    assert transformers.AutoTokenizer.from_pretrained("x", trust_remote_code=True, use_fast=False) == "loaded"
    assert Tokenizer.asked == {"folder": "x", "trust_remote_code": False, "use_fast": False}
    for refused in (dynamic.get_class_in_module, dynamic.get_cached_module_file):
        with pytest.raises(ValueError, match="never run here"):
            refused("code.py", anything=1)
    with pytest.raises(ValueError, match="never loaded here"):
        torch.load("pytorch_model.bin", weights_only=True)


def test_each_tensor_is_told_of(capsys):
    tqdm = SimpleNamespace(tqdm=None)

    class Writer:
        tensors = ({"a": 1, "b": 2},)

        def write_tensors_to_file(self, *, progress=False):
            bar = tqdm.tqdm(desc="Writing", total=30, unit="byte", unit_scale=True)
            for size in (10, 20):
                bar.update(size)

    worker.tell_progress(Writer, tqdm)
    Writer().write_tensors_to_file(progress=True)
    assert capsys.readouterr().out.splitlines() == ["@tensors 0 2", "@tensors 1 2", "@tensors 2 2"]
    assert tqdm.tqdm is None
