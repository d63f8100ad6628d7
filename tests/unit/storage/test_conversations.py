import sqlite3
from contextlib import closing

import pytest

from app.domain.conversation import UNTITLED, Conversation, ConversationSummary, Message, MessageState
from app.domain.generation import Role, SamplingParams
from app.domain.metrics import GenerationMetrics
from app.storage.conversations import INTERRUPTED_BY_CLOSING, Conversations
from app.storage.database import Database


class Clock:
    """Tells a second more each time it is asked."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.125

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    with Database.open(tmp_path / "Gespräche 会話.db") as database:
        yield database


@pytest.fixture
def conversations(database, clock):
    return Conversations(database, clock)


@pytest.fixture
def chat(conversations):
    return conversations.create().result().id


def ask(conversations, chat, text, parent_id=None):
    return conversations.append(chat, Role.USER, text, parent_id=parent_id).result()


def answer(conversations, chat, text, parent_id, state=MessageState.COMPLETE):
    return conversations.append(
        chat, Role.ASSISTANT, text, parent_id=parent_id, state=state, model="SmolLM2", engine="llama.cpp"
    ).result()


def end(conversations, message, **changes):
    given = {"text": message.text, "reasoning": "", "state": MessageState.COMPLETE} | changes
    conversations.update_reply(message.id, **given).result()


def test_what_is_created_is_what_is_read(conversations):
    params = SamplingParams(temperature=0.1, top_k=7, max_tokens=99, seed=2**32 - 2)
    made = conversations.create("Sei knapp. 🦙", params, "SmolLM2").result()
    assert made == conversations.get(made.id)
    assert made == Conversation(
        made.id, UNTITLED, made.created_at, made.created_at, "Sei knapp. 🦙", params, "SmolLM2"
    )
    assert conversations.path(made.id) == []
    with_engine = conversations.create(model="SmolLM2", engine="vllm").result()
    assert conversations.get(with_engine.id) == with_engine
    assert with_engine.engine == "vllm"


def test_a_message_is_read_as_it_was_appended(conversations, chat):
    question = ask(conversations, chat, "Wie groß?\x00\n\nZeile 🦙")
    reply = answer(conversations, chat, "Drei", question.id, MessageState.STREAMING)
    assert conversations.path(chat) == [question, reply]
    assert type(conversations.path(chat)[0]) is Message
    assert (reply.role, reply.state, reply.model, reply.engine) == (
        Role.ASSISTANT,
        MessageState.STREAMING,
        "SmolLM2",
        "llama.cpp",
    )
    assert isinstance(conversations.path(chat)[1].role, Role)
    assert isinstance(conversations.path(chat)[1].state, MessageState)


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        GenerationMetrics(ttft_s=0.0123, duration_s=4.5),
        GenerationMetrics(None, 1.0, prompt_tokens=12, completion_tokens=34, server_tokens_per_second=56.78),
    ],
)
def test_a_reply_is_read_as_it_was_last_saved(conversations, chat, metrics):
    question = ask(conversations, chat, "Frage")
    reply = answer(conversations, chat, "", question.id, MessageState.STREAMING)
    before = conversations.get(chat)
    end(conversations, reply, text="Hal", state=MessageState.STREAMING)
    end(
        conversations,
        reply,
        text="Hallo",
        reasoning="Hm …",
        state=MessageState.INTERRUPTED,
        error="The engine stopped.",
        left_out=4,
        metrics=metrics,
    )
    stored = conversations.path(chat)[-1]
    assert stored == Message(
        id=reply.id,
        parent_id=question.id,
        role=Role.ASSISTANT,
        text="Hallo",
        created_at=reply.created_at,
        state=MessageState.INTERRUPTED,
        reasoning="Hm …",
        model="SmolLM2",
        engine="llama.cpp",
        error="The engine stopped.",
        left_out=4,
        metrics=metrics,
    )
    assert conversations.get(chat) == before


def test_half_an_emoji_does_not_lose_a_message(conversations, chat):
    question = ask(conversations, chat, "cut \ud83e")
    reply = answer(conversations, chat, "", question.id)
    end(conversations, reply, text="\ud83e\udd99", reasoning="\udd99")
    assert question.text == "cut \ufffd"
    assert [m.text for m in conversations.path(chat)] == ["cut \ufffd", "🦙"]
    conversations.set_draft(chat, "\ud83e").result()
    assert conversations.get(chat).draft == "\ufffd"


def test_the_first_question_names_the_conversation(conversations, chat):
    ask(conversations, chat, "# Where do\nllamas live?")
    assert conversations.get(chat).title == "Where do"
    ask(conversations, chat, "And alpacas?", conversations.path(chat)[-1].id)
    assert conversations.get(chat).title == "Where do"


def test_a_reply_does_not_name_the_conversation(conversations, chat):
    greeting = answer(conversations, chat, "Hello!", None)
    assert conversations.get(chat).title == UNTITLED
    ask(conversations, chat, "Hi there", greeting.id)
    assert conversations.get(chat).title == "Hi there"


def test_a_title_of_ones_own_stays(conversations, chat):
    created = conversations.get(chat)
    conversations.rename(chat, "  Mein\n Titel ").result()
    assert conversations.get(chat).title == "Mein Titel"
    assert conversations.get(chat).last_used_at == created.last_used_at
    ask(conversations, chat, "Something else")
    assert conversations.get(chat).title == "Mein Titel"


@pytest.mark.parametrize("blank", ["", " \n\t"])
def test_a_blank_title_is_refused(conversations, chat, blank):
    with pytest.raises(ValueError, match="visible"):
        conversations.rename(chat, blank)
    assert conversations.get(chat).title == UNTITLED


def test_a_second_reply_stands_beside_the_first(conversations, chat):
    question = ask(conversations, chat, "Frage")
    first = answer(conversations, chat, "eins", question.id)
    second = answer(conversations, chat, "zwei", question.id)
    follow_up = ask(conversations, chat, "weiter", second.id)
    assert [m.text for m in conversations.path(chat)] == ["Frage", "zwei", "weiter"]
    conversations.set_leaf(chat, first.id).result()
    assert [m.text for m in conversations.path(chat)] == ["Frage", "eins"]
    conversations.set_leaf(chat, follow_up.id).result()
    assert [m.text for m in conversations.path(chat)] == ["Frage", "zwei", "weiter"]


@pytest.mark.parametrize(("last", "expected"), [(0, []), (1, ["3"]), (3, ["1", "2", "3"]), (9, list("0123"))])
def test_only_the_end_of_a_path_can_be_read(conversations, chat, last, expected):
    parent = None
    for text in "0123":
        parent = ask(conversations, chat, text, parent).id
    assert [m.text for m in conversations.path(chat, last=last)] == expected


def test_paths_of_interleaved_conversations_stay_apart(conversations):
    chats = [conversations.create().result().id for _ in range(3)]
    parents = dict.fromkeys(chats)
    for i in range(12):
        chat = chats[i * 7 % 3]
        parents[chat] = ask(conversations, chat, f"{chat}:{i}", parents[chat]).id
    for chat in chats:
        path = conversations.path(chat)
        assert len(path) == 4
        assert all(message.text.startswith(f"{chat}:") for message in path)
        assert [message.parent_id for message in path[1:]] == [message.id for message in path[:-1]]


def test_a_long_path_is_complete_and_in_order(database, conversations, chat):
    def fill(connection):
        connection.executemany(
            "INSERT INTO messages (conversation_id, parent_id, role, text, state, created_at)"
            " VALUES (?, ?, 'user', ?, 'complete', 0.0)",
            ((chat, i or None, str(i)) for i in range(10_000)),
        )
        connection.execute("UPDATE conversations SET leaf_id = 10000 WHERE id = ?", (chat,))

    database.write(fill).result()
    assert [message.text for message in conversations.path(chat)] == [str(i) for i in range(10_000)]


def test_the_list_is_ordered_by_last_use(conversations):
    a, b, c = (conversations.create().result().id for _ in range(3))
    assert [s.id for s in conversations.summaries()] == [c, b, a]
    message = ask(conversations, a, "Hallo")
    summary = conversations.summaries()[0]
    assert summary == ConversationSummary(a, "Hallo", message.created_at)
    assert [s.id for s in conversations.summaries()] == [a, c, b]


def test_conversations_of_the_same_moment_keep_their_order(database):
    conversations = Conversations(database, clock=lambda: 5.0)
    made = [conversations.create().result().id for _ in range(5)]
    assert [s.id for s in conversations.summaries()] == made[::-1]


def test_changing_a_conversation_is_not_using_it(conversations, chat):
    before = conversations.get(chat)
    params = SamplingParams(temperature=0.0)
    conversations.set_draft(chat, "half a thou").result()
    conversations.set_system_prompt(chat, "Sei nett.").result()
    conversations.set_params(chat, params).result()
    conversations.set_model(chat, "Other").result()
    after = conversations.get(chat)
    assert (after.draft, after.system_prompt, after.params, after.model) == (
        "half a thou",
        "Sei nett.",
        params,
        "Other",
    )
    assert after.last_used_at == before.last_used_at
    conversations.set_model(chat, "Other", "transformers").result()
    assert conversations.get(chat).engine == "transformers"
    conversations.set_model(chat, None).result()
    assert conversations.get(chat).engine is None
    assert conversations.get(chat).model is None


def test_delete_can_be_undone(conversations, chat):
    question = ask(conversations, chat, "keep me")
    before = conversations.summaries()
    conversations.delete(chat).result()
    assert conversations.summaries() == []
    assert conversations.path(chat) == [question]
    conversations.restore(chat).result()
    assert conversations.summaries() == before


def test_purging_removes_only_what_was_deleted_long_ago(database, conversations, clock):
    kept, recent, old = (conversations.create().result().id for _ in range(3))
    for chat in (kept, recent, old):
        question = ask(conversations, chat, "Frage")
        answer(conversations, chat, "Antwort", question.id)
    conversations.delete(old).result()
    clock.now += 100
    conversations.delete(recent).result()
    assert conversations.purge_deleted(older_than_s=50).result() == 1
    with pytest.raises(KeyError):
        conversations.get(old)
    assert len(conversations.path(recent)) == len(conversations.path(kept)) == 2
    assert database.read(lambda c: c.execute("SELECT count(*) FROM messages").fetchone()[0]) == 4
    conversations.restore(recent).result()
    assert {s.id for s in conversations.summaries()} == {kept, recent}


def test_the_number_of_a_purged_message_is_never_given_again(conversations, chat):
    gone = answer(conversations, chat, "", None, MessageState.STREAMING)
    conversations.delete(chat).result()
    assert conversations.purge_deleted(older_than_s=0).result() == 1
    other = conversations.create().result().id
    assert other != chat
    assert ask(conversations, other, "new").id > gone.id
    with pytest.raises(KeyError):
        end(conversations, gone, text="late")
    assert [m.text for m in conversations.path(other)] == ["new"]


def test_unfinished_replies_of_a_run_that_died_are_marked(conversations, chat):
    question = ask(conversations, chat, "Frage")
    done = answer(conversations, chat, "fertig", question.id)
    cut_off = answer(conversations, chat, "halb fer", question.id, MessageState.STREAMING)
    assert conversations.mark_interrupted().result() == 1
    stored = conversations.path(chat)[-1]
    assert (stored.id, stored.text, stored.state, stored.error) == (
        cut_off.id,
        "halb fer",
        MessageState.INTERRUPTED,
        INTERRUPTED_BY_CLOSING,
    )
    conversations.set_leaf(chat, done.id).result()
    assert conversations.path(chat)[-1] == done
    assert conversations.mark_interrupted().result() == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.get(99),
        lambda c: c.path(99),
        lambda c: c.append(99, Role.USER, "x", parent_id=None).result(),
        lambda c: c.set_leaf(99, 1).result(),
        lambda c: c.rename(99, "x").result(),
        lambda c: c.delete(99).result(),
        lambda c: c.restore(99).result(),
        lambda c: c.set_draft(99, "x").result(),
        lambda c: c.set_params(99, SamplingParams()).result(),
        lambda c: c.update_reply(99, text="", reasoning="", state=MessageState.COMPLETE).result(),
    ],
)
def test_what_is_not_there_is_a_key_error(conversations, chat, call):
    with pytest.raises(KeyError):
        call(conversations)


def test_a_message_cannot_follow_one_of_another_conversation(conversations, chat):
    other = conversations.create().result().id
    foreign = ask(conversations, other, "elsewhere")
    with pytest.raises(KeyError):
        ask(conversations, chat, "here", foreign.id)
    with pytest.raises(KeyError):
        conversations.set_leaf(chat, foreign.id).result()
    assert conversations.path(chat) == []
    assert conversations.get(chat).title == UNTITLED


def test_everything_is_there_after_reopening(tmp_path):
    path = tmp_path / "edgewise.db"
    with Database.open(path) as database:
        conversations = Conversations(database)
        chat = conversations.create("prompt").result()
        question = ask(conversations, chat.id, "Frage")
        conversations.set_draft(chat.id, "Entwurf")
    with Database.open(path) as database:
        conversations = Conversations(database)
        assert conversations.path(chat.id) == [question]
        assert conversations.get(chat.id).draft == "Entwurf"
        assert conversations.get(chat.id).last_used_at == question.created_at
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
