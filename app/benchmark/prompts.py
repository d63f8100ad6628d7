"""Prompts for measuring: natural text, each beginning differently, as many tokens long as was asked.

The same seed gives the same texts to every engine whose tokenizer counts alike, whatever it left out before.
What a chat template itself writes before a prompt is the same for all and cannot be avoided.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, cycle, islice
from pathlib import Path
from random import Random
from statistics import fmean, linear_regression

from app.domain.errors import RequestRefused
from app.domain.generation import ChatMessage, Role
from app.domain.speed_test import Shape

TEXT = Path(__file__).resolve().parents[2] / "resources" / "speed_test_text.txt"
"""A sentence a line."""

Messages = tuple[ChatMessage, ...]

_SYSTEM = ChatMessage(Role.SYSTEM, "Write.")
"""Takes the place of the long one that some templates put in by themselves (Qwen2.5: 30 tokens)."""
_ASKS = ("Write a long story about it", "Write on", "")
"""The end of a prompt: the shorter ones where there is no room. No full stop, words are added."""
_FILLERS = "and go on with it from day to day and year to year in the same way as they did then"
"""Short and frequent: a token each in nearly every vocabulary."""

_TOKENS_A_WORD = 1.3
_REMEMBERED = 256
"""Replies that an estimate rests on."""
_TEMPLATE_TOKENS = 12
"""Of a template that cannot be asked; ChatML takes 9 for one message and the beginning of the reply."""
_FEW = 12
"""Tokens that are made up by fillers; what is missing beyond is more of the text."""
_MOST_COUNTS = 8
_TOLERANCE = 2
"""Tokens by which a prompt may be longer than asked; first words differ by as many."""
_SAMPLED = 10
"""Every tenth sentence shows how many tokens a word of the text takes."""

_NAMES = (
    "Anna Tom Mary John Clara James Emma Henry Alice Peter Rose David Sarah Paul Lucy Mark Jane Simon Grace "
    "George Helen Frank Julia Adam Laura Robert Martha Oliver Nina Daniel Ruth Victor Eva Martin Ella Walter "
    "Sophie Arthur Maria Hugo Irene Leo Kate Oscar Diana Max Nora Philip Amy Jack Rachel Samuel Vera Edward "
    "Lily Thomas Olivia William Agnes Felix Elizabeth Charles Marie Alan"
)
_SURNAMES = (
    "Baker Hill Stone Wood Miller Fisher Cook Gardner Bell Field Rivers Carter Mason Hunter Potter Weaver "
    "Brooks Lake Marsh Woods Banks Park Frost Snow Winter Summers May King Knight Page Ward Young Black "
    "White Green Brown Gray Reed Rice Berry Flowers Bush Forest Moss Fox Wolf Swan Bird Lamb Hart Day Weeks "
    "Moon Star Cross Church Temple Castle Hall House Street Lane Bridge Ford"
)
_PLACES = (
    "London Paris Rome Berlin Dublin Madrid Vienna Boston Chicago Oxford Cambridge Bristol York Bath Leeds "
    "Dover Milan Venice Florence Naples Athens Cairo Delhi Tokyo Moscow Prague Warsaw Oslo Geneva Lisbon "
    "Toronto Montreal Sydney Melbourne Denver Seattle Houston Dallas Phoenix Cleveland"
)
_TIMES = (
    "January February March April May June July August September October November December "
    "spring summer autumn winter"
)


@dataclass(frozen=True, slots=True)
class _Draft:
    """How much of what a prompt has: words of the text, fillers, and which of `_ASKS`."""

    body: int
    fillers: int = 0
    ask: int = 0


class Prompts:
    """Makes the prompts of one test for one engine.

    `count` is `ChatBackend.count_prompt_tokens` of the engine. It is asked four times at first, then two or
    three times for each prompt. Where it cannot tell, lengths are estimated; `learn` betters the estimate.
    """

    def __init__(self, count: Callable[[Sequence[ChatMessage]], int | None], seed: int) -> None:
        self._count = count
        self._seed = seed
        self._rounds: Counter[tuple[Shape, int]] = Counter()
        self._openings: set[str] = set()
        self._system: Messages = ()
        self._fixed: int | None = None
        """Tokens of a prompt without any text; None: not asked yet, or the engine cannot tell."""
        self._shortest = 0
        """Tokens of a prompt of nothing but its first words."""
        self._asked = False
        self._word_tokens = _TOKENS_A_WORD
        self._template_tokens = float(_TEMPLATE_TOKENS)
        self._replies: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)

    def make(self, shape: Shape, number: int) -> list[Messages]:
        """`number` prompts of a shape for one round, none of which was made before.

        With the chat template each is `shape.depth + shape.prompt_tokens` long; some vocabularies allow that
        only to a token or two. Where `refusal` has a reason they are longer.
        Raises what `count` raises.
        """
        target = shape.depth + shape.prompt_tokens
        self._ask_for_template()
        ordinal = self._rounds[shape, number]
        self._rounds[shape, number] += 1
        # By round and case, so that a case that was left out or cut short changes nothing in the others.
        key = f"{self._seed} {shape.name} {target} {shape.output_tokens} {number} {ordinal}"
        return [self._prompt(target, Random(f"{key} {at}")) for at in range(number)]

    def refusal(self, shape: Shape) -> str | None:
        """Why prompts of a shape cannot be as short as was asked, in a sentence; None if they can, or if the
        engine does not count. Raises what `count` raises."""
        self._ask_for_template()
        target = shape.depth + shape.prompt_tokens
        if self._shortest <= target + _TOLERANCE:
            return None
        return (
            f"Prompts of {target:,} tokens cannot be made: with this model’s chat template the shortest takes"
            f" {self._shortest:,}."
        )

    def learn(self, prompt_words: int, prompt_tokens: int) -> None:
        """What a reply's usage said of a prompt of so many words (see `words_of`).

        Of quite different lengths both the template's tokens and those of a word are learnt (least squares),
        of like ones only the latter. Without effect on an engine that can count.
        """
        if self._fixed is not None or prompt_words <= 0 or prompt_tokens <= 0:
            return
        self._replies.append((prompt_words, prompt_tokens))
        words, tokens = zip(*self._replies, strict=True)
        template = float(_TEMPLATE_TOKENS)
        if max(words) >= 2 * min(words):
            template = max(0.0, linear_regression(words, tokens).intercept)
        rate = (fmean(tokens) - template) / fmean(words)
        if rate >= 0.5:  # else the server counts in some way of its own
            self._word_tokens, self._template_tokens = rate, template

    def _ask_for_template(self) -> None:
        """Once, and of the same texts always: prompts must not depend on which were made before."""
        if self._asked:
            return
        self._asked = True
        opening = self._opening(Random(f"{self._seed} template"))
        self._fixed = self._count(_messages((), opening, (), _Draft(0)))
        if self._fixed is None:
            return
        sample = " ".join(_sentences()[::_SAMPLED]).split()
        counted = self._count(_messages((), opening, sample, _Draft(len(sample))))
        if counted is not None:
            self._word_tokens = max(0.5, (counted - self._fixed) / len(sample))
        try:
            shorter = self._count(_messages((_SYSTEM,), opening, (), _Draft(0)))
        except RequestRefused:  # some templates know no system message (Gemma)
            shorter = None
        if shorter is not None and shorter < self._fixed:
            self._fixed, self._system = shorter, (_SYSTEM,)
        nothing = _Draft(0, ask=len(_ASKS) - 1)
        self._shortest = self._count(_messages(self._system, opening, (), nothing)) or 0

    def _prompt(self, target: int, random: Random) -> Messages:
        opening = self._opening(random)
        text = _Text(random)
        if self._fixed is None:
            return self._estimated(target, opening, text)
        # A little short at first: words are more easily added than taken away.
        draft = _Draft(max(0, int((target - self._fixed - _FEW / 2) / self._word_tokens)))
        best: tuple[int, Messages] | None = None
        tried: dict[_Draft, int] = {}
        filler_tokens = 1.0
        while draft not in tried and len(tried) < _MOST_COUNTS:
            messages = _messages(self._system, opening, text.first(draft.body), draft)
            counted = self._count(messages)
            if counted is None:  # it could before: this time it was too busy
                return messages if best is None else best[1]
            missing = target - counted
            if best is None or abs(missing) < abs(best[0]):
                best = missing, messages
            if missing == 0:
                break
            tried[draft] = counted
            without = tried.get(replace(draft, fillers=0))
            if draft.fillers and without is not None:
                filler_tokens = max(0.5, (counted - without) / draft.fillers)
            draft = self._nearer(draft, missing, filler_tokens)
        assert best is not None
        return best[1]

    def _estimated(self, target: int, opening: str, text: _Text) -> Messages:
        words = (target - self._template_tokens) / self._word_tokens
        left = {ask: words - _count_words(f"{opening} {it}") for ask, it in enumerate(_ASKS)}
        ask = next((ask for ask, there in left.items() if there >= 0), len(_ASKS) - 1)
        so_far = accumulate(map(_count_words, text.first(max(0, round(left[ask])))))
        body = text.first(sum(count <= left[ask] + 0.5 for count in so_far))
        return _messages((), opening, body, _Draft(len(body), ask=ask))

    def _nearer(self, draft: _Draft, missing: int, filler_tokens: float) -> _Draft:
        """The draft with `missing` tokens more, or fewer where that is negative."""
        if missing > _FEW:
            return replace(draft, body=draft.body + max(1, int((missing - _FEW / 2) / self._word_tokens)))
        fillers = draft.fillers + (round(missing / filler_tokens) or int(math.copysign(1, missing)))
        if fillers >= 0:
            return replace(draft, fillers=fillers)
        if draft.body:
            # A word more than that: what is then missing is made up by fillers.
            fewer = math.ceil(-missing / self._word_tokens) + 1
            return replace(draft, body=max(0, draft.body - fewer), fillers=0)
        return replace(draft, fillers=0, ask=min(draft.ask + 1, len(_ASKS) - 1))

    def _opening(self, random: Random) -> str:
        while True:
            parts = [random.choice(words.split()) for words in (_NAMES, _SURNAMES, _PLACES, _TIMES)]
            opening = "{} {}, {}, {}:".format(*parts)
            if opening not in self._openings:
                self._openings.add(opening)
                return opening


def words_of(messages: Sequence[ChatMessage]) -> int:
    """Words and punctuation marks of a prompt, for `Prompts.learn`."""
    return sum(_count_words(message.content) for message in messages)


def _count_words(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


class _Text:
    """The sentences in an order of their own, as many of their words as are wanted; then in another order."""

    def __init__(self, random: Random) -> None:
        self._words = self._more(random)
        self._taken: list[str] = []

    def first(self, count: int) -> Sequence[str]:
        self._taken.extend(islice(self._words, max(0, count - len(self._taken))))
        return self._taken[:count]

    @staticmethod
    def _more(random: Random) -> Iterator[str]:
        while True:
            for sentence in random.sample(_sentences(), len(_sentences())):
                yield from sentence.split()


def _messages(system: Messages, opening: str, body: Sequence[str], draft: _Draft) -> Messages:
    ask = " ".join([*_ASKS[draft.ask].split(), *islice(cycle(_FILLERS.split()), draft.fillers)])
    between = "\n\n" if body and ask else " "  # the text may end in the middle of a sentence
    return (*system, ChatMessage(Role.USER, f"{' '.join([opening, *body])}{between}{ask}".strip()))


@cache
def _sentences() -> tuple[str, ...]:
    return tuple(TEXT.read_text(encoding="utf-8").splitlines())
