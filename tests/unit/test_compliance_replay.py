"""A past decision comes out the same, to the byte; and where it does not, the difference is told in words."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.chain import canonical
from compliance.decision import Decided, calendar_text, text_hash
from compliance.differences import differences
from compliance.facts import EventKind, Facts, ListState, Suppression
from compliance.replay import Kept, Replay, entry_in, event_in, facts_of, read_whole, replay, rows_used
from compliance.verdict import Candidate
from tests.kept_decisions import (
    FRANCE,
    NOON,
    NUMBERS,
    PACK,
    VERSIONS,
    KeptSite,
    a_site,
    an_entry,
    an_event,
    chained,
    random_events,
)

SITES = tuple(a_site(seed) for seed in range(40))


def everything() -> list[tuple[KeptSite, str]]:
    return [(site, text) for site in SITES for text in site.decisions]


def refused_by(rule: str) -> tuple[KeptSite, str]:
    """A kept decision in which this rule stood in the way."""
    return next((site, text) for site, text in everything() if f'"rule":"{rule}"' in text)


def replayed(site: KeptSite, text: str, **changed: object) -> Replay:
    return replay(replace(site.kept(text), **changed), VERSIONS)  # type: ignore[arg-type] # fields of Kept by name


def test_200_random_decisions_come_out_the_same_to_the_byte() -> None:
    found = [replayed(site, text) for site, text in everything()]
    assert len(found) == 200
    assert [one.differences for one in found if not one.same] == []
    assert all(one.then == one.now for one in found)


def test_the_random_decisions_are_of_every_kind() -> None:
    told = [json.loads(text)["verdict"] for _, text in everything()]
    verdicts = Counter(one["verdict"] for one in told)
    rules = {reason["rule"] for one in told for reason in one.get("reasons", ())}
    assert min(verdicts["permit"], verdicts["refuse"]) >= 10
    assert rules >= {"dnc", "hours", "cap", "rest", "consent", "register"}


def test_another_text_of_the_pack_is_named_and_decides_nothing() -> None:
    site, text = refused_by("cap")
    (sha256,) = site.kept(text).packs
    again = replayed(site, text, packs={sha256: PACK.replace("max = 2", "max = 9")})
    assert not again.same
    assert again.now is None
    assert len(again.differences) == 1
    assert again.differences[0].startswith(f"rule pack test 1 (sha256 {sha256}): its text differs from the one that decided")


def test_a_pack_that_was_not_kept_is_named() -> None:
    site, text = refused_by("cap")
    again = replayed(site, text, packs={})
    assert again.now is None
    assert "rule pack test 1" in again.differences[0]
    assert "is not there" in again.differences[0]


def test_another_text_of_the_calendar_is_named() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    (sha256,) = site.kept(text).calendars
    other = calendar_text(replace(FRANCE, holidays=frozenset({date(2026, 6, 16)})))
    again = replayed(site, text, calendars={sha256: other})
    assert again.differences == (
        f"calendar (sha256 {sha256}): its text differs from the one that decided: it has sha256 {text_hash(other)}",
    )


def test_a_row_that_is_gone_is_named_by_its_place() -> None:
    site, text = refused_by("cap")
    lost = json.loads(text)["events"][0]
    rows = {seq: body for seq, body in site.kept(text).rows.items() if seq != lost}
    assert replayed(site, text, rows=rows).differences == (f"ledger row {lost}: it was used, and is not there",)


def test_a_row_that_says_something_else_changes_the_verdict_and_the_reason_is_told() -> None:
    site, text = refused_by("rest")
    rows = {seq: body.replace('"kind":"refusal"', '"kind":"ringing"') for seq, body in site.kept(text).rows.items()}
    again = replayed(site, text, rows=rows)
    assert again.now is not None
    assert any(one.startswith("reason gone: rest: ") for one in again.differences)


def test_another_version_is_a_note_while_the_verdict_is_the_same() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    again = replay(site.kept(text), "ringfence 2, tzdata 2027a")
    assert again.same
    assert again.notes == (f"decided by {VERSIONS}; this is ringfence 2, tzdata 2027a",)


def test_another_version_is_told_among_the_differences_when_the_verdict_is_another() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    told = json.loads(text)
    told["verdict"]["zones"] = ["Mars/Olympus"]
    again = replay(site.kept(canonical(told)), "tzdata 2027a")
    assert again.differences[0].startswith("the callee's zones was Mars/Olympus and is now ")
    assert again.differences[-1].endswith("this is tzdata 2027a")


def test_two_verdicts_are_the_same_only_if_their_texts_are_and_nothing_is_told_of_them() -> None:
    assert Replay("a", "a", ()).same
    assert not Replay("a", "a", ("x",)).same
    assert not Replay("a", "b", ()).same


def altered(text: str, **changed: object) -> str:
    """The decision with these keys, and those of the verdict under `verdict`, said otherwise."""
    told = json.loads(text)
    told["verdict"] |= changed.pop("verdict", {})
    return canonical(told | changed)


def test_a_replay_that_cannot_be_made_tells_what_was_decided_and_all_that_is_missing() -> None:
    site, text = refused_by("cap")
    then, new = canonical(json.loads(text)["verdict"]), "tzdata 2027a"
    aged = (f"decided by {VERSIONS}; this is {new}",)
    assert replay(Kept("", {}, {}, {}), new) == Replay("", None, ("nothing was kept of what it was decided from",))
    assert replay(Kept("{}", {}, {}, {}), new) == Replay("", None, ("not a decision of the gate: KeyError at 'candidate'",))
    used = sorted({*json.loads(text)["events"], *json.loads(text).get("suppressions", ())})
    first, *_, last = used
    rows = {seq: body for seq, body in site.kept(text).rows.items() if seq not in {first, last}}
    gone = tuple(f"ledger row {seq}: it was used, and is not there" for seq in (first, last))
    assert replay(replace(site.kept(text), rows=rows), new) == Replay(then, None, gone, aged)
    unread = (f"ledger row {first}: not a row of the ledger: KeyError at 'kind'",)
    emptied = replace(site.kept(text), rows={**site.kept(text).rows, first: "{}"})
    assert replay(emptied, new) == Replay(then, None, unread, aged)
    no_list = ("the gate cannot be asked this: KeyError at 'us.x'",)
    assert replay(site.kept(altered(text, listed=["us.x"])), new) == Replay(then, None, no_list, aged)


def test_a_replay_that_comes_out_otherwise_has_both_texts() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    moved = altered(text, verdict={"zones": ["Z"]})
    again = replayed(site, moved)
    assert (again.then, again.now) == (canonical(json.loads(moved)["verdict"]), canonical(json.loads(text)["verdict"]))


def test_a_text_of_a_pack_or_a_calendar_that_this_version_cannot_read_is_told() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    pack, calendar = PACK.replace("schema = 1", "schema = 2") + "x = 1", "{}"
    old = altered(text, verdict={"packs": [["test", "0", text_hash(pack)]]}, calendars=[text_hash(calendar)])
    again = replayed(site, old, packs={text_hash(pack): pack}, calendars={text_hash(calendar): calendar})
    assert again.differences == (
        f"rule pack test 0 (sha256 {text_hash(pack)}): this version cannot read it: test: schema: this version reads schema 1",
        f"calendar (sha256 {text_hash(calendar)}): this version cannot read it: 'holidays'",
    )


def test_versions_that_nobody_noted_are_told() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    assert replay(site.kept(altered(text, versions="")), "x").notes == ("decided by unknown versions; this is x",)


NO_NAMES = "not a decision of the gate: its rows or texts have no such names"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"events": [0]}, NO_NAMES),
        ({"events": [-1]}, NO_NAMES),
        ({"events": [1 << 31]}, NO_NAMES),
        ({"events": [True]}, NO_NAMES),
        ({"events": [1.0]}, NO_NAMES),
        ({"events": ["1"]}, NO_NAMES),
        ({"suppressions": [0]}, NO_NAMES),
        ({"calendars": [7]}, NO_NAMES),
        ({"versions": 7}, NO_NAMES),
        ({"verdict": {"packs": [["test", 1, "aa"]]}}, NO_NAMES),
        ({"verdict": {"packs": [["test", "1"]]}}, "not a decision of the gate: IndexError at list index out of range"),
        ({"verdict": {"packs": 7}}, "not a decision of the gate: TypeError at 'int' object is not iterable"),
    ],
)
def test_a_decision_whose_rows_or_texts_are_none_is_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"^not a decision") as caught:
        read_whole(altered(SITES[0].decisions[0], **changed))
    assert str(caught.value) == told


def test_the_farthest_row_of_a_ledger_has_a_place() -> None:
    farthest = (1 << 31) - 1
    decided, _ = read_whole(altered(SITES[0].decisions[0], events=[1, farthest], suppressions=[farthest, 7]))
    assert rows_used(decided) == (1, 7, farthest)


def test_the_gate_is_given_every_fact_that_was_kept() -> None:
    start = NOON - timedelta(days=3)
    attempt, reserved = (an_event(EventKind.ATTEMPT, NOON - timedelta(hours=hours), "ann", NUMBERS[0]) for hours in (1, 0))
    entry = an_event(EventKind.SUPPRESSED, start, "ann", "")
    decided = Decided(
        candidate=Candidate("try", "ann", NUMBERS[0], "spring", "acme", "solar"),
        at=NOON,
        verdict="{}",
        events=(2,),
        suppressions=(5,),
        reserved=(reserved,),
        numbers=NUMBERS[:2],
        lists=(ListState("fr.bloctel", start),),
        listed=("fr.bloctel",),
        grounds=("guaranteed_agent",),
        campaign_start=start,
    )
    assert facts_of(decided, {2: attempt, 5: entry}, (FRANCE,)) == Facts(
        events=(attempt, reserved),
        suppressions=(
            Suppression(start, "", "", None, "ann", seller="acme", campaign="spring"),
            Suppression(start, "listed", "fr.bloctel", NUMBERS[0], None, "fr.bloctel"),
        ),
        numbers=NUMBERS[:2],
        grounds=frozenset({"guaranteed_agent"}),
        lists=(ListState("fr.bloctel", start),),
        calendars=(FRANCE,),
        campaign_start=start,
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "nonsense", '{"candidate":{},"at":"x","verdict":{},"versions":""}'])
def test_what_is_no_decision_is_told_and_never_the_same(text: str) -> None:
    again = replay(Kept(text, {}, {}, {}), VERSIONS)
    assert not again.same
    assert again.differences


@settings(deadline=None, derandomize=True)
@given(st.data())
def test_a_decision_altered_anywhere_is_never_the_same_by_accident_and_never_a_crash(data: st.DataObject) -> None:
    site, text = everything()[data.draw(st.integers(0, 19))]
    told = json.loads(text)
    key = data.draw(st.sampled_from(sorted(told)))
    told[key] = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.just([1e300, "x"]) | st.just({"ring_for": 1e300}))
    again = replayed(site, canonical(told))
    assert not again.same or again.then == again.now
    assert again.same or again.differences


A_REASON: dict[str, object] = {
    "rule": "cap",
    "text": "at most 2",
    "retry_at": None,
    "kind": "cap",
    "cite": "c",
    "level": "law",
    "facts": [],
}
A_REFUSAL: dict[str, object] = {
    "verdict": "refuse",
    "at": "t",
    "zones": ["Z"],
    "packs": [["p", "1", "aa"]],
    "retry_at": None,
    "reasons": [A_REASON],
}


A_PERMIT: dict[str, object] = {"verdict": "permit", "at": "t", "zones": ["Z"], "packs": [["p", "1", "aa"]], "closes_at": "then"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reasons": []}, ["reason gone: cap: at most 2"]),
        ({"reasons": [A_REASON, {**A_REASON, "rule": "dnc", "text": "listed"}]}, ["reason added: dnc: listed"]),
        ({"reasons": [A_REASON, A_REASON]}, ["reason added: cap: at most 2"]),
        ({"reasons": [A_REASON] * 3}, ["reason added: cap: at most 2"] * 2),
        ({"reasons": [{**A_REASON, "text": "at most 3"}]}, ["reason cap: text was at most 2 and is now at most 3"]),
        (
            {"reasons": [{**A_REASON, "facts": ["a", 1], "retry_at": "later"}]},
            ["reason cap: facts was none and is now a, 1", "reason cap: retry_at was none and is now later"],
        ),
        ({"reasons": [{"rule": "cap", "text": "at most 2"} | {"more": "x"}]}, [
            "reason cap: cite was c and is now none",
            "reason cap: facts was none and is now none",
            "reason cap: kind was cap and is now none",
            "reason cap: level was law and is now none",
            "reason cap: more was none and is now x",
        ]),
        ({"at": "u"}, ["the time of the decision was t and is now u"]),
        ({"retry_at": "later"}, ["the first permitted instant was none and is now later"]),
        ({"zones": ["A", "B"]}, ["the callee's zones was Z and is now A, B"]),
        ({"zones": []}, ["the callee's zones was Z and is now none"]),
        ({"packs": [["p", "2", "bb"]]}, ["pack gone: p 1 (sha256 aa)", "pack added: p 2 (sha256 bb)"]),
        ({"verdict": "permit"}, ["the verdict was 'refuse' and is now 'permit'"]),
        ({"surprise": 1}, ["the two texts are written differently"]),
    ],
)  # fmt: skip
def test_each_kind_of_difference_has_its_words(changed: dict[str, object], told: list[str]) -> None:
    assert list(differences(A_REFUSAL, A_REFUSAL | changed)) == told


def test_what_only_one_of_the_two_kinds_of_verdict_says_is_no_difference_of_its_own() -> None:
    assert differences(A_REFUSAL, A_PERMIT) == (
        "the verdict was 'refuse' and is now 'permit'",
        "reason gone: cap: at most 2",
    )
    assert differences(A_PERMIT, A_REFUSAL) == (
        "the verdict was 'permit' and is now 'refuse'",
        "reason added: cap: at most 2",
    )
    assert differences(A_PERMIT, A_PERMIT | {"closes_at": "now"}) == ("the end of the window was then and is now now",)


def test_packs_in_another_order_and_a_verdict_that_names_none_are_told() -> None:
    p, q = ["p", "1", "aa"], ["q", "1", "bb"]
    assert differences({"packs": [p, q]}, {"packs": [q, p]}) == ("the packs are in another order",)
    assert differences({"packs": [p]}, {"packs": [p, q]}) == ("pack added: q 1 (sha256 bb)",)
    assert differences({}, {"packs": [p]}) == ("pack added: p 1 (sha256 aa)",)
    assert differences({"packs": [p]}, {}) == ("pack gone: p 1 (sha256 aa)",)


def test_a_row_tells_the_event_that_was_written() -> None:
    events = random_events(7, 60)
    site = a_site(7, decisions=0, events=60)
    assert [event_in(link.body) for link in site.links] == events
    placed = replace(events[0], zones=("America/Chicago", "America/New_York"), attempt_id=None, debt="d", creditor="c")
    (link,) = chained([placed])
    assert event_in(link.body) == placed


def test_a_do_not_call_row_tells_the_entry_that_was_written() -> None:
    entries = [event for event in random_events(7, 400) if event.kind is EventKind.SUPPRESSED]
    assert any(entry_in(event).until for event in entries)
    assert [entry_in(event) for event in entries] == [an_entry(event) for event in entries]
    other = an_event(EventKind.SUPPRESSED, NOON, "", NUMBERS[0], scope="litigators", reason="sued", source="court")
    assert entry_in(other) == Suppression(NOON, "sued", "court", NUMBERS[0], None, "litigators", "acme", "spring")


def test_only_a_do_not_call_row_proves_an_entry() -> None:
    with pytest.raises(ValueError, match="'attempt' proves no do-not-call entry"):
        entry_in(an_event(EventKind.ATTEMPT, datetime(2026, 6, 15, tzinfo=UTC), "ann", "+12125550100"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "JSONDecodeError at Expecting value: line 1 column 1 (char 0)"),
        ("[]", "TypeError at list indices must be integers or slices, not str"),
        ("{}", "KeyError at 'kind'"),
        ('{"kind":"attempt"}', "KeyError at 'at'"),
    ],
)
def test_a_body_that_is_no_row_is_told(body: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^not a row") as caught:
        event_in(body)
    assert str(caught.value) == f"not a row of the ledger: {why}"


def test_a_calendar_that_was_never_there_decides_nothing() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    again = replayed(site, text, calendars={})
    assert again.now is None
    assert "calendar" in again.differences[0]
