"""Which recordings are asked for, and how are they found among a million before anybody has waited?

The rule it protects: an answer takes a bounded time, whatever is asked for. The rarest of the conditions that have an index is
walked, the latest call first, over at most `LOOKED_AT` rows; all other conditions are asked of those rows only. A page that is
not full says how far it has looked, and the next one goes on from there. Pages are found by the last row seen, never by counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, column, func, or_, select, table, text
from sqlalchemy.engine import Connection

from recorder.access import EVERYTHING, Nothing, OfAgent, OfTeam, Reach
from recorder.disclosure import Verdict
from recorder.holds import recording_hold
from recorder.store import RecordingRow

STRIDES = (1_000, 2_000)  # rows that one page looks at, at most: a few at first, for they are often enough
LOOKED_AT = sum(STRIDES)
ALL = 2**31 - 1  # of a subquery with a limit the database takes the rows before it asks anything of them
_ASKED = 500  # ids in one question: databases limit the parameters of a statement

Conditions = list[ColumnElement[bool]]

_recording = RecordingRow.__table__
_started = _recording.c.started_at
_review = table("qa_review", column("call_id"), column("total"))  # `recorder.qa` stands above this module


class Measure(StrEnum):
    """What can be asked for by its size. Seconds, unless it says otherwise."""

    DURATION = "duration"
    TALK_SHARE = "talk_share"  # the agent's part of all that was said, 0 to 1
    AGENT_TALK = "agent_talk"
    CUSTOMER_TALK = "customer_talk"
    OVERTALK = "overtalk"
    DEAD_AIR = "dead_air"
    LONGEST_SILENCE = "longest_silence"
    AGENT_LONGEST = "agent_longest"
    CUSTOMER_LONGEST = "customer_longest"
    PAUSED = "paused"
    AGENT_INTERRUPTIONS = "agent_interruptions"  # times
    CUSTOMER_INTERRUPTIONS = "customer_interruptions"
    AGENT_LOUDNESS = "agent_loudness"  # dB below full scale, negative
    CUSTOMER_LOUDNESS = "customer_loudness"


@dataclass(frozen=True, slots=True)
class Between:
    """A measure within bounds, which are included; None is no bound."""

    measure: Measure
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings to list: all conditions that are given must hold. `since` is included, `until` is not."""

    campaign: str | None = None
    agent_id: str | None = None
    team: str | None = None
    number: str | None = None
    person: str | None = None
    disposition: str | None = None
    disclosure: Verdict | None = None
    degraded: bool | None = None
    held: bool | None = None
    score: tuple[float | None, float | None] = (None, None)  # percent of a review, at least and at most
    since: datetime | None = None
    until: datetime | None = None
    measures: tuple[Between, ...] = ()
    visible: Reach = EVERYTHING
    after: str | None = None  # the call id of the last recording looked at: what comes after it in the list
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was asked for, the latest call first. What comes after `looked_to` was not looked at yet; None: all was."""

    rows: tuple[Row[Any], ...]
    looked_to: str | None


class NoSuchPlace(LookupError):
    """The recording that a page should come after is not in the archive."""


def find(connection: Connection, wanted: Wanted) -> list[Row[Any]]:
    """The rows asked for, the latest call first, at most `limit`: as many pages as it takes. Raises NoSuchPlace."""
    rows: list[Row[Any]] = []
    while True:
        found = page(connection, wanted)
        rows += found.rows
        if found.looked_to is None or len(found.rows) == wanted.limit:
            return rows
        wanted = replace(wanted, after=found.looked_to, limit=wanted.limit - len(found.rows))


def held_among(connection: Connection, call_ids: Sequence[str]) -> frozenset[str]:
    """Those of these calls that are on legal hold."""
    held: set[str] = set()
    for start in range(0, len(call_ids), _ASKED):
        these = recording_hold.c.call_id.in_(call_ids[start : start + _ASKED])
        held |= set(connection.execute(_on_hold().where(these)).scalars())
    return frozenset(held)


def page(connection: Connection, wanted: Wanted) -> Page:
    """At most `limit` of the rows asked for; fewer when `LOOKED_AT` recordings were looked at, or there are no more.

    Raises NoSuchPlace.
    """
    if isinstance(wanted.visible, Nothing):
        return Page((), None)
    if connection.dialect.name == "postgresql":  # a rare value is found another way than a frequent one
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    others = [_within(one) for one in wanted.measures]
    if wanted.held is False:
        others.append(_recording.c.call_id.not_in(_on_hold()))
    walked, asked = _split(connection, _indexed(wanted), others, _period(wanted))
    if wanted.after is not None:
        walked.append(_after(connection, wanted.after))
    if not asked:
        whole = _walk(select(_recording), walked).order_by(_recording.c.call_id.desc())
        rows = tuple(connection.execute(whole.limit(wanted.limit)))
        return Page(rows, rows[-1].call_id if len(rows) == wanted.limit else None)
    hits: list[str] = []
    for stride in STRIDES:
        edge = connection.execute(_walk(select(_started), walked).offset(stride - 1).limit(1)).scalar()
        hits += _hits(connection, _walk(_keys(asked), walked), edge, wanted.limit - len(hits))
        if len(hits) == wanted.limit or edge is None:
            break
        last = select(func.min(_recording.c.call_id)).where(*walked, _started == edge)
        looked_to = connection.execute(last).scalar_one()
        walked.append(_started < edge)
    rows = _rows(connection, hits)
    if len(hits) == wanted.limit:
        return Page(rows, hits[-1])
    return Page(rows, None if edge is None else looked_to)


#: Conditions with an index of their own, in which the calls are in the order of their times.
_EQUAL = ("number", "person", "agent_id", "disposition", "campaign", "team", "disclosure", "degraded")
_IN_SECONDS = {
    Measure.DURATION: "duration_ms",
    Measure.AGENT_TALK: "agent_talk_ms",
    Measure.CUSTOMER_TALK: "customer_talk_ms",
    Measure.OVERTALK: "overtalk_ms",
    Measure.DEAD_AIR: "dead_air_ms",
    Measure.LONGEST_SILENCE: "longest_silence_ms",
    Measure.AGENT_LONGEST: "agent_longest_ms",
    Measure.CUSTOMER_LONGEST: "customer_longest_ms",
    Measure.PAUSED: "paused_ms",
}
_AS_IT_IS = {
    Measure.AGENT_INTERRUPTIONS: "agent_interruptions",
    Measure.CUSTOMER_INTERRUPTIONS: "customer_interruptions",
    Measure.AGENT_LOUDNESS: "agent_loudness_db",
    Measure.CUSTOMER_LOUDNESS: "customer_loudness_db",
}


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A condition that has an index: how its rows are walked, how it is asked of a row, and how its rows are counted."""

    walked: ColumnElement[bool]
    asked: ColumnElement[bool]
    counted: Select[Any]


def _indexed(wanted: Wanted) -> list[_Indexed]:
    given = [(name, getattr(wanted, name)) for name in _EQUAL]
    equal = [_recording.c[name] == value for name, value in given if value is not None]
    match wanted.visible:
        case OfTeam(team):
            equal.append(_recording.c.team == team)
        case OfAgent(agent_id):
            equal.append(_recording.c.agent_id == agent_id)
    found = [_Indexed(one, one, select(_started).where(one, *_period(wanted))) for one in equal]
    if wanted.held:
        found.append(_beside(_on_hold(), recording_hold.c.call_id))
    if wanted.score != (None, None):
        found.append(_beside(_reviewed(*wanted.score), _review.c.call_id))
    return found


def _beside(calls: Select[Any], call_id: ColumnElement[str]) -> _Indexed:
    """A condition on what is kept of a call in another table: few rows, which are looked up by the call."""
    return _Indexed(_recording.c.call_id.in_(calls), calls.where(call_id == _recording.c.call_id).exists(), calls)


def _on_hold() -> Select[Any]:
    return select(recording_hold.c.call_id).where(recording_hold.c.released_at.is_(None))


def _reviewed(least: float | None, most: float | None) -> Select[Any]:
    """The calls with a review whose score, as it is in force, is within the bounds."""
    calls = select(_review.c.call_id).where(_review.c.total.is_not(None))
    calls = calls if least is None else calls.where(_review.c.total >= least)
    return calls if most is None else calls.where(_review.c.total <= most)


def _period(wanted: Wanted) -> Conditions:
    bounds = []
    if wanted.since is not None:
        bounds.append(_started >= wanted.since)
    if wanted.until is not None:
        bounds.append(_started < wanted.until)
    return bounds


def _within(one: Between) -> ColumnElement[bool]:
    """The condition on a measure; without a value of it (no speech, no loudness) a recording is not within any bounds."""
    if one.measure is Measure.TALK_SHARE:
        said = _recording.c.agent_talk_ms + _recording.c.customer_talk_ms
        bounds = [_recording.c.agent_talk_ms >= said * one.least] if one.least is not None else []
        bounds += [_recording.c.agent_talk_ms <= said * one.most] if one.most is not None else []
        return and_(said > 0, *bounds)
    factor, name = (1000.0, _IN_SECONDS[one.measure]) if one.measure in _IN_SECONDS else (1.0, _AS_IT_IS[one.measure])
    column = _recording.c[name]
    bounds = [column >= one.least * factor] if one.least is not None else []
    bounds += [column <= one.most * factor] if one.most is not None else []
    return and_(column.is_not(None), *bounds)


def _split(
    connection: Connection, indexed: list[_Indexed], others: Conditions, period: Conditions
) -> tuple[Conditions, Conditions]:
    """What is walked, and what is asked of each row: of the indexed conditions the rarest is walked, as far as one can count."""
    if len(indexed) > 1:
        indexed.sort(key=lambda one: _count(connection, one.counted))
    return [*period, *(one.walked for one in indexed[:1])], [*(one.asked for one in indexed[1:]), *others]


def _count(connection: Connection, rows: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(rows.limit(LOOKED_AT).subquery())).scalar_one()


def _walk(query: Select[Any], walked: Conditions) -> Select[Any]:
    """The query over what is walked, the latest call first; of one instant in any order."""
    return query.where(*walked).order_by(_started.desc())


def _keys(asked: Conditions) -> Select[Any]:
    return select(_started, _recording.c.call_id, and_(*asked).label("hit"))


def _hits(connection: Connection, walk: Select[Any], edge: datetime | None, limit: int) -> list[str]:
    """The calls of the walk, as far as the edge and with all of its instant, of which all holds that is asked."""
    if edge is not None:
        walk = walk.where(_started >= edge)
    looked_at = walk.order_by(None).limit(ALL).subquery()
    order = looked_at.c.started_at.desc(), looked_at.c.call_id.desc()
    return list(connection.execute(select(looked_at.c.call_id).where(looked_at.c.hit).order_by(*order).limit(limit)).scalars())


def _after(connection: Connection, call_id: str) -> ColumnElement[bool]:
    started_at = connection.execute(select(_started).where(_recording.c.call_id == call_id)).scalar()
    if started_at is None:
        raise NoSuchPlace(f"there is no recording of call {call_id} to come after")
    return and_(_started <= started_at, or_(_started < started_at, _recording.c.call_id < call_id))


def _rows(connection: Connection, call_ids: list[str]) -> tuple[Row[Any], ...]:
    """The recordings of these calls, in this order; there are at most a page of them."""
    found: dict[str, Row[Any]] = {}
    for start in range(0, len(call_ids), _ASKED):
        these = _recording.c.call_id.in_(call_ids[start : start + _ASKED])
        found |= {row.call_id: row for row in connection.execute(select(_recording).where(these))}
    return tuple(found[call_id] for call_id in call_ids if call_id in found)  # one may have been purged meanwhile
