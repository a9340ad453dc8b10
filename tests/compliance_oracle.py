"""May this number be rung at this instant? Answered a second time, slowly, from RULES.md and nothing else.

It shares no line with compliance/: no intervals, no look-back, no zone arithmetic, only "what does the wall clock read now, and
what did it read before". The tests ask it and the gate the same questions; where they differ, RULES.md says which one is wrong.
It takes packs as the tables `tomllib` reads, so that it does not depend on our parser either. Rules with no say in a dial
decision (abandon, ring, callerid, disclose, record, retain, deadline) are passed over.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Rule = Mapping[str, Any]
Pack = Mapping[str, Any]

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
LEVELS = ("none", "implied", "express", "written")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Happened:
    """One line of history; `to` holds person, number, campaign, subject, seller, debt, creditor, as far as they were said."""

    kind: str
    at: datetime
    to: Mapping[str, str] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """One question. `held` are the grounds known to hold, in the words of waive_with, exempt and unless.

    `consent` is the level of a consent without limits of scope, `list_age` how old every list of others is.
    """

    at: datetime
    zones: tuple[str, ...]
    packs: tuple[Pack, ...]
    to: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Happened, ...] = ()
    held: frozenset[str] = frozenset()
    consent: str = "none"
    list_age: timedelta = timedelta(0)
    ring_budget: timedelta = timedelta(0)
    days: Mapping[date, str] = field(default_factory=dict)
    """What a rule's `calendar` says of a date: "holiday" or "makeup"; a date it does not name is an ordinary one."""
    campaign_started: datetime | None = None


@functools.lru_cache(maxsize=500_000)
def wall(zone: str, at: datetime) -> datetime:
    """What a clock on the wall there reads, without a zone on it."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@functools.lru_cache(maxsize=500_000)
def furthest(zone: str, at: datetime) -> datetime:
    """The latest reading that clock has shown so far: when it is put back, it reads 01:15 twice but has been past 01:30 once."""
    quarter = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    before = (wall(zone, quarter - n * QUARTER - timedelta(seconds=1)) for n in range(16))
    return max(wall(zone, at), *before)


def denied_by(asked: Asked, at: datetime) -> set[str]:
    """The ids of every rule that says no at `at`, given what had happened when the question was asked."""
    return set(_denials(asked, at))


def permitted(asked: Asked, at: datetime) -> bool:
    return next(_denials(asked, at), None) is None


def first_permitted(asked: Asked, until: datetime) -> datetime | None:
    """The first instant of `asked.at .. until` that no rule denies, or None.

    What can change the answer is a wall clock reaching a written time (a whole quarter of an hour in every pack the tests make,
    like all offsets and shifts of the zones), the duration after an event running out, or a block of days from the start of a
    campaign: only those instants are looked at.
    """
    if permitted(asked, asked.at):
        return asked.at
    start = asked.at.replace(minute=0, second=0, microsecond=0)
    grid = (start + n * QUARTER for n in range(1 + int((until - start) / QUARTER)))
    lapses = sorted({event.at + length for event in asked.history for length in _durations(asked.packs)} | _blocks(asked, until))
    for at in _merged(grid, lapses):
        if asked.at <= at <= until and permitted(asked, at):
            return at
    return None


def _merged(grid: Iterable[datetime], lapses: list[datetime]) -> Iterator[datetime]:
    waiting = list(lapses)
    for at in grid:
        while waiting and waiting[0] < at:
            yield waiting.pop(0)
        yield at


def _durations(packs: Iterable[Pack]) -> set[timedelta]:
    written = [rule.get("duration") for pack in packs for rule in pack["rule"]]
    written += [
        rule["period"].split(":")[1] for pack in packs for rule in pack["rule"] if rule.get("period", "").startswith("rolling:")
    ]
    return {_length(text) for text in written if text}


def _blocks(asked: Asked, until: datetime) -> set[datetime]:
    """Every instant at which a block of the campaign's days may begin: each day of 24 h from its start."""
    if asked.campaign_started is None:
        return set()
    return {asked.campaign_started + n * DAY for n in range((until - asked.campaign_started).days + 1)}


def _denials(asked: Asked, at: datetime) -> Iterator[str]:
    for pack in asked.packs:
        for rule in pack["rule"]:
            if _in_force(rule, asked, at) and _denies(rule, asked, at):
                yield rule["id"]


def _in_force(rule: Rule, asked: Asked, at: datetime) -> bool:
    """Both dates are inclusive; where the zones do not agree on today's date, one that says "in force" is enough."""
    today = [wall(zone, at).date() for zone in asked.zones]
    anywhere = [(at + timedelta(hours=hours)).date() for hours in (-14, 0, 14)]
    first, last = rule.get("effective_from", date.min), rule.get("effective_until", date.max)
    return any(first <= day <= last for day in today or anywhere)


def _denies(rule: Rule, asked: Asked, at: datetime) -> bool:
    match rule["kind"]:
        case "window":
            return not held(rule, asked) and _closed(rule, asked, at)
        case "cap":
            zones = _clock_zones(rule["period"].partition("@")[2], asked)
            return zones is None or any(_counted(rule, asked, at, zone) >= rule["max"] for zone in zones)
        case "cooldown":
            if held(rule, asked):
                return False
            zones = ("UTC",) if "duration" in rule else _clock_zones(_cooldown_clock(rule), asked)
            events = [event for event in asked.history if event.kind == rule["after"] and _same(rule, asked, event)]
            if zones is None:
                return bool(events)
            return any(_cooling(rule, event, at, zone) for event in events for zone in zones)
        case "suppress" if rule["list"] == "internal":
            return any(event.kind == "opt_out" and _opted_out(rule, asked, event) for event in asked.history)
        case "suppress":
            age = asked.list_age + (at - asked.at)
            return not held(rule, asked) and age > timedelta(days=rule.get("list_max_age_days", 10_000))
        case "consent":
            level = "none" if _took_back(asked) else asked.consent
            return not held(rule, asked) and LEVELS.index(level) < LEVELS.index(rule["level_needed"])
        case _:
            return False


def held(rule: Rule, asked: Asked) -> bool:
    """Whether one of the grounds on which the rule yields is known."""
    named = {rule.get("waive_with"), *rule.get("exempt", ()), *rule.get("unless", ())}
    return any(ground in named and not (ground.startswith("consent.") and _took_back(asked)) for ground in asked.held)


def _took_back(asked: Asked) -> bool:
    """Whether a consent of unknown date may have been taken back since: by this person, or on this number."""
    return any(
        event.kind in {"opt_out", "consent_withdrawn"}
        and (_number(asked, event) == asked.to["number"] or event.to.get("person", "") == asked.to.get("person"))
        and _same_name("seller", asked, event)
        for event in asked.history
    )


def _opted_out(rule: Rule, asked: Asked, event: Happened) -> bool:
    """An opt-out holds for the number it came from, whoever answers there, and for the person on every number of theirs."""
    if not _same_name("seller", asked, event):
        return False
    who, number = event.to.get("person"), asked.to["number"]
    people = {who} if who else _people(asked, _number(asked, event))
    theirs = {_number(asked, event)}.union(*(_numbers(asked, person) for person in people if person))
    by_person = asked.to.get("person") in people - {None}
    return ("number" in rule["match"] and number in theirs) or ("person" in rule["match"] and by_person)


def _number(asked: Asked, event: Happened) -> str | None:
    """The number of an event; one that does not say it may have been on this number, unless it was about somebody else."""
    nobody_else = None in {asked.to.get("person"), event.to.get("person")} or asked.to["person"] == event.to["person"]
    return event.to.get("number") or (asked.to["number"] if nobody_else else None)


def _numbers(asked: Asked, person: str) -> set[str | None]:
    return {_number(asked, event) for event in asked.history if event.to.get("person") == person} - {None}


def _people(asked: Asked, number: str | None) -> set[str | None]:
    return {event.to.get("person") for event in asked.history if _number(asked, event) == number} - {None}


# windows ------------------------------------------------------------------------------------------------------------------------


def _closed(rule: Rule, asked: Asked, at: datetime) -> bool:
    zones = _clock_zones(rule["clock"].removeprefix("tz:"), asked)
    if zones is None or (len(zones) > 1 and rule.get("unknown_tz") == "deny"):
        return True
    ringing = [at, *_whole_minutes(at, at + asked.ring_budget), at + asked.ring_budget]
    return not all(_open(rule, asked.days, moment, zone) for moment in ringing for zone in zones)


def _whole_minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    at = since.replace(second=0, microsecond=0) + MINUTE
    while at < until:
        yield at
        at += MINUTE


def _open(rule: Rule, days: Mapping[date, str], at: datetime, zone: str) -> bool:
    """Open by today's row, or by the tail of yesterday's span over midnight; what either of the two forbids is closed."""
    reading, reached = wall(zone, at), furthest(zone, at)
    opened = False
    for day in (reading.date() - DAY, reading.date()):
        row = _row(rule, days, day)
        today = day == reading.date()
        if row is None:
            continue
        for text in row.get("allow", ()):
            start, end = _span(day, text)
            opened = opened or (start <= reading and reached < end)
        if "forbid" in row:
            opened = opened or today
            if any(start <= reached and reading < end for start, end in (_span(day, text) for text in row["forbid"])):
                return False
    return opened


def _row(rule: Rule, days: Mapping[date, str], day: date) -> Mapping[str, Any] | None:
    return next((row for row in rule["schedule"] if any(_falls_on(day, word, days) for word in row["on"])), None)


def _falls_on(day: date, word: str, days: Mapping[date, str]) -> bool:
    """A make-up day is a workday whatever day of the week it is; a rest day is any other day nobody is at work."""
    weekday, kind = WEEKDAYS[day.weekday()], days.get(day)
    works = kind == "makeup" or (kind is None and day.weekday() < 5)
    match word:
        case "*":
            return True
        case "holiday":
            return kind == "holiday"
        case "workday":
            return works
        case "restday":
            return not works
        case "preholiday":
            return kind != "holiday" and days.get(day + DAY) == "holiday"
        case _ if "-" in word:
            first, last = (WEEKDAYS.index(end) for end in word.split("-"))
            return (day.weekday() - first) % 7 <= (last - first) % 7
        case _:
            return word == weekday


def _span(day: date, text: str) -> tuple[datetime, datetime]:
    start, end = (_clock_time(day, part) for part in text.split("-"))
    return start, end if end > start else end + DAY


def _clock_time(day: date, text: str) -> datetime:
    hours, minutes = (int(part) for part in text.split(":"))
    return datetime.combine(day, time()) + timedelta(hours=hours, minutes=minutes)


# caps and cooldowns -------------------------------------------------------------------------------------------------------------


def _counted(rule: Rule, asked: Asked, at: datetime, zone: str) -> int:
    left_out = set(rule.get("not_counted", ()))
    return sum(
        event.kind == rule["event"]
        and event.at <= at
        and not event.marks & left_out
        and _same(rule, asked, event)
        and _same_period(rule["period"], event.at, at, zone, asked.campaign_started)
        for event in asked.history
    )


def _same_period(period: str, then: datetime, at: datetime, zone: str, started: datetime | None) -> bool:
    """Does an event of `then` still count at `at`?"""
    shape, _, rest = period.partition(":")
    size = rest.partition("@")[0]
    was, today = wall(zone, then).date(), wall(zone, at).date()
    if shape == "rolling":
        return at - then < _length(size)
    if shape == "rolling_days":
        return (today - was).days < int(size)
    if shape == "successive":
        if started is None:
            return True
        return (then - started) // _length(size) == (at - started) // _length(size)  # days of 24 h: it names no clock
    if size == "day":
        return was == today
    if size == "month":
        return (was.year, was.month) == (today.year, today.month)
    begins = WEEKDAYS.index(size.removeprefix("week(").removesuffix(")"))
    return _week_start(was, begins) == _week_start(today, begins)


def _week_start(day: date, begins: int) -> date:
    while day.weekday() != begins:
        day -= DAY
    return day


def _cooling(rule: Rule, event: Happened, at: datetime, zone: str) -> bool:
    if at < event.at:
        return False
    if "duration" in rule:
        return at < event.at + _length(rule["duration"])
    was, today = wall(zone, event.at).date(), wall(zone, at).date()
    if "until" in rule:
        return today <= was
    skipped = 0 if rule.get("first_day") == "event" else 1
    if "days" in rule:
        return (today - was).days < int(rule["days"]) + skipped
    return today <= _last_day(was, rule["months"], skipped)


def _last_day(day: date, months: int, skipped: int) -> date:
    """The last day of so many months: the same number in the last month, or that month's end (2026-08-31 + 6 is 2027-02-28)."""
    year, month = day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1
    number = day.day
    while True:
        try:
            same = date(year, month, number)
        except ValueError:
            number -= 1
            continue
        return same if skipped or number < day.day else same - DAY


def _cooldown_clock(rule: Rule) -> str:
    if "until" in rule:
        return str(rule["until"]).partition("@")[2]
    return str(rule.get("clock", "callee")).removeprefix("tz:")


def _clock_zones(clock: str, asked: Asked) -> tuple[str, ...] | None:
    """The zones a rule's clock stands for; None when it is the called party's and nobody knows where that is."""
    if clock in ("", "campaign_start"):
        return asked.zones or ("UTC",)
    if clock == "callee":
        return asked.zones or None
    return (clock.removeprefix("tz:"),)


def _same(rule: Rule, asked: Asked, event: Happened) -> bool:
    """Is this event charged to the party asked about? What an event leaves unsaid may have been them, so it is."""
    names = [*rule["key"], *([rule["caller_scope"]] if rule.get("caller_scope") else [])]
    return all(_same_name(name, asked, event) for name in names)


def _same_name(name: str, asked: Asked, event: Happened) -> bool:
    ours, theirs = asked.to.get(name), event.to.get(name)
    if name == "number":
        return _number(asked, event) == ours
    if name == "person":
        people = {ours} if ours else _people(asked, asked.to["number"])
        numbers = {asked.to["number"]}.union(*(_numbers(asked, person) for person in people if person))
        return theirs in people - {None} or _number(asked, event) in numbers
    return ours is None or theirs is None or ours == theirs


def _length(text: str) -> timedelta:
    number, unit = int(text[:-1]), text[-1]
    return {"s": timedelta(seconds=1), "m": MINUTE, "h": timedelta(hours=1), "d": DAY}[unit] * number
