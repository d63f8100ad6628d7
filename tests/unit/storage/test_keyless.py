"""Keys are gone from what is kept, and nothing else is."""

from __future__ import annotations

import pytest

from app.storage.keyless import keyless_flags, keyless_text

KEY = "Zx9_key-of-43-characters"


@pytest.mark.parametrize(
    "flags",
    [
        ("--api-key", KEY, "--port"),
        (f"--api-key={KEY}", "--port"),
        ("--hf-token", KEY),
        (f"--header=Authorization: Bearer {KEY}",),
    ],
)
def test_arguments_lose_their_key_alone(flags: tuple[str, ...]) -> None:
    kept = keyless_flags(flags)
    assert KEY not in " ".join(kept)
    assert len(kept) == len(flags)
    assert [flag for flag in kept if flag == "--port"] == [flag for flag in flags if flag == "--port"]


@pytest.mark.parametrize(
    "log",
    [
        f"starting with LLAMA_API_KEY={KEY}, port 80",
        f"Namespace(api_key='{KEY}', port=80)",
        f'{{"api_key": "{KEY}", "port": 80}}',
        f"GET / Authorization: Bearer {KEY} port 80",
    ],
)
def test_logs_lose_their_key_alone(log: str) -> None:
    kept = keyless_text(log)
    assert KEY not in kept
    assert "port" in kept
    assert "80" in kept


def test_what_only_sounds_like_one_stays() -> None:
    flags = ("--max-num-batched-tokens", "2048", "--parallel", "4", "-m", "model.gguf", "--kv-unified")
    assert keyless_flags(flags) == flags
    log = "tokens = 5, bearer of news\nno api key was given"
    assert keyless_text(log).startswith("tokens = 5")
