from dataclasses import replace

from app.domain.attached import AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.server_address import ServerAddress

FACTS = ServerFacts(ServerKind.VLLM, (ServerModel("a", 4096), ServerModel("b")), "0.32.0")


def test_a_model_by_its_name():
    assert FACTS.model("b") == ServerModel("b", None)
    assert FACTS.model("c") is None


def test_a_server_stays_the_same_whatever_it_says_of_itself():
    server = AttachedServer(3, "Team", ServerAddress.parse("https://gpu.example"))
    assert server.id == "attached:3"
    assert replace(server, facts=FACTS) == server
    assert replace(server, has_key=True) != server


def test_a_key_is_for_one_address():
    server = AttachedServer(3, "Team", ServerAddress.parse("https://gpu.example"))
    moved = replace(server, address=ServerAddress.parse("https://other.example"))
    assert server.key_account != moved.key_account
