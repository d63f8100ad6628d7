import logging
import traceback

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.domain.errors import HubError, StorageError
from app.storage.secrets import ServerKeys, TokenPlace, TokenStore

TOKEN = "hf_secretSECRETsecret"
OTHER = "hf_otherOTHERother"
ACCOUNT = "huggingface.co"


class SystemStore(KeyringBackend):
    """A keyring as a system has it, in memory."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.passwords = {}
        self.error = None

    def _check(self):
        if self.error is not None:
            raise self.error

    def get_password(self, service, username):
        self._check()
        return self.passwords.get((service, username))

    def set_password(self, service, username, password):
        self._check()
        self.passwords[service, username] = password

    def delete_password(self, service, username):
        self._check()
        del self.passwords[service, username]


SystemStore.__module__ = "keyring.backends.SecretService"


class FileStore(SystemStore):
    """One that this app must not use: it keeps passwords in a file."""


FileStore.__module__ = "keyrings.alt.file"


class Several(FileStore):
    """As keyring's chainer."""

    def __init__(self, *backends):
        super().__init__()
        self.backends = list(backends)


@pytest.fixture(autouse=True)
def without_variable(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def use():
    """Make a keyring the chosen one."""
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def system(use):
    store = SystemStore()
    use(store)
    return store


def test_a_token_is_kept_by_the_system(system):
    store = TokenStore(ACCOUNT)
    assert (store.token(), store.place()) == (None, TokenPlace.NOWHERE)
    assert store.keep(f"  {TOKEN}\n") is TokenPlace.KEYRING
    assert system.passwords == {("Edgewise", ACCOUNT): TOKEN}
    for found in (store, TokenStore(ACCOUNT)):
        assert (found.token(), found.place()) == (TOKEN, TokenPlace.KEYRING)
    assert TokenStore("mirror.example").token() is None
    store.forget()
    assert system.passwords == {}
    assert (store.token(), store.place()) == (None, TokenPlace.NOWHERE)
    store.forget()


def test_without_a_keyring_it_is_kept_for_this_run(use):
    use(fail.Keyring())
    store = TokenStore(ACCOUNT)
    assert store.token() is None
    assert store.keep(TOKEN) is TokenPlace.THIS_RUN
    assert (store.token(), store.place()) == (TOKEN, TokenPlace.THIS_RUN)
    assert TokenStore(ACCOUNT).token() is None
    store.forget()
    assert store.token() is None


def test_it_never_goes_into_a_file(use):
    file, system = FileStore(), SystemStore()
    use(file)
    assert TokenStore(ACCOUNT).keep(TOKEN) is TokenPlace.THIS_RUN
    assert file.passwords == {}
    use(Several(file, system))
    assert TokenStore(ACCOUNT).keep(TOKEN) is TokenPlace.KEYRING
    assert file.passwords == {}
    assert system.passwords


def test_the_environment_comes_first_and_is_only_read(system, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"{OTHER}\n")
    store = TokenStore(ACCOUNT)
    assert (store.token(), store.place()) == (OTHER, TokenPlace.ENVIRONMENT)
    store.keep(TOKEN)
    assert store.token() == OTHER
    store.forget()
    assert store.token() == OTHER
    monkeypatch.setenv("HF_TOKEN", "no token at all")
    assert store.token() is None


@pytest.mark.parametrize(
    "text", ["", "short", "with space in it", "line\nbreak hf_", "hf_ünïcödé", "x" * 600]
)
def test_what_is_no_token(system, text):
    with pytest.raises(HubError, match="not an access token") as raised:
        TokenStore(ACCOUNT).keep(text)
    assert not text or text not in str(raised.value) + raised.value.detail
    assert system.passwords == {}


def test_a_keyring_that_holds_rubbish(system):
    system.passwords["Edgewise", ACCOUNT] = "bad\r\nX-Header: 1"
    assert TokenStore(ACCOUNT).token() is None


@pytest.mark.parametrize("error", [KeyringLocked(TOKEN), OSError(TOKEN), ValueError(TOKEN)])
def test_a_keyring_that_does_not_open(system, error, caplog):
    caplog.set_level(logging.DEBUG)
    system.error = error
    store = TokenStore(ACCOUNT)
    assert store.token() is None
    assert store.keep(TOKEN) is TokenPlace.THIS_RUN
    assert store.token() == TOKEN
    with pytest.raises(StorageError, match="does not let go") as raised:
        store.forget()
    assert store.token() is None
    assert "keyring" in caplog.text
    told = caplog.text + "".join(traceback.format_exception(raised.value)) + raised.value.detail
    assert TOKEN not in told


def test_a_token_that_cannot_be_deleted(system):
    store = TokenStore(ACCOUNT)
    store.keep(TOKEN)
    system.delete_password = lambda *_: (_ for _ in ()).throw(PasswordDeleteError("no"))
    with pytest.raises(StorageError, match="Edgewise"):
        store.forget()


def test_it_is_in_no_text(system, caplog):
    caplog.set_level(logging.DEBUG)
    store = TokenStore(ACCOUNT)
    store.keep(TOKEN)
    store.token()
    assert TOKEN not in repr(store) + str(store) + caplog.text


SERVER = "attached:1 https://gpu.example/v1"


def test_keys_of_servers_are_kept_apart(system):
    keys = ServerKeys()
    assert keys.keep(SERVER, " key-1\n") is TokenPlace.KEYRING
    assert keys.keep("attached:2 https://other.example/v1", "key-2") is TokenPlace.KEYRING
    assert ServerKeys().get(SERVER) == "key-1"
    assert ServerKeys().get("attached:1 https://evil.example/v1") is None
    keys.forget(SERVER)
    assert keys.get(SERVER) is None
    assert system.passwords == {("Edgewise", "attached:2 https://other.example/v1"): "key-2"}


def test_without_a_keyring_a_key_is_kept_for_this_run(use):
    use(fail.Keyring())
    keys = ServerKeys()
    assert keys.keep(SERVER, "key") is TokenPlace.THIS_RUN
    assert keys.get(SERVER) == "key"
    assert ServerKeys().get(SERVER) is None
    keys.forget(SERVER)
    assert keys.get(SERVER) is None


@pytest.mark.parametrize("text", ["", "  ", "two words", "line\nbreak", "schlüssel", "x" * 5000])
def test_what_is_no_key(system, text):
    with pytest.raises(StorageError, match="cannot be a key") as raised:
        ServerKeys().keep(SERVER, text)
    assert not text.strip() or text not in raised.value.message + raised.value.detail
    assert system.passwords == {}


def test_a_keyring_that_takes_no_key(system, caplog):
    caplog.set_level(logging.DEBUG)
    system.error = OSError("key-1")
    keys = ServerKeys()
    assert keys.get(SERVER) is None
    assert keys.keep(SERVER, "key-1") is TokenPlace.THIS_RUN
    with pytest.raises(StorageError, match="does not let go of the key") as raised:
        keys.forget(SERVER)
    assert "key-1" not in caplog.text + "".join(traceback.format_exception(raised.value)) + repr(keys)


def test_a_keyring_that_holds_no_good_key(system):
    system.passwords["Edgewise", SERVER] = "bad\r\nX-Header: 1"
    assert ServerKeys().get(SERVER) is None


@pytest.mark.parametrize(
    ("text", "why"), [("hf_1", "it has too few characters"), (" \n", "there is nothing in it")]
)
def test_a_short_token_is_called_short(system, text, why):
    with pytest.raises(HubError, match=f"not an access token: {why}. Copy it whole"):
        TokenStore(ACCOUNT).keep(text)
