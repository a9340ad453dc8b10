"""What a question says is known becomes facts, and doubt is never in favour of a call."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.daykinds import DayKind
from compliance.facts import Consent, EventKind, Facts, LedgerEvent, ListState, Relation, Suppression
from compliance.question_facts import facts_of
from compliance.question_fields import BadQuestion
from compliance.verdict import Candidate
from compliance.windows import DayPlan, Hours

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME, WORK, OTHER = "+12125550100", "+12125550101", "+12125550102"
LONG, SHOWN = "x" * 61, "x" * 60
LEVELS = "implied, express, specific, direct, written"


def ann(**about: str) -> Candidate:
    return replace(Candidate("question", "ann", HOME, "spring", "acme", "solar"), **about)  # type: ignore[arg-type] # texts all


NOBODY = ann(person="")  # on her number; who it is, the question does not say


def known(asked: Mapping[str, object], candidate: Candidate = NOBODY) -> Facts:
    return facts_of(asked, candidate, NOON)


def a_line(kind: str = "attempt", hours_ago: float = 1, **about: object) -> dict[str, object]:
    return {"kind": kind, "at": (NOON - hours_ago * HOUR).isoformat(), **about}


def history(*lines: object, **asked: object) -> dict[str, object]:
    return {**asked, "history": list(lines)}


def the_event(candidate: Candidate = NOBODY, **about: object) -> LedgerEvent:
    (event,) = known(history(a_line(**about)), candidate).events  # type: ignore[arg-type] # the kind among them is a text
    return event


def fault(asked: Mapping[str, object], candidate: Candidate = NOBODY) -> str:
    with pytest.raises(BadQuestion) as caught:
        known(asked, candidate)
    return str(caught.value)


# --- events -------------------------------------------------------------------------------------------------------------


def test_an_event_is_read_field_by_field() -> None:
    names = ("person", "number", "campaign", "seller", "subject", "debt", "creditor")
    texts: dict[str, Any] = {name: f"the {name}" for name in names}
    event = the_event(kind="conversation", attempt_id="a1", attempt="a2", busy=True, far=False, rings=3, tags=["a", 1], **texts)
    assert event == LedgerEvent(
        EventKind.CONVERSATION,
        NOON - HOUR,
        "the person",
        "the number",
        "the campaign",
        "the seller",
        "the subject",
        attempt_id="a1",
        facts=(("busy", "true"), ("far", "false"), ("rings", "3"), ("tags", "a 1")),
        debt="the debt",
        creditor="the creditor",
    )


def test_an_event_that_says_nothing_but_its_kind_and_time_is_of_the_number_asked_about() -> None:
    assert the_event() == LedgerEvent(EventKind.ATTEMPT, NOON - HOUR, "", HOME, "", "", "")
    assert the_event(attempt="a2").attempt_id == "a2"


@pytest.mark.parametrize(
    ("asked", "person", "number", "expected"),
    [
        ("ann", "", "", HOME),
        ("ann", "ann", "", HOME),
        ("ann", "bob", "", ""),
        ("", "", "", HOME),
        ("", "bob", "", HOME),
        ("ann", "", OTHER, OTHER),
        ("ann", "ann", OTHER, OTHER),
        ("ann", "bob", OTHER, OTHER),
        ("", "bob", OTHER, OTHER),
    ],
)
def test_what_happened_on_a_number_nobody_names_may_have_been_on_this_one_unless_it_was_somebody_elses(
    asked: str, person: str, number: str, expected: str
) -> None:
    event = the_event(ann(person=asked), person=person, number=number)
    assert (event.person, event.number) == (person, expected)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("amd_machine", EventKind.MACHINE),
        ("consent_withdrawn", EventKind.WITHDRAWAL),
        ("optout", EventKind.OPT_OUT),
        *((kind.value, kind) for kind in EventKind if kind is not EventKind.CONSENT),
    ],
)
def test_events_may_have_the_names_of_other_systems(said: str, kind: EventKind) -> None:
    assert the_event(kind=said).kind is kind


@pytest.mark.parametrize(
    ("facts", "marks"),
    [
        (None, {"busy": "true"}),
        ({}, {"busy": "true"}),
        ({"busy": False, "tags": ["a", "b"]}, {"busy": "false", "tags": "a b"}),
        ({"other": 1}, {"busy": "true", "other": "1"}),
        ([], {"busy": "true"}),
        (["wrong_number", 7], {"busy": "true", "wrong_number": "true", "7": "true"}),
    ],
)
def test_marks_may_stand_in_facts_as_an_object_or_as_a_list_of_names(facts: object, marks: dict[str, str]) -> None:
    assert the_event(busy=True, facts=facts).facts == tuple(sorted(marks.items()))


@pytest.mark.parametrize("facts", ["wrong_number", 1, True])
def test_facts_that_are_neither_are_told(facts: object) -> None:
    assert fault(history(a_line(), a_line(facts=facts))) == "history[1].facts: must be an object or a list"


def test_an_event_that_cannot_be_read_is_told_with_its_place() -> None:
    kinds = ", ".join(kind.value for kind in EventKind)
    assert fault(history(a_line(), 7)) == "history[1]: must be an object"
    assert fault(history(a_line(kind=LONG))) == f"history[0].kind: {SHOWN!r} is no event: use {kinds}"
    iso = "must be a time in ISO 8601, such as 2026-06-15T12:00:00Z"
    assert fault(history({"kind": "attempt"})) == f"history[0].at: {iso}"
    assert fault({"campaign_start": "soon"}) == f"campaign_start: {iso}"


def test_the_start_of_the_campaign_and_what_is_vouched_for_are_facts() -> None:
    told = known({"campaign_start": "2026-06-01T00:00:00Z", "grounds": ["guaranteed_agent", "appointment"]})
    assert told.campaign_start == datetime(2026, 6, 1, tzinfo=UTC)
    assert told.grounds == {"guaranteed_agent", "appointment"}
    assert known({}) == Facts()


# --- whose numbers, whose opt-outs ----------------------------------------------------------------------------------------


def test_a_number_stands_for_the_other_numbers_of_those_who_were_reached_on_it() -> None:
    lines = (
        a_line(person="ann", number=HOME),
        a_line(person="ann", number=WORK),
        a_line(person="ann", number=WORK),
        a_line(person="bob", number=OTHER),
        a_line(number="+12125550103"),
    )
    assert known(history(*lines)).numbers == (HOME, WORK)
    assert known(history(*lines), ann()).numbers == (), "she is known: her events are hers by name"
    assert known(history(*lines[1:])).numbers == ()


def test_a_number_that_went_to_somebody_else_since_is_hers_no_more() -> None:
    before = (a_line(person="ann", number=HOME, hours_ago=9), a_line(person="ann", number=WORK, hours_ago=9))
    gone = a_line("reassigned", number=HOME, hours_ago=5)
    earlier, elsewhere = a_line("reassigned", number=HOME, hours_ago=7), a_line("reassigned", number=OTHER, hours_ago=1)
    bob = a_line(person="bob", number=HOME, hours_ago=5)
    between = a_line(person="eve", number=HOME, hours_ago=6)
    assert known(history(*before, elsewhere)).numbers == (HOME, WORK)
    assert known(history(*before, gone)).numbers == ()
    assert known(history(*before, gone, bob)).numbers == (HOME,), "from the very instant on it is his"
    assert known(history(*before, gone, earlier, between)).numbers == (), "the last change counts"
    assert known(history(*before, a_line("reassigned", number=WORK, hours_ago=5))).numbers == (HOME,)


def an_entry(number: str | None, person: str | None, kind: str = "opt_out", scope: str = "internal") -> Suppression:
    return Suppression(NOON - HOUR, kind, "history", number, person, scope, "acme")


def test_an_opt_out_holds_on_every_number_known_to_be_theirs() -> None:
    seen = (a_line(person="ann", number=HOME), a_line(person="ann", number=WORK), a_line(person="bob", number=OTHER))
    bob = a_line(person="bob", number=HOME)
    asked = known(history(bob, a_line("opt_out", person="ann", number=HOME, seller="acme"))).suppressions
    assert asked == (an_entry(HOME, "ann"), an_entry(None, "ann"), an_entry(HOME, None)), "it was not bob who asked"
    named = known(history(*seen, a_line("opt_out", person="ann", number=HOME, seller="acme"), a_line(person="bob", number=OTHER)))
    assert named.suppressions == (an_entry(HOME, "ann"), an_entry(None, "ann"), an_entry(HOME, None), an_entry(WORK, None))
    unnamed = known(history(*seen, a_line("opt_out", number=HOME, seller="acme")))
    assert unnamed.suppressions == (an_entry(HOME, None), an_entry(None, "ann"), an_entry(WORK, None))
    nowhere = known(history(a_line("opt_out", person="bob", seller="acme")), ann())
    assert nowhere.suppressions == (an_entry(None, "bob"),)


def test_an_opt_out_on_a_number_of_two_is_of_both() -> None:
    seen = (a_line(person="ann", number=HOME), a_line(person="bob", number=HOME), a_line(person="bob", number=WORK))
    assert known(history(*seen, a_line("optout", seller="acme"))).suppressions == (
        an_entry(HOME, None),
        an_entry(None, "ann"),
        an_entry(None, "bob"),
        an_entry(WORK, None),
    )


@pytest.mark.parametrize(
    ("kind", "about", "scope"),
    [
        ("suppressed", {}, "internal"),
        ("suppressed", {"scope": "litigators"}, "litigators"),
        ("opt_out", {}, "internal"),
        ("opt_out", {"scope": "litigators"}, "internal"),
    ],
)
def test_an_entry_is_on_the_list_that_it_names_and_an_opt_out_on_our_own(kind: str, about: dict[str, Any], scope: str) -> None:
    assert known(history(a_line(kind, seller="acme", **about))).suppressions == (an_entry(HOME, None, kind, scope),)


def test_entries_of_the_question_are_of_the_number_asked_about_unless_they_say_whose() -> None:
    entries = [
        {},
        {"number": OTHER, "list": "us.national"},
        {"person": "bob", "seller": "acme"},
        {"number": OTHER, "person": "bob"},
    ]
    told = known(history(a_line("opt_out", seller="acme"), dnc=entries)).suppressions
    assert told == (
        an_entry(HOME, None),
        Suppression(NOON, "listed", "question", HOME, None),
        Suppression(NOON, "listed", "question", OTHER, None, "us.national"),
        Suppression(NOON, "listed", "question", None, "bob", seller="acme"),
        Suppression(NOON, "listed", "question", OTHER, "bob"),
    )
    assert fault({"dnc": [{}, "x"]}) == "dnc[1]: must be an object"


# --- consents -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "none", "unknown", "consent.none"])
def test_no_consent_is_none(text: str) -> None:
    assert known({"consent": text}).consents == ()


@pytest.mark.parametrize(
    ("text", "level", "tags"),
    [
        ("express", "express", {"*"}),
        ("consent.written", "written", {"*"}),
        ("express.time_of_day", "express", {"*", "time_of_day"}),
        ("consent.direct.voice+marketing", "direct", {"*", "voice", "marketing"}),
        ("specific.voice.marketing+time_of_day", "specific", {"*", "voice", "marketing", "time_of_day"}),
        ("time_of_day", "implied", {"*", "time_of_day"}),
        ("consent.requested_call", "implied", {"*", "requested_call"}),
    ],
)
def test_a_consent_is_of_the_level_and_for_what_is_said(text: str, level: str, tags: set[str]) -> None:
    assert known({"consent": text}).consents == (Consent(level, NOON, "", HOME, frozenset(tags), "*"),)
    assert known({"consent": text}, ann()).consents == (Consent(level, NOON, "ann", "*", frozenset(tags), "*"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LONG, f"consent: {SHOWN!r} is no level of consent: use none, {LEVELS}"),
        ("time_of_day.voice", f"consent: 'time_of_day' is no level of consent: use none, {LEVELS}"),
        ("Consent.express", f"consent: 'Consent' is no level of consent: use none, {LEVELS}"),
        (f"express.{LONG}-", f"consent: {SHOWN!r} is no scope: use words joined by +, such as time_of_day"),
        ("express.a++b", "consent: 'a++b' is no scope: use words joined by +, such as time_of_day"),
    ],
)
def test_a_consent_that_cannot_be_read_is_told(text: str, told: str) -> None:
    assert fault({"consent": text}) == told


#: Who is asked about and for whom, what took the consent back, and whether it was of this person and this seller.
TAKEN_BACK: list[tuple[Candidate, dict[str, Any], bool]] = [
    (ann(), {"person": "ann", "number": OTHER}, True),
    (ann(), {"person": "bob", "number": HOME}, True),
    (ann(), {"person": "bob", "number": OTHER}, False),
    (ann(), {"number": OTHER}, False),
    (ann(), {}, True),
    (NOBODY, {"number": HOME}, True),
    (NOBODY, {"number": OTHER}, False),
    (NOBODY, {"person": "bob", "number": OTHER}, False),
    (ann(), {"seller": "acme"}, True),
    (ann(), {"seller": "other"}, False),
    (ann(seller=""), {"seller": "other"}, True),
    (ann(), {"person": "bob", "number": OTHER, "seller": "acme"}, False),
    (ann(seller=""), {"person": "bob", "number": OTHER}, False),
]


@pytest.mark.parametrize("kind", ["withdrawal", "opt_out"])
@pytest.mark.parametrize(("candidate", "about", "taken_back"), TAKEN_BACK)
def test_a_consent_without_a_date_may_have_been_given_before_it_was_taken_back(
    candidate: Candidate, about: dict[str, Any], taken_back: bool, kind: str
) -> None:
    later = a_line(kind, 1, **about)
    (consent,) = known(history(later, a_line(kind, 2, **about), a_line("refusal", 3), consent="express"), candidate).consents
    assert consent.withdrawn_at == (NOON - 2 * HOUR if taken_back else None)


def test_consents_of_the_history_are_beside_the_one_that_is_said() -> None:
    given = a_line("consent_given", 3, level="written", scope="voice", person="ann")
    said, told = known(history(given, a_line("withdrawal", 1, person="ann"), consent="express"), ann()).consents
    assert (said.level, said.withdrawn_at) == ("express", NOON - HOUR)
    assert (told.level, told.given_at, told.seller, told.withdrawn_at) == ("written", NOON - 3 * HOUR, "*", NOON - HOUR)
    before = history(given, a_line("reassigned", 2, number=HOME))
    assert known(before, ann()).consents == (), "it was somebody else's number then"
    assert len(known(history(given, a_line("reassigned", 2, number=OTHER)), ann()).consents) == 1
    assert fault(history(a_line("consent", level="weak"))).startswith("history: ")


# --- relations, lists, hours ----------------------------------------------------------------------------------------------


def test_a_relation_without_a_date_is_of_now() -> None:
    relations = [
        {"kind": "purchase", "since": "2026-01-01T00:00:00Z", "seller": "acme", "subject": "solar"},
        {"kind": "inquiry"},
    ]
    assert known({"relations": relations}).relations == (
        Relation("purchase", datetime(2026, 1, 1, tzinfo=UTC), "acme", "solar"),
        Relation("inquiry", NOON),
    )
    assert fault({"relations": [{}, 7]}) == "relations[1]: must be an object"
    assert fault({"relations": [{}, {"since": 7}]}).startswith("relations[1].since: must be a time")
    assert fault({"relations": [{"since": None}]}).startswith("relations[0].since: must be a time"), "null is no date"


def test_lists_are_as_old_as_the_question_says() -> None:
    assert known({"lists": {"us.national": "2026-06-01T00:00:00Z", "gb.tps": "2026-06-02T00:00:00+01:00"}}).lists == (
        ListState("us.national", datetime(2026, 6, 1, tzinfo=UTC)),
        ListState("gb.tps", datetime(2026, 6, 1, 23, tzinfo=UTC)),
    )
    assert fault({"lists": ["us.national"]}) == "lists: must be an object of names and times"
    assert fault({"lists": {"us.national": "old"}}).startswith("lists.us.national: must be a time")


def test_inconvenient_hours_are_bans_and_permit_nothing() -> None:
    assert known({"inconvenient": ["mon-tue 09:00-12:00", "* 20:00-08:00"]}).inconvenient_times == (
        DayPlan(frozenset({0, 1}), permits=False, hours=(Hours(540, 720),)),
        DayPlan(frozenset(range(7)), permits=False, hours=(Hours(1200, 1920),)),
    )
    assert fault({"inconvenient": ["mon 09:00 12:00"]}) == "inconvenient: '09:00 12:00' is not HH:MM-HH:MM"
    assert fault({"inconvenient": [DayKind.HOLIDAY]}).startswith("inconvenient: ")
