"""What stands for what in the events of an answered call, where one event is there and another is not."""

from datetime import UTC, datetime, timedelta

from compliance.facts import EventKind, LedgerEvent
from compliance.live_answers import answers_of

START = datetime(2026, 6, 15, 16, tzinfo=UTC)


def an_event(kind: EventKind, seconds: float, attempt_id: str | None = "a1") -> LedgerEvent:
    at = START + timedelta(seconds=seconds)
    return LedgerEvent(kind, at, "ann", "+12125550100", "spring", "acme", "solar", attempt_id)


def test_a_conversation_after_the_abandonment_message_is_not_the_agents_coming() -> None:
    events = [an_event(EventKind.LIVE_ANSWER, 0), an_event(EventKind.CONVERSATION, 1), an_event(EventKind.ABANDONED, 2)]
    (abandoned,) = answers_of(events)
    assert (abandoned.connected_at, abandoned.message_at) == (None, START + timedelta(seconds=2))
    (talked,) = answers_of(events[:2])
    assert (talked.connected_at, talked.message_at) == (START + timedelta(seconds=1), None)


def test_an_answer_without_an_attempt_of_ours_has_no_id() -> None:
    (answer,) = answers_of([an_event(EventKind.LIVE_ANSWER, 0, attempt_id=None)])
    assert answer.attempt_id == ""
    assert not answer.ended_by_us
