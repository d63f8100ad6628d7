"""A conversation in the terminal: questions line by line, and a few commands that begin with a slash."""

from __future__ import annotations

from contextlib import suppress

from app.cli.chat import ChatSession
from app.cli.command_line import OK
from app.domain.errors import EdgewiseError
from app.domain.generation import ChatMessage, Role
from app.storage.well_formed import well_formed

PROMPT = "> "

HELP = """\
/model            the models there are
/model NAME       goes on with another model
/system           the system prompt
/system TEXT      replaces it (“/system -” removes it)
/clear            begins anew
/quit             ends, as Ctrl+D does
Ctrl+C            stops a reply
Anything else is sent to the model; begin with a space to send a line that begins with “/”."""


class Conversation:
    """One conversation, from the first question to Ctrl+D."""

    def __init__(self, session: ChatSession) -> None:
        self._session = session
        self._console = session.console
        self._history: list[ChatMessage] = []

    def run(self) -> int:
        """Talk until the person ends it; returns the exit status. Raises EdgewiseError if no model loads."""
        with suppress(ImportError):  # Windows has its own line editing
            import readline  # noqa: F401  # importing it gives input() line editing and history
        loaded = self._session.source.ready()
        self._console.note(
            f"{self._session.source.name}, {loaded.context_length} tokens of context. "
            "/help lists the commands, Ctrl+C stops a reply, Ctrl+D ends."
        )
        while True:
            try:
                line = well_formed(input(PROMPT))
            except EOFError:
                self._console.line()
                return OK
            except KeyboardInterrupt:
                self._console.line()
                continue
            if line.strip() in ("/quit", "/exit"):
                return OK
            try:
                if line.startswith("/"):
                    self._obey(line)
                elif line.strip():
                    self._ask(line.strip())
            except EdgewiseError as error:
                self._console.error(error.message)
            except KeyboardInterrupt:  # while a model was loading
                self._console.line()

    def _ask(self, question: str) -> None:
        asked = [*self._history, ChatMessage(Role.USER, question)]
        answer = self._session.reply(asked)
        # A question without any reply is forgotten: many models refuse two questions in a row.
        if answer.text:
            self._history = [*asked, ChatMessage(Role.ASSISTANT, answer.text)]

    def _obey(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        rest = rest.strip()
        match command:
            case "/help":
                self._console.line(HELP)
            case "/clear":
                self._history.clear()
                self._console.note("A new conversation.")
            case "/model" if rest:
                self._session.source.use(rest)
                self._console.note(f"Going on with {self._session.source.name}.")
            case "/model":
                for choice in self._session.source.choices():
                    self._console.line(choice)
            case "/system" if rest:
                self._session.system_prompt = "" if rest == "-" else rest
                self._console.note("From the next question on.")
            case "/system":
                self._console.line(self._session.system_prompt or "There is no system prompt.")
            case _:
                self._console.error(f"There is no command {command}. /help lists those there are.")
