from pathlib import Path

from app.domain.server_address import ServerAddress
from app.engines.address import Address


def test_an_address_of_a_server():
    where = ServerAddress.parse("https://gpu.example:8443/openai/v1")
    address = Address.of(where, api_key="secret", model="m", ca_file=Path("ca.pem"), server="Team GPU")
    assert address.where == where
    assert address.who == "Team GPU"
    assert Address("127.0.0.1", 1, "secret").who == "The engine"


def test_the_key_is_in_no_text():
    assert "secret" not in repr(Address("127.0.0.1", 1, "secret")) + str(Address("127.0.0.1", 1, "secret"))
