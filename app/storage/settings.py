"""The person's settings, in a JSON file that they may also edit by hand."""

from __future__ import annotations

import json
import logging
from base64 import b64decode
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from app.domain.engine import LoadWishes
from app.domain.errors import StorageError
from app.domain.generation import PARAMETERS, SamplingParams
from app.storage.damaged import set_aside
from app.storage.json_file import write_json
from app.storage.well_formed import well_formed

Theme = Literal["system", "light", "dark"]

MAXIMUM_CONTEXT_LENGTH = 16_777_216
MAXIMUM_THREADS = 1024
DEFAULT_IDLE_MINUTES = 15
MAXIMUM_IDLE_MINUTES = 7 * 24 * 60
MAXIMUM_GPUS = 64
MAXIMUM_SPEED = 10_000.0
DEEPEST_UNKNOWN = 16
"""Levels of nesting up to which a newer version's setting is kept."""
NUMBER_FORMATS = ("bfloat16", "float16", "float32")
"""What an engine can be told to compute in."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person has set. None leaves the choice to the app."""

    theme: Theme = "system"
    model: str | None = None
    """Library name of the model used last."""
    context_length: int | None = None
    """Tokens, from 1 to `MAXIMUM_CONTEXT_LENGTH`."""
    threads: int | None = None
    """From 1 to `MAXIMUM_THREADS`."""
    system_prompt: str = ""
    """What new conversations begin with; so do `params`."""
    params: SamplingParams = SamplingParams()
    window_geometry: str = ""
    """Base64 of what the toolkit saved; empty when never saved."""
    sidebar_open: bool = True
    offline: bool = False
    engines: Mapping[str, str] = field(default_factory=dict)
    """For formats of models ("GGUF") the id of the engine that was chosen last."""
    idle_minutes: int | None = DEFAULT_IDLE_MINUTES
    """A model that was not used for so long is unloaded, unless its engine is the one in use. None: never."""
    loading: Mapping[str, LoadWishes] = field(default_factory=dict)
    """For engines by id, what differs for them from how other models are loaded."""
    goal_context: int | None = None
    """Tokens of context that models are judged with, as `context_length`; it changes no load."""
    goal_speed: float | None = None
    """Tokens a second that a model should make, up to `MAXIMUM_SPEED`."""
    look_for_updates: bool = False
    """Whether to ask once a day for a newer version. Off until a person switches it on."""
    unknown: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the file held beyond this: a newer Edgewise's settings, which an older one gives back."""

    def wishes_for(self, engine: str) -> LoadWishes:
        """How a model is loaded in an engine: what is set for it, else what is set for all."""
        own = self.loading.get(engine, LoadWishes())
        return replace(
            own,
            context_length=own.context_length or self.context_length,
            threads=own.threads or self.threads,
        )


def load_settings(path: Path) -> Settings:
    """Read the settings. Never fails: what is missing, of the wrong type or out of range is the default.

    A file that is no JSON object is set aside, so that saving does not overwrite what a person wrote.
    """
    try:
        # utf-8-sig: some editors begin a file with a byte order mark.
        values = json.loads(path.read_text("utf-8-sig"), parse_int=_whole_number)
        if not isinstance(values, dict):
            raise ValueError(f"expected an object, found {type(values).__name__}")
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("The settings in %s cannot be read and begin anew: %s", path, error)
        with suppress(StorageError):  # what cannot be renamed cannot be overwritten later either
            _log.warning("The old settings are kept in %s", set_aside(path))
        return Settings()
    accepted = {}
    for name, read in _READERS.items():
        if name in values:
            with suppress(ValueError):
                accepted[name] = read(values[name])
    return Settings(**accepted, unknown=_unknown(values))


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings, all or nothing. Raises `DiskFull` or `StorageError`; the old file then stays."""
    write_json(path, _merged(settings.unknown, asdict(replace(settings, unknown={}))))


def _unknown(values: dict[str, Any]) -> dict[str, Any]:
    """What of `values` no setting of this version reads: whole settings, parameters, wishes of an engine."""
    found = _beyond(values, _READERS)
    params, loading = values.get("params"), values.get("loading")
    if isinstance(params, dict):
        found["params"] = _beyond(params, [parameter.name for parameter in PARAMETERS])
    if isinstance(loading, dict):
        wished = [wish.name for wish in fields(LoadWishes)]
        found["loading"] = {
            engine: beyond
            for engine, wishes in loading.items()
            if isinstance(wishes, dict) and (beyond := _beyond(wishes, wished))
        }
    return {name: value for name, value in found.items() if value or name not in ("params", "loading")}


def _beyond(values: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in known and _is_shallow(value)}


def _is_shallow(value: object, levels: int = DEEPEST_UNKNOWN) -> bool:
    """Whether it can be written again: what is read into may be nested deeper than what is written from."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inner or (levels > 0 and all(_is_shallow(it, levels - 1) for it in inner))


def _merged(unknown: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """`values`, and what `unknown` has beside them; an engine that has no wishes any more comes without."""
    values.pop("unknown")
    merged = {**unknown, **values, "params": {**unknown.get("params", {}), **values["params"]}}
    merged["loading"] = {
        engine: {**unknown.get("loading", {}).get(engine, {}), **wishes}
        for engine, wishes in values["loading"].items()
    }
    return merged


def _whole_number(digits: str) -> float:
    # Longer than any setting takes; as a float it cannot overflow where it is compared.
    return int(digits) if len(digits) < 20 else float(digits)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return well_formed(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _theme(value: object) -> Theme:
    for theme in get_args(Theme):
        if value == theme:
            return cast(Theme, theme)
    raise ValueError(value)


def _geometry(value: object) -> str:
    text = _text(value)
    b64decode(text, validate=True)
    return text


def _params(value: object) -> SamplingParams:
    if not isinstance(value, dict):
        raise ValueError(value)
    return SamplingParams.from_dict(value)


def _words(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(it, str) for it in value.values()):
        raise ValueError(value)
    return {well_formed(name): well_formed(said) for name, said in value.items()}


def _loading(value: object) -> dict[str, LoadWishes]:
    """Of each engine what can be read; the rest is left to the app."""
    if not isinstance(value, dict):
        raise ValueError(value)
    return {well_formed(engine): _wishes(said) for engine, said in value.items() if isinstance(said, dict)}


def _wishes(values: dict[str, object]) -> LoadWishes:
    accepted = {}
    for name, read in _WISHES.items():
        if values.get(name) is not None:
            with suppress(ValueError):
                accepted[name] = read(values[name])
    return LoadWishes(**accepted)


def _one_of(*known: object) -> Callable[[object], Any]:
    def read(value: object) -> object:
        if isinstance(value, bool) or value not in known:
            raise ValueError(value)
        return known[known.index(value)]  # 8.0 is 8

    return read


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(value)
    return float(value)


def _speed(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAXIMUM_SPEED:
        raise ValueError(value)
    return float(value)


def _optional(read: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else read(value)


def _up_to(maximum: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= maximum:
            raise ValueError(value)
        return value

    return read


_WISHES: dict[str, Callable[[object], Any]] = {
    "context_length": _up_to(MAXIMUM_CONTEXT_LENGTH),
    "threads": _up_to(MAXIMUM_THREADS),
    "dtype": _one_of(*NUMBER_FORMATS),
    "quantize_bits": _one_of(4, 8),
    "gpu_memory_share": _share,
    "tensor_parallel": _up_to(MAXIMUM_GPUS),
}

_READERS: dict[str, Callable[[object], Any]] = {
    "theme": _theme,
    "model": _optional(_text),
    "context_length": _optional(_up_to(MAXIMUM_CONTEXT_LENGTH)),
    "threads": _optional(_up_to(MAXIMUM_THREADS)),
    "system_prompt": _text,
    "params": _params,
    "window_geometry": _geometry,
    "sidebar_open": _yes_or_no,
    "offline": _yes_or_no,
    "engines": _words,
    "idle_minutes": _optional(_up_to(MAXIMUM_IDLE_MINUTES)),
    "loading": _loading,
    "goal_context": _optional(_up_to(MAXIMUM_CONTEXT_LENGTH)),
    "goal_speed": _optional(_speed),
    "look_for_updates": _yes_or_no,
}
"""For each field: the value to use, or ValueError for one that it cannot take."""
