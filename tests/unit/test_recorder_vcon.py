"""A recording as a vCon holds what the draft asks for, each parameter of the kind that the draft names."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from recorder.catalogue import Recording, Turn
from recorder.disclosure import Verdict
from recorder.naming import Side
from recorder.transcript import Phrase, Transcript, Word
from recorder.vcon import MEDIATYPES, uuid8, vcon

BEGAN = datetime(2026, 3, 2, 15, 4, 5, 250_000, tzinfo=UTC)
MADE = datetime(2026, 6, 1, 12, tzinfo=UTC)

#: Object -> parameters of draft-ietf-vcon-vcon-core-04 that are used here: kind, and whether it must be there.
CORE: dict[str, dict[str, tuple[type | tuple[type, ...], bool]]] = {
    "vcon": {
        "vcon": (str, False),
        "uuid": (str, True),
        "created_at": (str, True),
        "subject": (str, False),
        "parties": (list, True),
        "dialog": (list, False),
        "analysis": (list, False),
        "attachments": (list, False),
    },
    "party": {"tel": (str, False), "name": (str, False), "validation": (str, False)},
    "dialog": {
        "type": (str, True),
        "start": (str, True),
        "duration": ((int, float), False),
        "parties": (list, False),
        "mediatype": (str, False),
        "filename": (str, False),
        "party_history": (list, False),
    },
    "party_history": {"party": (int, True), "time": (str, True), "event": (str, True)},
    "analysis": {
        "type": (str, True),
        "dialog": (int, False),
        "vendor": (str, True),
        "product": (str, False),
        "schema": (str, False),
        "mediatype": (str, False),
        "encoding": (str, False),
        "body": (dict, False),
    },
    "attachment": {
        "purpose": (str, False),
        "start": (str, True),
        "party": (int, True),
        "dialog": (int, True),
        "mediatype": (str, False),
        "encoding": (str, False),
        "body": (dict, False),
    },
}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def a_recording(**changes: Any) -> Recording:
    """A call of 20 s of agent 101."""
    values: dict[str, Any] = dict.fromkeys(Recording.__slots__, 0)
    values |= dict.fromkeys(("agent_loudness_db", "customer_loudness_db", "announced_at", "bridged_at", "prompt_sha256"))
    values |= {"call_id": "c1", "number": "+12125550100", "person": "p1", "campaign": "spring", "agent_id": "101", "team": "east"}
    values |= {"started_at": BEGAN, "ended_at": BEGAN + timedelta(seconds=20), "duration_ms": 20_000, "disposition": "sale"}
    values |= {"disclosure": Verdict.PROVEN, "prompt": "en-1", "language": "en", "disclosed_by": "prompt_before"}
    values |= {"packs": (), "flags": (), "agents": (), "pauses": ()}
    return replace(Recording(**values), **changes)


def made(recording: Recording, form: str = "opus") -> dict[str, Any]:
    return vcon(recording, form, "Sunshine", "pbx.example.com", MADE)


def check(kind: str, told: dict[str, Any]) -> None:
    known = CORE[kind]
    assert set(told) <= set(known), f"{kind}: {set(told) - set(known)} are not of the core"
    assert {name for name, (_, needed) in known.items() if needed} <= set(told)
    for name, value in told.items():
        assert isinstance(value, known[name][0]), f"{kind}.{name}"
        if name in {"start", "created_at", "time"}:
            assert RFC3339.fullmatch(str(value))


TRANSFERRED = a_recording(agent_id="102", agents=(Turn("101", 4000, 9000), Turn("102", 9500, 20_000)))


@pytest.mark.parametrize("recording", [a_recording(), TRANSFERRED, a_recording(agent_id=None)])
def test_every_object_has_what_the_draft_asks_for_and_nothing_it_does_not_know(recording: Recording) -> None:
    told = made(recording)
    check("vcon", told)
    objects = {"party": "parties", "dialog": "dialog", "analysis": "analysis", "attachment": "attachments"}
    for kind, name in objects.items():
        for one in told[name]:
            check(kind, one)
    for one in told["dialog"][0]["party_history"]:
        check("party_history", one)
    parties = told["dialog"][0]["parties"]
    assert len(parties) == 2  # as many as the recording has channels
    named = [one for part in parties for one in (part if isinstance(part, list) else [part])]
    assert sorted(named) == list(range(len(told["parties"])))


def test_the_left_channel_is_the_agents_and_the_right_one_the_customers() -> None:
    told = made(TRANSFERRED)
    assert told["dialog"][0]["parties"] == [[0, 1], 2]
    assert [party.get("name", party.get("tel")) for party in told["parties"]] == ["agent 101", "agent 102", "+12125550100"]
    history = [(one["party"], one["event"], one["time"]) for one in told["dialog"][0]["party_history"]]
    assert history == [
        (0, "join", "2026-03-02T15:04:09.250+00:00"),
        (0, "drop", "2026-03-02T15:04:14.250+00:00"),
        (1, "join", "2026-03-02T15:04:14.750+00:00"),
        (1, "drop", "2026-03-02T15:04:25.250+00:00"),
    ]


def said(side: Side, start_ms: int, *texts: str) -> Phrase:
    return Phrase(side, tuple(Word(start_ms + 200 * n, start_ms + 200 * (n + 1), text, 0.5) for n, text in enumerate(texts)))


TALK = Transcript(
    "engine 1, model small",
    "zh",
    (
        said(Side.AGENT, 300, "本通電話", "會被錄音"),
        said(Side.AGENT, 4500, "您好"),
        said(Side.CUSTOMER, 6000, "方便"),
        said(Side.AGENT, 12_000, "再見"),
    ),
)


def test_a_transcript_is_analysis_of_its_own_type_each_phrase_by_whoever_said_it() -> None:
    told = vcon(TRANSFERRED, "opus", "Sunshine", "pbx.example.com", MADE, transcript=TALK)
    measures, transcript = told["analysis"]
    assert (measures["type"], transcript["type"]) == ("report", "transcript")
    check("analysis", transcript)
    assert (transcript["product"], transcript["body"]["language"]) == ("engine 1, model small", "zh")
    assert [(one["party"], one["start_ms"], one["text"]) for one in transcript["body"]["phrases"]] == [
        (0, 300, "本通電話會被錄音"),  # before anybody had joined: our side
        (0, 4500, "您好"),
        (2, 6000, "方便"),
        (1, 12_000, "再見"),
    ]
    assert transcript["body"]["phrases"][0] == {
        "party": 0,
        "start_ms": 300,
        "end_ms": 700,
        "text": "本通電話會被錄音",
        "confidence": 0.5,
    }


def test_where_nobody_wrote_it_down_there_is_no_transcript() -> None:
    assert [one["type"] for one in made(TRANSFERRED)["analysis"]] == ["report"]


def test_where_no_agent_was_the_seller_speaks_on_the_left() -> None:
    assert made(a_recording(agent_id=None))["parties"][0]["name"] == "Sunshine"


def test_the_proof_of_disclosure_is_an_attachment() -> None:
    (proof,) = made(a_recording(disclosure_start_ms=300, disclosure_end_ms=3800, disclosure_score=0.98))["attachments"]
    assert proof["body"]["verdict"] == "proven"
    assert (proof["body"]["disclosure_start_ms"], proof["body"]["disclosure_score"]) == (300, 0.98)


def test_the_uuid_is_of_version_8_and_tells_when_and_where_but_not_of_whom() -> None:
    one = UUID(uuid8("c1", "pbx.example.com", MADE))
    assert (one.version, one.variant) == (8, "specified in RFC 4122")
    assert one.int >> 80 == int(MADE.timestamp() * 1000)
    other = UUID(uuid8("c2", "pbx.example.com", MADE))
    assert one != other
    assert one.int & (2**62 - 1) == other.int & (2**62 - 1)
    assert uuid8("c1", "pbx.example.com", MADE.astimezone(timezone(timedelta(hours=8)))).split("-")[:2] == str(one).split("-")[:2]


@pytest.mark.parametrize("form", MEDIATYPES)
def test_a_form_has_its_media_type(form: str) -> None:
    assert made(a_recording(), form)["dialog"][0]["mediatype"] == MEDIATYPES[form]


def test_a_form_without_a_media_type_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold 'aac'"):
        made(a_recording(), "aac")
