"""Recorded calls as rows, filled forms, and the people of a room of quality assurance, for its tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.engine import Connection

from recorder.access import Operator, Role, Staff
from recorder.disclosure import Verdict
from recorder.qa import forms
from recorder.qa.filling import Filled
from recorder.qa.risk import Call
from recorder.qa.scorecard import Answer, Kind, Said, Scorecard, parse_scorecard
from recorder.qa.scoring import is_asked
from recorder.qa.somebody import Somebody
from recorder.store import RecordingRow

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)  # of week 10
WEEK = "2026-W10"
AFTER = MONDAY + timedelta(days=9)

MEI = Somebody(Staff("mei", Role.QA))
TOM = Somebody(Staff("tom", Role.QA))
MANAGER = Somebody(Staff("zhang", Role.MANAGER))
LEAD = Somebody(Staff("lead-a", Role.SUPERVISOR, team="a"))
AGENT = Somebody(Staff("lin", Role.AGENT, agent_id="agent-1"))
OTHER_AGENT = Somebody(Staff("wu", Role.AGENT, agent_id="agent-2"))
OPS = Somebody(Staff("ops", Role.OPS))
OPERATOR = Somebody(Operator("root"))


def a_call(call_id: str = "c-1", **changes: Any) -> Call:
    """A call of two minutes with nothing remarkable about it."""
    fields: dict[str, Any] = {
        "call_id": call_id,
        "agent_id": "agent-1",
        "team": "a",
        "campaign": "spring",
        "outcome": "not_interested",
        "complaint": False,
        "degraded": False,
        "disclosure": Verdict.PROVEN,
        "duration_ms": 120_000,
        "agent_talk_ms": 50_000,
        "customer_talk_ms": 40_000,
        "overtalk_ms": 1_000,
        "dead_air_ms": 0,
        "agent_longest_ms": 9_000,
        "agent_interruptions": 0,
    }
    return Call(**(fields | changes))


def a_row(call_id: str, **changes: Any) -> dict[str, Any]:
    """The row of an archived recording of two minutes."""
    started_at = changes.get("started_at", MONDAY + timedelta(hours=10))
    fields: dict[str, Any] = {
        "call_id": call_id,
        "archived_at": started_at + timedelta(minutes=3),
        "path": f"2026/03/02/{call_id}.flac",
        "sha256": "ab" * 32,
        "sidecar_sha256": "cd" * 32,
        "bytes": 100_000,
        "duration_ms": 120_000,
        "number": "+12125550123",
        "person": "person-1",
        "lead_id": "lead-1",
        "campaign": "spring",
        "agent_id": "agent-1",
        "team": "a",
        "started_at": started_at,
        "announced_at": started_at + timedelta(seconds=4),
        "bridged_at": started_at + timedelta(seconds=4),
        "ended_at": started_at + timedelta(minutes=2),
        "disposition": "not_interested",
        "abandoned": False,
        "packs_json": "[]",
        "prompt": "disclosure-en-1",
        "disclosure": Verdict.PROVEN.value,
        "agent_talk_ms": 50_000,
        "agent_silence_ms": 70_000,
        "customer_talk_ms": 40_000,
        "customer_silence_ms": 80_000,
        "overtalk_ms": 1_000,
        "longest_silence_ms": 2_000,
        "flags": "",
    }
    return fields | changes


def archive(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Writes the rows of recordings."""
    for row in rows:
        connection.execute(insert(RecordingRow).values(row))


def a_week(agents: int = 3, calls: int = 10) -> list[dict[str, Any]]:
    """Recordings of a week: of each agent so many, every third one a sale."""
    return [
        a_row(
            f"c-{agent}-{number:03d}",
            agent_id=f"agent-{agent}",
            team="a" if agent % 2 else "b",
            campaign="spring" if number % 2 else "autumn",
            disposition="sale" if number % 3 == 0 else "not_interested",
            started_at=MONDAY + timedelta(hours=9 + number % 8, minutes=number, days=number % 5),
        )
        for agent in range(1, agents + 1)
        for number in range(calls)
    ]


def the_form() -> Scorecard:
    """The form that comes with Ringfence."""
    return parse_scorecard(forms.shipped()["sales-call"], "sales-call")


def answered(card: Scorecard, **changes: Answer) -> Filled:
    """The form as a faultless call fills it, but for the changes."""
    answers: dict[str, Answer] = {}
    for item in card.items():
        best: Answer = item.largest if item.kind is Kind.SCALE else Said.YES
        answer = changes.get(item.id, Said.NO if not item.weight else best)
        if is_asked(item, answers):
            answers[item.id] = answer
    return Filled(answers)
