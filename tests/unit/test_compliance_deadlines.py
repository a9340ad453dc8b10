"""A request is obeyed by the day the law names, read strictly, and here at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.calendars import calendar_named
from compliance.daykinds import Calendar
from compliance.deadlines import due_by, house_due_by
from compliance.lengths import IMMEDIATE, Length, parse_length
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import PackError, parse_pack
from compliance.rules import DeadlineRule, Level, Origin, Source
from compliance.wallclock import UnknownZone
from tests.pack_texts import pack_text, rule_text

NEW_YORK, LOS_ANGELES, BERLIN = "America/New_York", "America/Los_Angeles", "Europe/Berlin"
SHIPPED = {
    rule.origin.id: rule
    for pack in (*packs_of_law(), *load_packs(("house",), Path()))
    for rule in pack.rules
    if isinstance(rule, DeadlineRule)
}
US = calendar_named("US", (2026, 2027))
US_2026 = calendar_named("US", (2026,))
NOWHERE = Calendar("nowhere", frozenset(), frozenset())


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def a_rule(within: str, house: str = "") -> DeadlineRule:
    origin = Origin("x.asked", "c", Level.LAW, Source.PRIMARY)
    return DeadlineRule(origin, "consent_revoked", parse_length(within), parse_length(house) if house else None)


#: RULES.md section 1: each shipped rule, when the request came in, and the first instant at which it is too late.
DUE = [
    ("us.revocation", NEW_YORK, "2026-11-20T12:00", "2026-12-08T00:00"),  # a Friday; Thanksgiving is no business day
    ("us.revocation", NEW_YORK, "2026-06-01T09:00", "2026-06-16T00:00"),
    ("us.revocation", NEW_YORK, "2026-06-06T09:00", "2026-06-23T00:00"),  # on a Saturday; the 19th is a holiday
    ("us.revocation", NEW_YORK, "2026-12-21T09:00", "2027-01-07T00:00"),
    ("eu.request_answer", BERLIN, "2026-11-23T12:00", "2026-12-24T00:00"),
    ("eu.request_answer", BERLIN, "2027-01-31T12:00", "2027-03-01T00:00"),
]


@pytest.mark.parametrize(("name", "zone", "asked", "late"), DUE)
def test_a_request_is_due_on_the_last_day_of_the_source(name: str, zone: str, asked: str, late: str) -> None:
    assert due_by(SHIPPED[name], local(asked, zone), US, (zone,)) == local(late, zone)


def test_every_shipped_rule_is_in_the_table() -> None:
    assert {name for name, *_ in DUE} == set(SHIPPED)


def test_a_revoked_consent_is_obeyed_here_at_once_and_what_the_house_does_not_say_when_the_law_wants_it() -> None:
    asked = local("2026-11-20T12:00", NEW_YORK)
    assert house_due_by(SHIPPED["us.revocation"], asked, US, (NEW_YORK,)) == asked
    answer = SHIPPED["eu.request_answer"]
    assert house_due_by(answer, asked, US, (BERLIN,)) == due_by(answer, asked, US, (BERLIN,))


def test_a_house_may_only_be_sooner_than_the_law() -> None:
    asked = local("2026-11-20T12:00", NEW_YORK)
    assert house_due_by(a_rule("10bd", "1mo"), asked, US, (NEW_YORK,)) == local("2026-12-08T00:00", NEW_YORK)
    assert house_due_by(a_rule("10bd", "2d"), asked, US, (NEW_YORK,)) == local("2026-11-23T00:00", NEW_YORK)


@pytest.mark.parametrize("calendar", [None, NOWHERE])
def test_without_a_calendar_every_day_counts_as_a_business_day(calendar: Calendar | None) -> None:
    asked = local("2026-11-20T12:00", NEW_YORK)
    assert due_by(SHIPPED["us.revocation"], asked, calendar, (NEW_YORK,)) == local("2026-12-01T00:00", NEW_YORK)


def test_in_a_year_the_calendar_does_not_know_every_day_counts() -> None:
    asked = local("2026-12-29T12:00", NEW_YORK)
    assert due_by(a_rule("5bd"), asked, US_2026, (NEW_YORK,)) == local("2027-01-04T00:00", NEW_YORK)
    assert due_by(a_rule("5bd"), asked, US, (NEW_YORK,)) == local("2027-01-07T00:00", NEW_YORK)


def test_of_several_zones_the_one_whose_day_ends_first_counts() -> None:
    asked = local("2026-11-20T23:30", LOS_ANGELES)  # already Saturday in New York
    assert due_by(a_rule("1d"), asked, None, (NEW_YORK, LOS_ANGELES)) == local("2026-11-22T00:00", LOS_ANGELES)
    asked = local("2026-11-20T12:00", LOS_ANGELES)
    assert due_by(a_rule("1d"), asked, None, (NEW_YORK, LOS_ANGELES)) == local("2026-11-22T00:00", NEW_YORK)


def test_where_the_place_is_not_known_it_is_due_before_it_is_due_anywhere() -> None:
    asked = datetime(2026, 11, 23, 11, 59, tzinfo=UTC)  # the 22nd on Baker Island
    assert due_by(a_rule("30d"), asked, None) == datetime(2026, 12, 22, 10, tzinfo=UTC)  # the 23rd on Kiritimati
    assert due_by(a_rule("1d"), datetime(2026, 11, 23, 11, tzinfo=UTC), None) == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_a_time_without_a_zone_and_a_zone_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        due_by(a_rule("72h"), datetime(2026, 11, 23), None)  # noqa: DTZ001 -- the fault under test
    with pytest.raises(UnknownZone):
        due_by(a_rule("1d"), datetime(2026, 11, 23, tzinfo=UTC), None, ("Mars/Base",))


PACK = pack_text(rule_text("mine.answer", "deadline", on="asked"), name="mine")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("", "rule[0].within: is missing"),
        ('within = "soon"', "rule[0].within: 'soon' is not a usable value"),
        ('within = "99999d"', "rule[0].within: '99999d' is longer than a hundred years"),
        ('within = "10bd"\nhouse = "0d"', "rule[0].house: '0d' is not a usable value"),
    ],
)
def test_a_pack_with_a_deadline_that_cannot_be_counted_is_not_read(fields: str, fault: str) -> None:
    with pytest.raises(PackError) as caught:
        parse_pack(PACK + fields, "mine.toml")
    assert caught.value.errors == (f"mine.toml: {fault}",)


def test_a_deadline_is_read_as_it_is_written() -> None:
    (rule,) = parse_pack(PACK + 'within = "immediate"', "mine.toml").rules
    assert isinstance(rule, DeadlineRule)
    assert (rule.on, rule.within, rule.house) == ("asked", IMMEDIATE, None)


MOMENTS = st.integers(0, 400 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
LENGTHS = st.builds(Length, st.integers(1, 60), st.sampled_from(["m", "h", "d", "bd", "mo"])) | st.just(IMMEDIATE)


@settings(deadline=None)
@given(LENGTHS, st.none() | LENGTHS, MOMENTS, st.sampled_from([(), (NEW_YORK,), (NEW_YORK, LOS_ANGELES)]))
def test_the_less_is_known_the_sooner_it_is_due_and_never_before_it_was_asked(
    within: Length, house: Length | None, asked: datetime, zones: tuple[str, ...]
) -> None:
    rule = DeadlineRule(a_rule("1d").origin, "consent_revoked", within, house)
    known, unknown = due_by(rule, asked, US, zones), due_by(rule, asked, None, zones)
    assert asked <= due_by(rule, asked, None) <= unknown <= known
    assert asked <= house_due_by(rule, asked, US, zones) <= known
