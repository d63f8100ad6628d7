"""The chat page: conversations, transcript, composer, and the model they speak with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.domain.conversation import Conversation, ConversationSummary, Message, MessageState
from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EdgewiseError
from app.domain.generation import Role, SamplingParams
from app.domain.metrics import GenerationMetrics
from app.models.library import display_name
from app.services.chat_session import ChatSession, OpenConversation
from app.services.engine_choice import ModelChoice
from app.services.engine_supervisor import EngineSupervisor
from app.services.reply import Progress
from app.storage.settings import Settings
from app.ui.chat.chat_frame import ChatFrame
from app.ui.chat.link_question import ask_before_opening
from app.ui.log_dialog import LogDialog
from app.ui.notice_bar import UNDO_MS

_NEEDS_MODEL = "There is no model yet that could answer. What you wrote stays in the field."


class ChatPage(ChatFrame):
    """Shows one conversation of a `ChatSession` and asks it for everything else."""

    settings_changed = Signal(object)
    models_wanted = Signal()
    title_changed = Signal(str)

    def __init__(
        self,
        session: ChatSession,
        supervisor: EngineSupervisor,
        settings: Callable[[], Settings],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(list_wanted=settings().sidebar_open, parent=parent)
        self._session = session
        self._supervisor = supervisor
        self._settings = settings
        self._conversation: Conversation | None = None
        self._summaries: list[ConversationSummary] = []
        self._metrics: GenerationMetrics | None = None
        self._replying: int | None = None
        self._wanted: int | None = None
        self._read_again: int | None = None
        self._sending: tuple[int, str] | None = None
        self._has_models = True
        self._new_when_deleted = False
        self._connect()
        self._show_status()

    @property
    def conversation(self) -> Conversation | None:
        """The open conversation, None before the first is read."""
        return self._conversation

    def new_chat(self) -> None:
        """Open a conversation without messages."""
        self.keep_unsaved()
        self._wanted = None
        self.focus_composer()
        settings = self._settings()
        model = self._conversation.model if self._conversation else settings.model
        engine = self._conversation.engine if self._conversation else None
        self._session.new(settings.system_prompt, settings.params, model, engine)

    def use_model(self, name: str, engine: str | None = None) -> None:
        """Go on with the model `name`, in `engine` or its best one: in the open chat if empty, else in a new
        one."""
        self.settings_changed.emit(replace(self._settings(), model=name))
        if self._conversation is not None and self._stack.currentWidget() is self.empty:
            self._choose_model(name, engine)
        else:
            self.keep_unsaved()
            self._wanted = None
            settings = self._settings()
            self._session.new(settings.system_prompt, settings.params, name, engine)
        self.focus_composer()

    def set_models(self, models: list[ModelChoice]) -> None:
        """The models there are to choose from, with their engines."""
        self.picker.set_models(models)
        self.empty.set_has_model(bool(models))
        appeared = bool(models) and not self._has_models
        self._has_models = bool(models)
        if appeared and self._conversation is not None:
            self._load_model()  # what was said until now is over when that begins
        else:
            self._say_status()

    def go_on_with(self, name: str, engine: str | None) -> None:
        """The open conversation goes on with this model and engine; what was said stays."""
        self._choose_model(name, engine)
        self.focus_composer()

    def keep_unsaved(self) -> None:
        """Have what is typed and not yet stored stored now."""
        self.composer.flush_draft()
        self.panel.form.flush()

    def _connect(self) -> None:
        session = self._session
        session.opened.connect(self._opened)
        session.earlier_read.connect(self._earlier_read)
        session.path_changed.connect(self._path_changed)
        session.list_changed.connect(self._show_summaries)
        session.message_added.connect(self._add_message)
        session.progress.connect(self._show_progress)
        session.failed.connect(self._failed)
        # The supervisor speaks from its own threads; Qt brings it here.
        self._supervisor.status_changed.connect(self._show_status, Qt.ConnectionType.QueuedConnection)

        self.list.new_requested.connect(self.new_chat)
        self.list.chosen.connect(self._choose)
        self.list.left.connect(self.focus_composer)
        self.list.renamed.connect(session.rename)
        self.list.delete_requested.connect(self._delete)
        self.composer.submitted.connect(self._send)
        self.composer.stop_requested.connect(self._stop)
        self.composer.draft_changed.connect(self._save_draft)
        self.empty.suggestion_chosen.connect(self._suggest)
        self.picker.about_to_open.connect(self.models_wanted)
        self.picker.chosen.connect(self._choose_model)
        self.picker.more_requested.connect(self.empty.first_run.models_requested)  # the way there is the same
        self.panel.form.system_prompt_changed.connect(self._save_system_prompt)
        self.panel.form.params_changed.connect(self._save_params)
        self.transcript.regenerate_requested.connect(self._regenerate)
        self.transcript.restart_requested.connect(self._restart_and_regenerate)
        self.transcript.show_log_requested.connect(self.show_log)
        self.transcript.link_activated.connect(lambda url: ask_before_opening(url, self))
        self.list_folded.connect(self._keep_fold)

    # What the session says

    def _opened(self, opened: OpenConversation) -> None:
        # Conversations are read side by side: one asked for earlier may arrive later.
        if self._wanted in (None, opened.conversation.id):
            self._open(opened)

    def _earlier_read(self, conversation_id: int, earlier: list[Message]) -> None:
        # Only if the page still begins where it did when these were asked for.
        first = self.transcript.first
        if self._is_open(conversation_id) and first is not None and first.parent_id == earlier[-1].id:
            self.transcript.prepend(earlier)

    def _path_changed(self, opened: OpenConversation) -> None:
        if self._is_open(opened.conversation.id):
            self._open(opened)

    def _open(self, opened: OpenConversation) -> None:
        conversation = opened.conversation
        switched = self._conversation is None or self._conversation.id != conversation.id
        if switched:
            self.keep_unsaved()
        # Whoever begins to write as soon as there is a window does not wait for the conversation.
        typed = self.composer.text if self._conversation is None else ""
        self._conversation = conversation
        messages = opened.messages
        replying = self._session.is_replying(conversation.id)
        so_far = self._session.reply_so_far(conversation.id)
        if so_far:  # fresher than what was read
            messages = [*(m for m in messages if m.id != so_far.id), so_far]
        unfinished = messages[-1].id if messages and messages[-1].state is MessageState.STREAMING else None
        self._replying = unfinished if replying else None
        self.transcript.set_messages(messages)
        self._stack.setCurrentWidget(self.transcript if messages else self.empty)
        self._say_status()
        if switched:
            self.composer.set_text("\n".join(part for part in (conversation.draft, typed) if part))
            if typed:
                self._save_draft(self.composer.text)
        self.panel.form.show_values(conversation.system_prompt, conversation.params)
        self.composer.set_replying(replying)
        self.list.set_current(conversation.id)
        self._set_title(conversation.title)
        self._show_left_out(opened.messages)
        last = next((m for m in reversed(opened.messages) if m.metrics is not None), None)
        self._metrics = last.metrics if last else None
        self._show_model()
        self._show_meter()
        if switched and not self.list.has_focus():  # whoever walks the list with the arrows stays there
            self.focus_composer()
        # Loading begins when a conversation is looked at, so that the model is ready when it is asked.
        self._load_model()
        # The reply ended after this was read and before it arrived: once more, with its end.
        again = unfinished is not None and not replying and self._read_again != conversation.id
        self._read_again = conversation.id if again else None
        if again:
            self._session.open(conversation.id)

    def _show_summaries(self, summaries: list[ConversationSummary]) -> None:
        self._summaries = summaries
        self.list.set_summaries(summaries)
        if self._conversation is None and self._new_when_deleted and not summaries:
            self._new_when_deleted = False
            self.new_chat()
        if self._conversation is not None:
            self.list.set_current(self._conversation.id)
            title = next((s.title for s in summaries if s.id == self._conversation.id), None)
            if title is not None:
                self._conversation = replace(self._conversation, title=title)
                self._set_title(title)

    def _add_message(self, conversation_id: int, message: Message) -> None:
        if self._sending is not None and self._sending[0] == conversation_id:
            self._sending = None
        if self._is_open(conversation_id):
            self._stack.setCurrentWidget(self.transcript)
            self._say_status()
            self.transcript.append(message)
            self.transcript.jump_to_end()
            self.composer.set_replying(True)

    def _show_progress(self, conversation_id: int, progress: Progress) -> None:
        message = progress.message
        if message is None or not self._is_open(conversation_id):
            return
        if self._replying != message.id:
            self._replying = message.id
            self.transcript.append(replace(message, text="", reasoning=""))
            self.composer.set_replying(True)
        self.transcript.stream_reasoning(message.id, progress.reasoning)
        self.transcript.stream_text(message.id, progress.text)
        if progress.ended:
            self.transcript.replace(message)
            self._replying = None
            self.composer.set_replying(False)
            self._metrics = message.metrics or self._metrics
            self._show_meter()
            self.transcript.set_left_out(message.left_out)

    def _show_status(self, _: EngineStatus | None = None) -> None:
        """How the engine of the open conversation stands; the others' news are of the Engines page."""
        self.picker.set_status(self._supervisor.status)
        self._show_model()
        self._show_meter()
        self._say_status()

    def _say_status(self) -> None:
        """What went wrong with the engine; not that there is no model where the page itself is about that."""
        status = self._supervisor.status
        inviting = not self._has_models and self._stack.currentWidget() is self.empty
        if status.state is EngineState.FAILED and not inviting:
            deeds: list[tuple[str, Callable[[], None]]] = [("Try again", self._restart)]
            if status.can_force:
                deeds.append(("Load anyway", lambda: self._restart(force=True)))
            self.notice.say(
                status.error,
                deeds if self._has_models else [self._way_to_models()],
                details=("Show log", self.show_log) if status.log else None,
                about="engine",
            )
        else:
            self.notice.settle("engine")

    def show_error(self, error: EdgewiseError) -> None:
        """Say an expected failure that belongs to no message."""
        details = ("Show details", lambda: self._show_detail(error.message, error.detail))
        self.notice.say(error.message, details=details if error.detail else None)

    def _failed(self, error: EdgewiseError) -> None:
        """The session could not do something, perhaps store what was just sent: it must not be lost."""
        self.show_error(error)
        sending, self._sending = self._sending, None
        if sending is not None:
            conversation_id, text = sending
            if not self._is_open(conversation_id):
                self._session.save_draft(conversation_id, text)
            elif not self.composer.text:
                self.composer.set_text(text)
        if self._conversation is not None:
            self.composer.set_replying(self._session.is_replying(self._conversation.id))

    # What a person does

    def _send(self, text: str) -> None:
        if self._conversation is None:  # nothing is open yet
            self.composer.set_text(text)
            return
        if self._lacks_model():
            self.composer.set_text(text)
            self._save_draft(text)
            return
        self.panel.form.flush()  # what was set a moment ago counts for this reply
        self._sending = (self._conversation.id, text)
        self.composer.set_replying(True)  # at once: a second Enter must not overtake this message
        self._session.send(self._conversation, text)

    def _lacks_model(self) -> bool:
        """Whether nothing could answer; then say where a model comes from."""
        if self._has_models:
            return False
        if self._stack.currentWidget() is self.empty:
            self.empty.point_to_offer()
        else:
            self.notice.say(_NEEDS_MODEL, [self._way_to_models()], about="engine")
        self.models_wanted.emit()  # one may have come into the folder meanwhile
        return True

    def _way_to_models(self) -> tuple[str, Callable[[], None]]:
        return ("See all models", self.empty.first_run.models_requested.emit)

    def _stop(self) -> None:
        if self._conversation is not None:
            self._session.stop(self._conversation.id)

    def _suggest(self, text: str) -> None:
        self.composer.set_text(text)
        self.focus_composer()

    def _choose(self, conversation_id: int) -> None:
        self.keep_unsaved()
        self._wanted = conversation_id
        self._session.open(conversation_id)

    def _choose_model(self, name: str, engine: str | None) -> None:
        if self._conversation is None:
            return
        self._conversation = replace(self._conversation, model=name, engine=engine)
        self._session.save_model(self._conversation.id, name, engine)
        self.settings_changed.emit(self._remembering(name, engine))
        self._show_model()
        self._load_model()

    def _remembering(self, name: str, engine: str | None) -> Settings:
        """The settings, with the choice of a model and its engine as the last one."""
        settings = self._settings()
        chosen = self.picker.choice(name, engine)
        if chosen is None:
            return replace(settings, model=name)
        if chosen.model is None:  # a server's: what is new begins with a model of this machine
            return settings
        engines = {**settings.engines, chosen.model.format.value: chosen.engine_id}
        return replace(settings, model=name, engines=engines)

    def _delete(self, conversation_id: int, title: str) -> None:
        self._session.delete(conversation_id)
        self.notice.say(
            f"“{title}” was deleted.",
            [("Undo", lambda: self._restore(conversation_id))],
            failed=False,
            ms=UNDO_MS,
        )
        if self._is_open(conversation_id):
            others = [summary.id for summary in self._summaries if summary.id != conversation_id]
            if others:
                self._choose(others[0])
            else:
                self.keep_unsaved()
                self.composer.set_text("")
                self._conversation = None
                # Not before it is gone: an empty conversation would be found and used again.
                self._new_when_deleted = True

    def _restore(self, conversation_id: int) -> None:
        self._wanted = conversation_id
        self._session.restore(conversation_id)

    def _regenerate(self, message_id: int) -> None:
        if self._conversation is None or self._lacks_model():
            return
        if not self._session.is_replying(self._conversation.id):
            self.panel.form.flush()
            self._session.regenerate(self._conversation, message_id)

    def _restart(self, *, force: bool = False) -> None:
        self._session.load_model(*self._wanted_model(), again=True, force=force)

    def _wanted_model(self) -> tuple[str | None, str | None]:
        """Model and engine of the open conversation."""
        conversation = self._conversation
        return (conversation.model, conversation.engine) if conversation else (None, None)

    def _restart_and_regenerate(self, message_id: int) -> None:
        if self._lacks_model():
            return
        # An engine that ended is started by the reply itself. One that hangs must be replaced before the
        # reply asks for it, hence here and now, not in the background.
        if self._supervisor.status.state in (EngineState.READY, EngineState.BUSY):
            self._supervisor.load(*self._wanted_model(), again=True, in_view=True)
        self._regenerate(message_id)

    def show_log(self) -> None:
        """Show what the engine wrote."""
        status = self._supervisor.status
        self._show_detail(status.error, self._supervisor.read_log())

    def _show_detail(self, sentence: str, detail: str) -> None:
        dialog = LogDialog("Log", sentence, detail, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # Keeping and showing

    def _is_open(self, conversation_id: int) -> bool:
        return self._conversation is not None and self._conversation.id == conversation_id

    def _save_draft(self, draft: str) -> None:
        if self._conversation is not None:
            self._session.save_draft(self._conversation.id, draft)

    def _save_system_prompt(self, prompt: str) -> None:
        if self._conversation is not None:
            self._conversation = replace(self._conversation, system_prompt=prompt)
            self._session.save_system_prompt(self._conversation.id, prompt)

    def _save_params(self, params: SamplingParams) -> None:
        if self._conversation is not None:
            self._conversation = replace(self._conversation, params=params)
            self._session.save_params(self._conversation.id, params)

    def _load_model(self) -> None:
        """Have the open conversation's model ready, unless that would end a reply of another model."""
        if self._conversation is not None:
            self._session.load_model(*self._wanted_model())

    def _set_title(self, title: str) -> None:
        self._title.show_title(title)
        self.title_changed.emit(title)

    def _show_left_out(self, messages: list[Message]) -> None:
        last = next((m for m in reversed(messages) if m.role is Role.ASSISTANT), None)
        settled = last is not None and last.state is not MessageState.STREAMING
        self.transcript.set_left_out(last.left_out if last and settled else 0)

    def _show_model(self) -> None:
        name, engine = self._wanted_model()
        self.picker.set_model(name, engine)
        shown = name or self._supervisor.status.model
        self.composer.set_model(display_name(shown)[0] if shown else "")

    def _show_meter(self) -> None:
        self.status.show_metrics(self._metrics, self._supervisor.status.context_length)

    def _keep_fold(self, shown: bool) -> None:
        self.settings_changed.emit(replace(self._settings(), sidebar_open=shown))
