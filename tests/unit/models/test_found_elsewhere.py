"""What huggingface_hub, LM Studio and Ollama leave on a disk, whole and hostile."""

import json
import sys
from pathlib import Path

import pytest

from app.domain.hub import Format
from app.domain.model import Place
from app.models import found_elsewhere as module
from app.models.found_elsewhere import (
    found_elsewhere,
    hugging_face,
    hugging_face_cache,
    known_sha256,
    lm_studio_folders,
    ollama,
    ollama_folders,
)
from app.models.library import named

DIGEST, OTHER = "0f" * 32, "ab" * 32
MODEL, PROJECTOR = "application/vnd.ollama.image.model", "application/vnd.ollama.image.projector"


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "Zoë 家"
    home.mkdir()
    return home


def put(path, content=b"x" * 10):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# --- Hugging Face ------------------------------------------------------------------------------------


def cached(cache, repository, revision, file, blob=DIGEST):
    """A file as huggingface_hub leaves it: a link into `blobs`."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    put(folder / "blobs" / blob)
    link = folder / "snapshots" / revision / file
    link.parent.mkdir(parents=True, exist_ok=True)
    depth = len(Path(file).parts) + 1
    link.symlink_to(Path(*[".."] * depth, "blobs", blob))
    return link


@pytest.mark.parametrize(
    ("environment", "cache"),
    [
        ({}, ".cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/xdg", "HF_HOME": "/hf"}, "/hf/hub"),
        ({"HF_HOME": "/hf", "HF_HUB_CACHE": "/cache"}, "/cache"),
        ({"HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/older"}, "/older"),
        ({"HF_HOME": "~/hf"}, "hf/hub"),
        ({"HF_HOME": ""}, ".cache/huggingface/hub"),
    ],
)
def test_where_the_hub_s_cache_is(home, environment, cache):
    expected = Path(cache).absolute() if cache.startswith("/") else home / cache
    assert hugging_face_cache(environment, home) == expected


def test_models_of_the_hub_s_cache(home):
    cache = home / "hub"
    link = cached(cache, "own-er/Na.me", "1234", "sub/model-Q4_K_M.gguf")
    config = cached(cache, "own/Weights", "5678", "config.json", "config")
    config.write_text('{"architectures": ["LlamaForCausalLM"]}')
    cached(cache, "own/Weights", "5678", "model.safetensors", OTHER)
    cached(cache, "gpt2", "9", "gpt2.gguf")
    put(cache / "datasets--own--set" / "snapshots" / "1" / "not.gguf")
    put(cache / "models--own--.." / "snapshots" / "1" / "odd.gguf")
    put(cache / "version.txt")
    found = {model.names: model for model in hugging_face(cache)}
    model = found["model-Q4_K_M", "model-Q4_K_M", "own-er/Na.me/sub/model-Q4_K_M"]
    assert (model.path, model.size, model.place) == (link, 10, Place.HUGGING_FACE)
    weights = found["Weights", "own/Weights"]
    assert (weights.format, weights.path) == (Format.SAFETENSORS, config.parent)
    assert ("gpt2", "gpt2", "gpt2/gpt2") in found
    assert known_sha256(link) == DIGEST
    assert known_sha256(config) is None
    assert known_sha256(home / "gone") is None


def test_huggingface_hub_itself_finds_the_same_file(home):
    import huggingface_hub  # half a second

    link = cached(home / "hub", "own-er/Na.me", "0" * 40, "sub/model-Q4_K_M.gguf")
    put(home / "hub" / "models--own-er--Na.me" / "refs" / "main", b"0" * 40)
    found = huggingface_hub.try_to_load_from_cache("own-er/Na.me", "sub/model-Q4_K_M.gguf", home / "hub")
    (model,) = hugging_face(home / "hub")
    assert found == str(model.path) == str(link)
    (repository,) = huggingface_hub.scan_cache_dir(home / "hub").repos
    assert f"{repository.repo_id}/sub/model-Q4_K_M" == model.names[-1]


def test_of_several_revisions_the_main_one_counts(home):
    cache = home / "hub"
    cached(cache, "o/n", "aaaa", "model.gguf", DIGEST)
    main = cached(cache, "o/n", "bbbb", "model.gguf", OTHER)
    cached(cache, "o/n", "cccc", "model.gguf", OTHER)
    put(cache / "models--o--n" / "refs" / "main", b"bbbb\n")
    entries = {entry.model.name: entry.model.path for entry in named(hugging_face(cache))}
    assert entries["model"] == main
    assert len(entries) == 2


def test_a_file_where_links_cannot_be_made(home):
    put(home / "models--o--n" / "snapshots" / "1" / "model.gguf")
    put(home / "models--o--n" / "snapshots" / "1" / "blobs" / DIGEST / "x.gguf")
    first, second = hugging_face(home)
    assert known_sha256(first.path) is None
    assert known_sha256(second.path) is None


# --- LM Studio ---------------------------------------------------------------------------------------


def test_lm_studio_where_it_is_and_was_and_where_it_was_sent(home):
    put(home / ".lmstudio-home-pointer", str(home / "moved").encode() + b"\n")
    put(home / "moved" / "settings.json", json.dumps({"downloadsFolder": str(home / "far")}).encode())
    put(home / ".lmstudio" / "settings.json", json.dumps({"downloadsFolder": "relative"}).encode())
    put(home / ".cache" / "lm-studio" / "settings.json", b"[]")
    assert lm_studio_folders(home) == [
        home / "far",
        home / "moved" / "models",
        home / ".lmstudio" / "models",
        home / ".cache" / "lm-studio" / "models",
    ]


@pytest.mark.parametrize("settings", [b"{", b'{"downloadsFolder": 5}', b'{"downloadsFolder": "/a\\u0000b"}'])
def test_settings_that_say_nothing(home, settings):
    put(home / ".lmstudio" / "settings.json", settings)
    put(home / ".lmstudio-home-pointer", b"\xff\x00")
    assert lm_studio_folders(home) == [
        home / ".lmstudio" / "models",
        home / ".cache" / "lm-studio" / "models",
    ]


def test_models_of_lm_studio(home):
    path = put(home / ".lmstudio" / "models" / "maker" / "Tiny-GGUF" / "Tiny-Q8_0.gguf")
    put(path.with_name("mmproj-Tiny-F16.gguf"))
    (model,) = found_elsewhere({}, home)
    assert (model.path, model.place) == (path, Place.LM_STUDIO)
    assert model.names[-1] == "maker/Tiny-GGUF/Tiny-Q8_0"
    assert model.projector == path.with_name("mmproj-Tiny-F16.gguf")


# --- Ollama ------------------------------------------------------------------------------------------


def manifest(folder, name, *layers):
    content = {"schemaVersion": 2, "layers": [{"mediaType": kind, "digest": f"sha256:{digest}", "size": 1}
                                               for kind, digest in layers]}  # fmt: skip
    return put(folder / "manifests" / name, json.dumps(content).encode())


def blob(folder, digest):
    return put(folder / "blobs" / f"sha256-{digest}")


def test_where_ollama_is(home):
    assert ollama_folders({"OLLAMA_MODELS": "~/big"}, home) == [home / "big"]
    folders = ollama_folders({}, home)
    assert folders[0] == home / ".ollama" / "models"
    assert (Path("/usr/share/ollama/.ollama/models") in folders) == sys.platform.startswith("linux")


def test_models_of_ollama(home):
    path, sight = blob(home, DIGEST), blob(home, OTHER)
    manifest(home, "registry.ollama.ai/library/qwen3/8b", ("text", OTHER), (MODEL, DIGEST))
    manifest(home, "registry.ollama.ai/library/qwen3/latest", (MODEL, DIGEST))
    manifest(home, "registry.ollama.ai/zoë/mine/1", (MODEL, OTHER), (PROJECTOR, DIGEST))
    manifest(home, "hf.co/owner/repo/Q4_K_M", (MODEL, DIGEST), (PROJECTOR, OTHER))
    models = {model.names[0]: (model.path, model.projector) for model in ollama(home)}
    assert models == {
        "qwen3:8b": (path, None),
        "qwen3:latest": (path, None),
        "zoë/mine:1": (sight, path),
        "hf.co/owner/repo:Q4_K_M": (path, sight),
    }
    names = [entry.model.name for entry in named(ollama(home))]
    assert "qwen3:latest" not in names
    assert known_sha256(path) == DIGEST


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"layers": 5}',
        b'{"layers": [5, null, []]}',
        json.dumps({"layers": [{"mediaType": MODEL, "digest": "sha256:../../etc/passwd"}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL, "digest": ["sha256:" + DIGEST]}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL, "digest": "sha256:" + DIGEST + "/../x"}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL, "digest": "sha256:" + OTHER}]}).encode(),
        json.dumps({"layers": [{"mediaType": MODEL, "digest": "sha256:" + DIGEST}] * 2}).encode(),
        b'{"layers": ' + b"[" * 50_000,
    ],
)
def test_manifests_that_name_no_model(home, content):
    blob(home, DIGEST)
    put(home / "manifests" / "registry.ollama.ai" / "library" / "x" / "y", content)
    assert ollama(home) == []


def test_there_is_an_end_to_tags(home, monkeypatch):
    monkeypatch.setattr(module, "MAX_REPOSITORIES", 10)
    blob(home, DIGEST)
    for tag in range(30):
        manifest(home, f"registry.ollama.ai/library/x/{tag}", (MODEL, DIGEST))
    assert len(ollama(home)) == 10


def test_nothing_is_there(home):
    environment = {"OLLAMA_MODELS": str(home / "gone"), "HF_HOME": "bad\0path"}
    assert found_elsewhere(environment, home) == []
