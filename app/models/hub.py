"""Searches a model hub and lists what a repository holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.hub import Format, HubModel, HubRepository, Variant
from app.models.gguf_header import GgufHeader
from app.models.hub_answers import read_models, read_repository
from app.models.hub_paths import repository_in, safe_repository, safe_revision
from app.models.hub_requests import Parameters, get_json
from app.models.remote_file import read_remote_header

MOST_FOUND = 200
LONGEST_WORDS = 200
"""Characters of a search; the rest is not sent."""

# What a search is to say of each model beyond its name (huggingface_hub.hf_api.ExpandModelProperty_T).
_EXPAND = ("downloads", "likes", "gated", "private", "tags", "safetensors", "gguf", "lastModified")


class Sort(StrEnum):
    """By what a search is ordered, the most first."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    UPDATED = "lastModified"
    TRENDING = "trendingScore"


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub at `endpoint`, asked with the account's `token` if there is one. Every method blocks.

    Raises HubError everywhere, of the kind that it is.
    """

    endpoint: str
    token: str | None = field(default=None, repr=False)

    def search(
        self, words: str, *, format: Format | None = None, sort: Sort = Sort.DOWNLOADS, limit: int = 30
    ) -> list[HubModel]:
        """Models in `format`, or in any that an engine reads, whose names hold `words`. Empty: any.

        Words may also be a repository's address.
        """
        wanted = max(1, min(limit, MOST_FOUND))
        parameters: dict[str, str | int | tuple[str, ...]] = {
            "sort": sort.value,
            # Without a filter some will have neither format.
            "limit": wanted if format else 2 * wanted,
            "expand": _EXPAND,
        }
        printable = "".join(
            character if character.isprintable() else " " for character in repository_in(words)
        )
        text = " ".join(printable.split())[:LONGEST_WORDS]
        if text:
            parameters["search"] = text
        if format:
            parameters["filter"] = format.value.lower()
        models = read_models(self._ask("/api/models", "models", parameters))
        return [m for m in models if m.formats and (format is None or format in m.formats)][:wanted]

    def repository(self, name: str, revision: str = "main") -> HubRepository:
        """What the repository holds at `revision`: a branch, a tag or a commit's hash."""
        path = f"/api/models/{safe_repository(name)}/revision/{safe_revision(revision).replace('/', '%2F')}"
        return read_repository(self._ask(path, name, {"blobs": "true"}), name)

    def header(self, variant: Variant) -> GgufHeader:
        """What `variant`'s model says of itself. Raises also ModelFileError where it is no GGUF file."""
        return read_remote_header(variant, endpoint=self.endpoint, token=self.token)

    def _ask(self, path: str, what: str, parameters: Parameters) -> object:
        return get_json(self.endpoint + path, what, token=self.token, parameters=parameters)
