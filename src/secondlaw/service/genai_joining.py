"""What is known of recent calls, so that records of one call which arrive apart become one event.

Three rules, and none needs both records of a call:

1. A record that holds the answer's text makes the event, at once. Span and log record of a call give it the same id.
2. A call whose record holds no text waits `patience` seconds for a record that does, since the text may come as a log
   record a little before or after its span. Only then is it "received, no text".
3. A per-message event (conventions up to 1.36) holds the text but not the model: it takes model, prompt and ids from
   what is known here, and is stored without them if nothing is known after `patience` seconds.
4. A call that lies directly in another, or around it, and says the same, is the same call seen by two instrumentations:
   the first to come is the event. It is told by the spans, since one of the two may know no response id.

Held in memory are facts about calls and calls without text, never the only copy of a text: a request that carries a
text is acknowledged after its event is stored. A process that is killed forgets at most which of the last seconds'
calls had no text.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Literal

from secondlaw.behavior.transcripts import content_id
from secondlaw.service.genai_calls import Call, CallKey, Part

__all__ = ["CallMemory"]

REMEMBERED = 8
"""Facts are remembered so many times as long as a call is waited for: exporters send spans and logs seconds apart."""
MOST_CHARACTERS = 1 << 26
"""Of prompts remembered for the answers to come; the oldest calls are forgotten first."""


@dataclass(slots=True)
class _Facts:
    since: float
    call: Call | None = None
    prompt: str = ""
    prompt_ns: int = -1
    speaker: Literal["call", "part"] | None = None
    parent: str = ""
    said: str = ""  # a hash of the texts that were counted


class CallMemory:
    """Recent calls by trace id and span id.

    Parameters
    ----------
    patience : float
        Seconds that a call without text, or a text without model, is waited for.
    most : int
        Calls remembered; the oldest is forgotten first, and counted if it waits.

    Examples
    --------
    >>> from secondlaw.service.genai_messages import Choice
    >>> memory = CallMemory(patience=10)
    >>> span = Call("shop", ("0a", "0b"), 0, "m", None, (Choice(0, None, "hidden"),))
    >>> memory.hold(span, now=0.0)
    >>> memory.due(now=5.0), len(memory.due(now=10.0))
    ([], 1)
    """

    def __init__(self, *, patience: float, most: int = 50_000) -> None:
        self.patience = patience
        self._most = most
        self._facts: OrderedDict[CallKey, _Facts] = OrderedDict()
        self._waiting: OrderedDict[CallKey, tuple[float, Call]] = OrderedDict()
        self._characters = 0
        self._inner: dict[CallKey, set[str]] = {}  # spans of calls by the span around them

    def learn(self, call: Call, *, now: float) -> None:
        """Remember what a span or a details event knows of its call, without the texts."""
        facts = self._of(call.key, now)
        if facts is not None:
            facts.call = replace(call, prompt=None, choices=())
            if call.parent and not facts.parent:
                facts.parent = call.parent
                self._inner.setdefault((call.key[0], call.parent), set()).add(call.key[1])

    def learn_prompt(self, part: Part, *, now: float) -> None:
        """Remember the latest prompt of a call."""
        facts = self._of(part.key, now)
        if facts is None or part.prompt is None or part.time_ns < facts.prompt_ns:
            return
        self._characters += len(part.prompt) - len(facts.prompt)
        facts.prompt, facts.prompt_ns = part.prompt, part.time_ns
        while self._characters > MOST_CHARACTERS:
            self._forget_oldest()

    def spoke(self, key: CallKey, *, by: Literal["call", "part"], now: float) -> bool:
        """Remember that a text of a call has arrived; return whether it counts.

        It does not where the same texts came before in the other form: on the span, and as per-message events.
        """
        for one in (key, *self._beside(key)):  # beside: the same call, of which another instrumentation hid the text
            self._waiting.pop(one, None)
        facts = self._of(key, now)
        if facts is None:
            return True
        facts.speaker = facts.speaker or by
        return facts.speaker == by

    def is_retold(self, call: Call, *, now: float) -> bool:
        """Remember what a call says; return whether a call directly in it or around it said the same before."""
        facts = self._of(call.key, now)
        if facts is None:
            return False
        said = content_id(call.stream, *(choice.text for choice in call.choices if choice.text is not None))
        if facts.said != said and any(self._facts[key].said == said for key in self._beside(call.key)):
            return True
        facts.said = said
        return False

    def _beside(self, key: CallKey) -> list[CallKey]:
        """Return the calls directly in a call and around it."""
        trace, span = key
        facts = self._facts.get(key)
        near = [*self._inner.get(key, ()), *([facts.parent] if facts is not None and facts.parent else [])]
        return [(trace, other) for other in near if other != span and (trace, other) in self._facts]

    def hold(self, call: Call, *, now: float) -> None:
        """Let a call without text wait for one, unless its text has arrived or waits already, under another span."""
        facts = self._facts.get(call.key)
        if facts is not None and facts.speaker is not None:
            return
        if any(key in self._waiting or self._facts[key].speaker for key in self._beside(call.key)):
            return
        held = self._waiting.get(call.key)
        if held is None:
            self._waiting[call.key] = (now + self.patience, replace(call, prompt=None))
        elif held[1].model is None and call.model is not None:  # the span knows more than a message of it
            self._waiting[call.key] = (held[0], replace(call, prompt=None))

    def knows(self, key: CallKey) -> bool:
        """Whether the model of a call is known."""
        facts = self._facts.get(key)
        return facts is not None and facts.call is not None

    def completed(self, answer: Call) -> Call:
        """Return a per-message answer with what is known of its call."""
        facts = self._facts.get(answer.key)
        if facts is None:
            return answer
        known = facts.call
        prompt = facts.prompt or None
        if known is None:
            return replace(answer, prompt=prompt)
        return replace(
            answer,
            stream=answer.stream if "stream" in answer.own else known.stream,
            model=answer.model or known.model,
            prompt=prompt,
            response_id=known.response_id,
            conversation_id=answer.conversation_id or known.conversation_id,
            own={**known.own, **answer.own},
        )

    def due(self, *, now: float) -> list[Call]:
        """Return the calls that have waited long enough, and forget them; what is old or too much is forgotten too."""
        over = [key for key, (until, _) in self._waiting.items() if until <= now]
        surplus = list(self._waiting)[: max(0, len(self._waiting) - self._most)]
        calls = [self._waiting.pop(key)[1] for key in dict.fromkeys(over + surplus)]
        oldest = now - REMEMBERED * self.patience
        while self._facts and (len(self._facts) > self._most or next(iter(self._facts.values())).since < oldest):
            self._forget_oldest()
        return calls

    def everything(self) -> list[Call]:
        """Return all calls that wait, and forget them: the service ends."""
        calls = [call for _, call in self._waiting.values()]
        self._waiting.clear()
        return calls

    def _forget_oldest(self) -> None:
        key, facts = self._facts.popitem(last=False)
        self._characters -= len(facts.prompt)
        around = (key[0], facts.parent)
        if facts.parent and around in self._inner:
            self._inner[around].discard(key[1])
            if not self._inner[around]:
                del self._inner[around]

    def _of(self, key: CallKey, now: float) -> _Facts | None:
        if not all(key):
            return None
        return self._facts.setdefault(key, _Facts(now))
