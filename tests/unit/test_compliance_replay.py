"""A past decision comes out the same, to the byte; and where it does not, the difference is told in words."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.chain import canonical
from compliance.decision import calendar_text, text_hash
from compliance.differences import differences
from compliance.facts import EventKind
from compliance.replay import Kept, Replay, entry_in, event_in, replay
from tests.kept_decisions import FRANCE, PACK, VERSIONS, KeptSite, a_site, an_entry, an_event, random_events

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


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reasons": []}, "reason gone: cap: at most 2"),
        ({"reasons": [A_REASON, {**A_REASON, "rule": "dnc", "text": "listed"}]}, "reason added: dnc: listed"),
        ({"reasons": [A_REASON, A_REASON]}, "reason added: cap: at most 2"),
        ({"reasons": [{**A_REASON, "text": "at most 3"}]}, "reason cap: text was at most 2 and is now at most 3"),
        ({"retry_at": "later"}, "the first permitted instant was none and is now later"),
        ({"zones": ["A", "B"]}, "the callee's zones was Z and is now A, B"),
        ({"packs": [["p", "2", "bb"]]}, "pack gone: p 1 (sha256 aa)"),
        ({"verdict": "permit"}, "the verdict was 'refuse' and is now 'permit'"),
        ({"surprise": 1}, "the two texts are written differently"),
    ],
)
def test_each_kind_of_difference_has_its_words(changed: dict[str, object], told: str) -> None:
    assert differences(A_REFUSAL, A_REFUSAL | changed)[0] == told


def test_a_row_tells_the_event_that_was_written() -> None:
    events = random_events(7, 60)
    site = a_site(7, decisions=0, events=60)
    assert [event_in(link.body) for link in site.links] == events


def test_a_do_not_call_row_tells_the_entry_that_was_written() -> None:
    entries = [event for event in random_events(7, 400) if event.kind is EventKind.SUPPRESSED]
    assert any(entry_in(event).until for event in entries)
    assert [entry_in(event) for event in entries] == [an_entry(event) for event in entries]


def test_only_a_do_not_call_row_proves_an_entry() -> None:
    with pytest.raises(ValueError, match="'attempt' proves no do-not-call entry"):
        entry_in(an_event(EventKind.ATTEMPT, datetime(2026, 6, 15, tzinfo=UTC), "ann", "+12125550100"))


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"kind":"attempt"}'])
def test_a_body_that_is_no_row_is_told(body: str) -> None:
    with pytest.raises(ValueError, match="not a row of the ledger"):
        event_in(body)


def test_a_calendar_that_was_never_there_decides_nothing() -> None:
    site, text = SITES[0], SITES[0].decisions[0]
    again = replayed(site, text, calendars={})
    assert again.now is None
    assert "calendar" in again.differences[0]
