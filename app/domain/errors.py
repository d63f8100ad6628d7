"""Expected failures: things that go wrong on a healthy program and that a person can act on.

Everything else is a bug and is let fly. An `EdgewiseError` carries a sentence fit for the window and,
apart from it, the detail that belongs behind "Show log".
"""

from __future__ import annotations


class EdgewiseError(Exception):
    """An expected failure.

    `message` says what happened, why if known, and what to do, in plain sentences.
    `detail` is the raw evidence (a log, a server's answer) and may be empty.
    """

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return self.message


class Cancelled(EdgewiseError):
    """A person stopped it. Nothing is left half done."""


class ModelFileError(EdgewiseError):
    """A model file is missing, is not what its name says, or is damaged."""


class ConversionFailed(EdgewiseError):
    """A model could not be converted, quantized or measured. Nothing was kept."""


class NoModelYet(ModelFileError):
    """There is no model at all to choose from."""


class HubError(EdgewiseError):
    """The model hub did not give what was asked of it."""


class Offline(HubError):
    """The offline switch is on: nothing was tried."""


class HubUnreachable(HubError):
    """The hub did not answer, or its answer broke off. Trying again later may help."""


class HubBusy(HubError):
    """The hub asks to wait. `retry_after_s` in seconds, None when it does not say how long."""

    def __init__(self, message: str, *, retry_after_s: float | None, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.retry_after_s = retry_after_s


class AccessDenied(HubError):
    """The repository needs a token, or the token's account was not granted access."""


class TokenRefused(AccessDenied):
    """The hub does not know the token, whatever it was to be shown for."""


class NotOnHub(HubError):
    """There is no such repository, revision or file."""


class DownloadDamaged(HubError):
    """What arrived is not what the hub said it would be."""


class EngineMissing(EdgewiseError):
    """The engine's program is not installed."""


class InstallFailed(EdgewiseError):
    """An engine's environment could not be made, or is not whole. What worked before still does."""


class EngineStartFailed(EdgewiseError):
    """The engine's process did not become ready."""


class NotEnoughMemory(EngineStartFailed):
    """The model did not fit into memory."""


class WouldNotFit(NotEnoughMemory):
    """By the forecast the model does not fit, so its start was not tried. A person may insist on it."""


class EngineGone(EdgewiseError):
    """The engine stopped answering: its process ended or its connection broke."""


class EngineTimeout(EngineGone):
    """The engine is there but sent nothing for longer than it may."""


class RequestRefused(EdgewiseError):
    """The engine answered a request with an error. `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.status = status


class ContextOverflow(RequestRefused):
    """The prompt does not fit into the model's context. Lengths are in tokens, None when not told."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        prompt_tokens: int | None,
        context_length: int | None,
        detail: str = "",
    ) -> None:
        super().__init__(message, status=status, detail=detail)
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length


class AddressError(EdgewiseError):
    """What was typed is not the address of a server."""


class ServerBlocked(EdgewiseError):
    """The offline switch is on and the server is on another computer: nothing was tried."""


class ServerUnreachable(EngineGone):
    """There is no connection to an attached server."""


class CertificateRefused(ServerUnreachable):
    """A server's certificate does not prove that it is the one that was asked for."""


class KeyRefused(RequestRefused):
    """The server wants a key, or another one."""


class NotAServer(EdgewiseError):
    """Something answers there, but not as a server of models does."""


class ModelNotServed(EdgewiseError):
    """The server has no model, or not the one that was asked for."""


class UpdateUnknown(EdgewiseError):
    """Whether there is a newer version could not be found out."""


class StorageError(EdgewiseError):
    """The data folder or the database cannot be used."""


class DatabaseTooNew(StorageError):
    """The database was written by a newer Edgewise."""


class DiskFull(StorageError):
    """Nothing more can be written."""
