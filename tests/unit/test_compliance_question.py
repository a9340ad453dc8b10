"""What is asked from outside is read whole or refused with its key; what is answered is the gate's own verdict."""

from dataclasses import replace
from datetime import timedelta
from time import tzset
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.facts import EventKind
from compliance.packs import Pack, parse_pack
from compliance.question import KEYS, BadQuestion, answer, parse_question
from compliance.verdict import CallerId, Candidate

ASKED: dict[str, Any] = {"number": "+12125550100", "at": "2026-06-15T12:00:00-04:00"}
HOURS = """
schema = 1
[pack]
id = "hours"
version = "1"
jurisdiction = ["FR"]
[[rule]]
id = "x.hours"
kind = "window"
cite = "a cite"
level = "law"
source = "primary"
clock = "callee"
schedule = [{ on = ["*"], allow = ["09:00-20:00"] }]
[[rule]]
id = "x.list"
kind = "suppress"
cite = "another"
level = "law"
source = "primary"
list = "x.dnc"
match = ["number"]
list_max_age_days = 30
"""


def a_pack() -> Pack:
    return parse_pack(HOURS, "hours")


def test_a_question_is_read_with_all_that_is_known() -> None:
    line = {"kind": "attempt", "at": "2026-06-15T10:00:00Z", "person": "p1", "number": "+1917555010"}
    asked = {
        **ASKED,
        "zone": "America/Denver",
        "ring_budget": 45,
        "seller": "x",
        "history": [{**line, "busy": True, "attempt": "a1"}],
    }
    question = parse_question(asked)
    assert question.at.isoformat() == "2026-06-15T16:00:00+00:00"
    assert question.candidate.zones == ("America/Denver",)
    assert question.candidate.ring_for.total_seconds() == 45
    assert (question.candidate.purpose, question.candidate.technology) == ("sales", "manual")
    (event,) = question.facts.events
    assert (event.kind, event.person, event.attempt_id) == (EventKind.ATTEMPT, "p1", "a1")
    assert dict(event.facts) == {"busy": "true"}


def test_every_key_of_the_call_is_read_into_its_place() -> None:
    texts = ("person", "subject", "campaign", "seller", "debt", "creditor", "purpose", "technology", "party", "sector")
    asked: dict[str, Any] = {name: f"the {name}" for name in (*texts, "caller_role", "line_type")}
    told = {**ASKED, **asked, "zone": ["America/Denver", "America/Boise"], "region": ["US-ID", "FR"], "ring_budget": 45}
    shown = {"number": "+33199000001", "qualities": ["dialable", "assigned"], "attestation": "B"}
    question = parse_question({**told, "caller_id": shown, "pack": ["house", "fr"]})
    assert question.packs == ("house", "fr")
    assert question.candidate == Candidate(
        attempt_id="question",
        number="+12125550100",
        zones=("America/Denver", "America/Boise"),
        regions=("US-ID", "FR"),
        ring_for=timedelta(seconds=45),
        caller_id=CallerId("+33199000001", frozenset({"dialable", "assigned"}), "B"),
        **asked,
    )


def test_what_a_question_leaves_open_is_a_sales_call_dialed_by_hand_to_nobody_in_particular() -> None:
    least = Candidate("question", "", "+12125550100", "", "", "", "sales", ring_for=timedelta(0), technology="manual")
    assert parse_question(ASKED).candidate == least
    assert parse_question(ASKED).packs == ()
    assert parse_question({**ASKED, "pack": "house"}).candidate == replace(least, purpose=""), "that of the packs"
    assert parse_question({**ASKED, "caller_id": ""}).candidate.caller_id == CallerId("")
    assert parse_question({**ASKED, "caller_id": {}}).candidate.caller_id == CallerId("")
    assert parse_question({**ASKED, "number": "+1234"}).candidate.number == "+1234"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"x" * 61: 1, "y": 1}, f"{'x' * 60}: unknown key"),
        ({"number": "+123"}, "number: must be in E.164: + and 4 to 15 digits"),
        ({"number": "+1234567890123456"}, "number: must be in E.164: + and 4 to 15 digits"),
        ({"number": "+0234567"}, "number: must be in E.164: + and 4 to 15 digits"),
        ({"caller_id": 7}, "caller_id: must be a number, or an object with number, qualities and attestation"),
        ({"region": ["US-FL", "Texas"]}, "region: 'Texas' is no country or part of one in ISO 3166, such as FR or US-FL"),
    ],
)
def test_a_fault_of_the_question_is_told_in_full(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        parse_question({**ASKED, **changed})
    assert str(caught.value) == told


def for_purposes(name: str, purposes: str, governed: str) -> Pack:
    """A pack for these purposes that forbids every call for one of them, the one governed."""
    head = f'schema = 1\n[pack]\nid = "{name}"\nversion = "1"\njurisdiction = ["*"]\napplies = {{ purpose = {purposes} }}\n'
    rule = f'[[rule]]\nid = "{name}.hours"\nkind = "window"\ncite = "c"\nlevel = "law"\nsource = "primary"\nclock = "callee"\n'
    when = f'schedule = [{{ on = ["*"], allow = [] }}]\nwhen = {{ purpose = ["{governed}"] }}\n'
    return parse_pack(head.replace("applies = { purpose = [] }\n", "") + rule + when, name)


@pytest.mark.parametrize(
    ("packs", "asked", "refusing"),
    [
        ([("a", "[]", "sales")], "", ["a.hours"]),
        ([("a", "[]", "service")], "", []),
        ([("a", '["service", "sales"]', "sales")], "", ["a.hours"]),
        ([("a", '["service", "research"]', "service")], "", ["a.hours"]),
        ([("a", '["service", "research"]', "research")], "", []),
        ([("a", '["service", "research"]', "research")], "research", ["a.hours"]),
        ([("a", '["service"]', "service"), ("b", '["research", "service"]', "research")], "", ["a.hours"]),
        ([("a", '["service"]', "service"), ("b", '["research"]', "research")], "", ["a.hours", "b.hours"]),
    ],
)
def test_without_a_purpose_the_call_is_for_one_that_all_its_packs_govern(
    packs: list[tuple[str, str, str]], asked: str, refusing: list[str]
) -> None:
    question = parse_question({**ASKED, "purpose": asked, "pack": [name for name, *_ in packs]})
    told = answer(question, [for_purposes(*one) for one in packs], ())
    assert [reason["rule"] for reason in told["reasons"]] == refusing  # type: ignore[attr-defined] # a list of objects
    assert len(told["packs"]) == len(packs)  # type: ignore[arg-type] # a list


def test_an_answer_is_told_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    tzset()
    try:
        refused = answer(parse_question({**ASKED, "at": "2026-06-15T20:00:00-04:00", "pack": ["hours"]}), (a_pack(),), ())
        assert refused["retry_at"] == "2026-06-16T13:00:00Z"
    finally:
        monkeypatch.undo()
        tzset()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"number": "12125550100"}, "number: must be in E.164"),
        ({"number": 12125550100}, "number: must be a text"),
        ({"at": "2026-06-15T12:00:00"}, "at: must say its offset"),
        ({"at": "yesterday"}, "at: must be a time in ISO 8601"),
        ({"at": "9999-12-31T23:59:59Z"}, "at: must be between 1971 and 2199"),
        ({"zone": ["Mars/Base"]}, "zone: 'Mars/Base' is not a known IANA"),
        ({"zone": [7]}, "zone: must be a list of texts"),
        ({"ring_budget": -1}, "ring_budget: must be seconds"),
        ({"ring_budget": float("nan")}, "ring_budget: must be seconds"),
        ({"ring_budget": True}, "ring_budget: must be seconds"),
        ({"consent": "maybe"}, "consent: 'maybe' is no level"),
        ({"history": {}}, "history: must be a list"),
        ({"history": ["x"]}, r"history\[0\]: must be an object"),
        ({"history": [{"kind": "hello", "at": ASKED["at"]}]}, r"history\[0\].kind: 'hello' is no event"),
        ({"history": [{"kind": "attempt"}]}, r"history\[0\].at: must be a time"),
        ({"mood": "good"}, "mood: unknown key"),
        ({"lists": ["x"]}, "lists: must be an object"),
        ({"caller_id": 7}, "caller_id: must be"),
        ({"inconvenient": ["noon"]}, "inconvenient: "),
    ],
)
def test_what_cannot_be_read_is_told_with_its_key(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(BadQuestion, match=told):
        parse_question({**ASKED, **changed})


def test_a_pack_that_is_asked_for_applies_wherever_the_number_is() -> None:
    refused = answer(parse_question({**ASKED, "at": "2026-06-15T20:00:00-04:00", "pack": ["hours"]}), (a_pack(),), ())
    assert refused["verdict"] == "refuse"
    assert refused["retry_at"] == "2026-06-16T13:00:00Z"
    assert refused["zones"] == ["America/New_York"]
    assert refused["reasons"] == [
        {
            "rule": "x.hours",
            "kind": "window",
            "cite": "a cite",
            "level": "law",
            "text": "outside the permitted hours: it is Mon 20:00 in America/New_York",
        }
    ]
    assert refused["packs"] == [{"id": "hours", "version": "1", "sha256": a_pack().sha256}]


def test_a_pack_of_another_place_covers_no_call() -> None:
    told = answer(parse_question(ASKED), (a_pack(),), ())
    assert (told["verdict"], told["retry_at"], told["packs"]) == ("refuse", None, [])


@pytest.mark.parametrize(
    ("as_of", "verdict"), [(None, "permit"), ("2026-06-01T00:00:00Z", "permit"), ("2026-05-01T00:00:00Z", "refuse")]
)
def test_a_list_is_up_to_date_unless_the_question_says_otherwise(as_of: str | None, verdict: str) -> None:
    lists = {} if as_of is None else {"lists": {"x.dnc": as_of}}
    assert answer(parse_question({**ASKED, "pack": ["hours"], **lists}), (a_pack(),), ())["verdict"] == verdict


def test_an_event_of_nobody_may_be_of_this_number() -> None:
    (event,) = parse_question({**ASKED, "history": [{"kind": "attempt", "at": ASKED["at"]}]}).facts.events
    assert event.number == ASKED["number"]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(KEYS)), json_values)
def test_any_value_of_any_key_is_read_or_refused_by_its_name(key: str, value: Any) -> None:
    fault = ""
    try:
        parse_question({**ASKED, key: value})
    except BadQuestion as error:
        fault = str(error)
    assert not fault or fault.startswith(key)
