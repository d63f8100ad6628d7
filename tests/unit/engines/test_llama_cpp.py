from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines.base import LoadOptions
from app.engines.llama_cpp import LlamaCpp

MODEL = LocalModel("Zoë, 家", Path("/models/Zoë, 家.gguf"), 5)


def value(argv, flag):
    return argv[argv.index(flag) + 1]


def test_the_command_line():
    launch = LlamaCpp().launch(MODEL, LoadOptions(4096, 3, 1 << 30), port=5000, api_key="secret")
    assert value(launch.argv, "--model") == str(MODEL.path)
    assert value(launch.argv, "--alias") == "Zoë  家", "a comma would make it two names"
    assert value(launch.argv, "--host") == "127.0.0.1"
    assert value(launch.argv, "--port") == "5000"
    assert value(launch.argv, "--ctx-size") == "4096"
    assert value(launch.argv, "--threads") == "3"
    assert value(launch.argv, "--cache-ram") == "1024"
    assert launch.context_length == 4096
    assert not any("secret" in argument for argument in launch.argv)
    assert launch.env == {"LLAMA_API_KEY": "secret", "GOMP_SPINCOUNT": "1000"}


# What the pinned llama-server wrote, or its loader; the lines that matter.
RECORDED = [
    (
        "llama-server: error while loading shared libraries: libllama-server-impl.so: cannot open shared "
        "object file: No such file or directory",
        127,
        "the library libllama-server-impl.so is missing. Run the set-up again.",
    ),
    (
        "dyld[123]: Library not loaded: @rpath/libggml-base.dylib\n  Referenced from: <F> /x/llama-server",
        134,
        "the library libggml-base.dylib is missing. Run the set-up again.",
    ),
    (
        "0.00.016.627 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 338\n"
        "0.00.016.747 E srv  llama_server: exiting due to HTTP server error",
        1,
        "its port was taken by another program. Try again.",
    ),
    (
        "0.00.035.390 E common_fit_params: encountered an error while trying to fit params to free device "
        "memory: failed to load model\n"
        "0.00.059.368 E llama_model_load: error loading model: tensor 'blk.16.ffn_down.weight' data is not "
        "within the file bounds, model is corrupted or incomplete",
        1,
        "the file Zoë, 家.gguf ends early or is damaged. Download it again.",
    ),
    (
        "0.00.018.317 E gguf_init_from_reader: invalid magic characters: 'hell', expected 'GGUF'\n"
        "0.00.018.327 E llama_model_load: error loading model: llama_model_loader: failed to load model",
        1,
        "Zoë, 家.gguf is not a GGUF model file.",
    ),
    (
        "0.00.016.100 E gguf_init_from_file: failed to open GGUF file '/tmp/gone.gguf' (No such file or "
        "directory)\n0.00.016.112 E llama_model_load: error loading model: llama_model_loader: failed",
        1,
        "the file Zoë, 家.gguf is not there. It may have been moved or deleted.",
    ),
    (
        "0.02.206.400 E alloc_tensor_range: failed to allocate CPU buffer of size 92160000000\n"
        "0.02.206.454 E llama_init_from_model: failed to initialize the context: failed to allocate buffer "
        "for kv cache",
        1,
        "there is not enough memory. Use less context, a smaller model, or close other programs.",
    ),
    (
        "terminate called after throwing an instance of 'std::bad_alloc'",
        134,
        "there is not enough memory. Use less context, a smaller model, or close other programs.",
    ),
    (
        "llama_model_load: error loading model: error loading model architecture: unknown model "
        "architecture: 'future{0}'",
        1,
        "this llama.cpp does not know models of the kind “future{0}” yet. A newer Edgewise may.",
    ),
    ("loading model", 137, "its process was killed, most likely for want of memory."),
    ("loading model", None, "it did not become ready in time."),
    ("", 1, "llama.cpp could not load it. The log says more."),
]


@pytest.mark.parametrize(("log", "status", "sentence"), RECORDED, ids=lambda value: str(value)[-30:])
def test_what_the_log_means(log, status, sentence):
    said = LlamaCpp().explain_failure(MODEL, log, status)
    assert said.startswith(sentence)
    assert said.endswith(".")


def test_only_a_taken_port_is_one():
    taken = [sentence for log, _, sentence in RECORDED if LlamaCpp().port_was_taken(log)]
    assert taken == ["its port was taken by another program. Try again."]


@pytest.mark.parametrize(("wished", "slots"), [(None, "4"), (1, "1"), (128, "128"), (1000, "256")])
def test_replies_at_once(wished, slots):
    launch = LlamaCpp().launch(MODEL, LoadOptions(4096, 3, parallel=wished), port=5000, api_key="secret")
    assert value(launch.argv, "--parallel") == slots
    assert "--kv-unified" in launch.argv
    assert value(launch.argv, "--cache-ram") == "0"
