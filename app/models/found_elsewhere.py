"""Models that other programs keep on this machine. They are used where they lie, and never changed.

Layouts and where they are described:

- Hugging Face: huggingface.co/docs/hub/local-cache, and huggingface_hub/constants.py for the variables.
- LM Studio: lmstudio.ai/docs/app/advanced/import-model (publisher/repository/file), and `findLMStudioHome`
  of lmstudio-js (packages/lms-common-server) for its home.
- Ollama: docs/faq.md (where models are stored) and server/internal/manifest of ollama: a manifest for each
  tag, whose layers name files by their SHA-256.

What those folders say comes from strangers: every name is checked before it becomes a path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.domain.model import Place
from app.models.model_files import MAX_NAME, FoundModel, models_under, read_json
from app.models.one_line import one_line

MAX_REPOSITORIES = 5000
"""Looked at in one cache, and so many tags of Ollama's."""
MAX_SNAPSHOTS = 20
"""Of one repository: every revision that was ever downloaded has one."""
MAX_SMALL_FILE = 1 << 20
"""Bytes of a manifest or of a settings file; they have some hundreds."""

_REPOSITORY = re.compile(r"models--([A-Za-z0-9_.-]+)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_WEIGHTS = "application/vnd.ollama.image.model"
_PROJECTOR = "application/vnd.ollama.image.projector"
_OLLAMA_HOSTS = ("registry.ollama.ai", "ollama.com")
"""Its own registry; models of others have the host in their name."""
_OLLAMA_SERVICE = Path("/usr/share/ollama/.ollama/models")
"""Where the service keeps them that Ollama's installer sets up on Linux."""


def found_elsewhere(environment: Mapping[str, str], home: Path) -> list[FoundModel]:
    """All of them. Never fails: a program that is not there has no models. `home` is the person's folder."""
    found: list[FoundModel] = []
    found += hugging_face(hugging_face_cache(environment, home))
    for folder in lm_studio_folders(home):
        found += models_under(folder, Place.LM_STUDIO)
    for folder in ollama_folders(environment, home):
        found += ollama(folder)
    return found


def known_sha256(path: Path) -> str | None:
    """What the file must hash to, where its name in a cache says so: the hub's large files, Ollama's all."""
    try:
        real = path.resolve(strict=True)
    except OSError:
        return None
    name = real.name.removeprefix("sha256-")
    return name if real.parent.name == "blobs" and _SHA256.fullmatch(name) else None


def hugging_face_cache(environment: Mapping[str, str], home: Path) -> Path:
    """Where huggingface_hub keeps what it downloads."""
    for variable, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if named := environment.get(variable):
            return _expanded(named, home) / below
    return home / ".cache" / "huggingface" / "hub"


def hugging_face(cache: Path) -> list[FoundModel]:
    """The models in a cache of huggingface_hub: `models--OWNER--NAME/snapshots/REVISION/…`.

    Snapshots hold links into `blobs`. The one that the main branch is at comes first; what others have in
    common with it is left out by `library.named`.
    """
    found: list[FoundModel] = []
    for folder in _folders(cache, MAX_REPOSITORIES):
        match = _REPOSITORY.fullmatch(folder.name)
        if match is None:
            continue
        repository = match[1].replace("--", "/")
        main = _text(folder / "refs" / "main")
        snapshots = _folders(folder / "snapshots", MAX_SNAPSHOTS)
        for snapshot in sorted(snapshots, key=lambda it: it.name != main):
            found += models_under(snapshot, Place.HUGGING_FACE, prefix=f"{repository}/")
    return found


def lm_studio_folders(home: Path) -> list[Path]:
    """Where LM Studio may keep models: its home is named in a file, was elsewhere once, and can be set."""
    homes = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    if pointed := _text(home / ".lmstudio-home-pointer"):
        homes.insert(0, _expanded(pointed, home))
    folders: list[Path] = []
    for one in homes:
        chosen = read_json(one / "settings.json", MAX_SMALL_FILE).get("downloadsFolder")
        if isinstance(chosen, str) and chosen and "\0" not in chosen and Path(chosen).is_absolute():
            folders.append(Path(chosen))
        folders.append(one / "models")
    return list(dict.fromkeys(folders))


def ollama_folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where Ollama may keep models."""
    if named := environment.get("OLLAMA_MODELS"):
        return [_expanded(named, home)]
    folders = [home / ".ollama" / "models"]
    if sys.platform.startswith("linux"):
        folders.append(_OLLAMA_SERVICE)
    return folders


def ollama(folder: Path) -> list[FoundModel]:
    """The models of Ollama under `folder`: `manifests/HOST/NAMESPACE/NAME/TAG` and `blobs/sha256-…`.

    They are called NAME:TAG as Ollama calls them. Of several tags of one file "latest" comes last, and
    `library.named` keeps the first.
    """
    found = []
    for host, namespace, name, tag, manifest in _manifests(folder):
        layers = read_json(manifest, MAX_SMALL_FILE).get("layers")
        blobs = list(_blobs(folder, layers, _WEIGHTS))
        if len(blobs) != 1:  # tensors one by one, or a model in the cloud
            continue
        path, size = blobs[0]
        short = f"{name}:{tag}"
        owned = short if namespace == "library" and host in _OLLAMA_HOSTS else f"{namespace}/{short}"
        full = owned if host in _OLLAMA_HOSTS else f"{host}/{owned}"
        projector = next((file for file, _ in _blobs(folder, layers, _PROJECTOR)), None)
        names = tuple(one_line(it, MAX_NAME) for it in dict.fromkeys((full, f"{host}/{namespace}/{short}")))
        found.append(FoundModel(path, size, Place.OLLAMA, names, projector=projector))
    return sorted(found, key=lambda model: (model.names[0].endswith(":latest"), model.names))


def _manifests(folder: Path) -> Iterator[tuple[str, str, str, str, Path]]:
    """Host, namespace, name, tag and file of each manifest."""
    left = MAX_REPOSITORIES
    for host in _folders(folder / "manifests", left):
        for namespace in _folders(host, left):
            for name in _folders(namespace, left):
                for tag in _entries(name, left):
                    if tag.is_file():
                        left -= 1
                        yield host.name, namespace.name, name.name, tag.name, tag
                    if left <= 0:
                        return


def _blobs(folder: Path, layers: object, media_type: str) -> Iterator[tuple[Path, int]]:
    """The files, with their sizes, of a manifest's layers of one kind, as far as they are there."""
    for layer in layers[:64] if isinstance(layers, list) else ():
        if not isinstance(layer, dict) or layer.get("mediaType") != media_type:
            continue
        digest = layer.get("digest")
        match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
        if match is None:
            continue
        path = folder / "blobs" / f"sha256-{match[1]}"
        try:
            if path.is_file():
                yield path, path.stat().st_size
        except OSError:
            continue


def _folders(folder: Path, most: int) -> list[Path]:
    return [entry for entry in _entries(folder, most) if entry.is_dir()]


def _entries(folder: Path, most: int) -> list[Path]:
    """What lies in a folder, by name, without hidden entries; at most `most` are looked at."""
    names = []
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= most:
                    break
                if not entry.name.startswith("."):
                    names.append(entry.name)
    except (OSError, ValueError):
        return []
    return [folder / name for name in sorted(names)]


def _text(path: Path) -> str:
    """The text of a small file; empty for one that is not there, is no text, or could be no path."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return ""
        with path.open("rb") as file:
            text = file.read(4096).decode("utf-8").strip()
    except (OSError, ValueError):
        return ""
    return "" if "\0" in text else text


def _expanded(path: str, home: Path) -> Path:
    return home / path.removeprefix("~").lstrip("/\\") if path.startswith("~") else Path(path).absolute()
