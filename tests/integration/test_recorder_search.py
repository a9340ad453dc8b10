"""Searches on both databases find what a walk over every row finds, page by page, whatever is asked for together."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, insert

from config.database import Base, open_database, reading, writing
from recorder import search
from recorder.access import EVERYTHING, Nothing, OfAgent, OfTeam
from recorder.disclosure import Verdict
from recorder.holds import recording_hold
from recorder.qa.tables import qa_review, qa_scorecard
from recorder.search import Between, Measure, NoSuchPlace, Wanted, find, page
from recorder.store import RecordingRow
from tests.qa_room import MONDAY, a_row

ROWS = 120


def rows() -> list[dict[str, Any]]:
    """Calls of three agents; some begin at the same instant, some without a word, some reviewed."""
    return [
        a_row(
            f"c{n * 7 % ROWS:03}",
            path=f"{n}.flac",
            started_at=MONDAY + timedelta(minutes=n // 3),
            agent_id=f"a{n % 3}",
            team="east" if n % 3 else "west",
            campaign=f"k{n % 4}",
            number=f"+1212555{n % 10:04}",
            person=f"p{n % 10}",
            disposition="sale" if n % 11 == 0 else "callback",
            disclosure=(Verdict.ABSENT if n % 17 == 0 else Verdict.PROVEN).value,
            degraded=n % 13 == 0,
            duration_ms=1000 * n,
            agent_talk_ms=0 if n % 7 == 0 else 100 * n,
            customer_talk_ms=0 if n % 7 == 0 else 5000,
            dead_air_ms=100 * (n % 9),
            agent_loudness_db=None if n % 5 == 0 else -20.0 - n % 10,
        )
        for n in range(ROWS)
    ]


def score_of(row: dict[str, Any]) -> float | None:
    n = int(row["path"].removesuffix(".flac"))
    return float(n) if n % 6 == 0 and n <= 100 else None


def holds_of(row: dict[str, Any]) -> list[datetime | None]:
    """When each hold of the call was released: some hold still, some do so twice, some have ended."""
    n = int(row["path"].removesuffix(".flac"))
    return [None, None] if n % 29 == 0 else [MONDAY] if n % 5 == 0 else []


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = a_filled_database(f"sqlite:///{tmp_path_factory.mktemp('search') / 'search.db'}")
    yield engine
    engine.dispose()


def a_filled_database(url: str) -> Engine:
    engine = open_database(url)
    Base.metadata.create_all(engine)
    with writing(engine) as connection:
        connection.execute(insert(RecordingRow), rows())
        form = {"sha256": "f" * 64, "scorecard_id": "s", "version": "1", "text": "", "added_at": MONDAY, "added_by": "mei"}
        connection.execute(insert(qa_scorecard).values(form))
        reviews = [a_review(row) for row in rows() if score_of(row) is not None]
        connection.execute(insert(qa_review), reviews)
        for row in rows():
            for released_at in holds_of(row):
                hold = {"call_id": row["call_id"], "reason": "suit", "by": "zhang", "since": MONDAY, "released_at": released_at}
                connection.execute(insert(recording_hold).values(hold))
    return engine


def a_review(row: dict[str, Any]) -> dict[str, Any]:
    texts = dict.fromkeys(("assigned", "holder", "reviewer", "decided_by"), "mei")
    return {
        "review_id": f"r{row['call_id']}",
        "call_id": row["call_id"],
        "stratum_json": "[]",
        "scorecard_sha256": "f" * 64,
        "agents_json": "[]",
        "appeal_days": 5,
        "opened_at": MONDAY,
        "state": "final",
        "seq": 1,
        "due_at": MONDAY,
        "appealed": False,
        "changed": False,
        "total": score_of(row),
        **texts,
        **{name: row[name] for name in ("agent_id", "team", "campaign", "started_at")},
    }


def by_hand(wanted: Wanted) -> list[str]:
    """What a walk over every row finds."""

    def fits(row: dict[str, Any]) -> bool:
        names = ("campaign", "agent_id", "team", "number", "person", "disposition", "degraded")
        if any(getattr(wanted, name) is not None and row[name] != getattr(wanted, name) for name in names):
            return False
        if wanted.disclosure is not None and row["disclosure"] != wanted.disclosure.value:
            return False
        if wanted.since is not None and row["started_at"] < wanted.since:
            return False
        if wanted.until is not None and row["started_at"] >= wanted.until:
            return False
        least, most = wanted.score
        score = score_of(row)
        if wanted.score != (None, None) and (score is None or not (least or 0) <= score <= (100 if most is None else most)):
            return False
        if wanted.held is not None and (None in holds_of(row)) is not wanted.held:
            return False
        match wanted.visible:
            case OfTeam(team) if row["team"] != team:
                return False
            case OfAgent(agent_id) if row["agent_id"] != agent_id:
                return False
            case Nothing():
                return False
        return all(measured(row, one) for one in wanted.measures)

    found = sorted((row for row in rows() if fits(row)), key=lambda row: (row["started_at"], row["call_id"]), reverse=True)
    ids = [row["call_id"] for row in found]
    if wanted.after is not None:
        place = next((row["started_at"], row["call_id"]) for row in rows() if row["call_id"] == wanted.after)
        ids = [row["call_id"] for row in found if (row["started_at"], row["call_id"]) < place]
    return ids[: wanted.limit]


def measured(row: dict[str, Any], one: Between) -> bool:
    match one.measure:
        case Measure.TALK_SHARE:
            said = row["agent_talk_ms"] + row["customer_talk_ms"]
            value = row["agent_talk_ms"] / said if said else None
        case Measure.AGENT_LOUDNESS:
            value = row["agent_loudness_db"]
        case Measure.DEAD_AIR:
            value = row["dead_air_ms"] / 1000
        case _:
            value = row["duration_ms"] / 1000
    if value is None:
        return False
    return (one.least is None or value >= one.least) and (one.most is None or value <= one.most)


def betweens() -> st.SearchStrategy[Between]:
    bounds = {
        Measure.TALK_SHARE: st.sampled_from([0.0, 0.3, 0.5, 0.9]),
        Measure.AGENT_LOUDNESS: st.sampled_from([-28.0, -25.0, -20.0]),
        Measure.DEAD_AIR: st.sampled_from([0.0, 0.3, 0.8]),
        Measure.DURATION: st.sampled_from([0.0, 40.0, 90.0]),
    }
    return st.sampled_from(list(bounds)).flatmap(
        lambda one: st.builds(Between, st.just(one), st.none() | bounds[one], st.none() | bounds[one])
    )


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(values)


WANTED = st.builds(
    Wanted,
    campaign=maybe(["k0", "k3", "k9"]),
    agent_id=maybe(["a0", "a1"]),
    team=maybe(["east", "west"]),
    number=maybe(["+12125550003"]),
    disposition=maybe(["sale", "callback"]),
    disclosure=maybe([Verdict.ABSENT, Verdict.PROVEN]),
    degraded=maybe([True, False]),
    held=maybe([True, False]),
    since=maybe([MONDAY + timedelta(minutes=10)]),
    until=maybe([MONDAY + timedelta(minutes=30)]),
    measures=st.lists(betweens(), max_size=2).map(tuple),
    score=st.sampled_from([(None, None), (30.0, None), (None, 60.0), (12.0, 48.0)]),
    visible=st.sampled_from([EVERYTHING, OfTeam("east"), OfAgent("a2"), Nothing()]),
    after=maybe(["c007", "c100"]),
    limit=st.sampled_from([1, 7, 500]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=WANTED, strides=st.sampled_from([(1, 1), (3, 5), (1_000, 4_000)]))
def test_a_search_finds_what_a_walk_over_every_row_finds(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, strides: tuple[int, int]
) -> None:
    monkeypatch.setattr(search, "STRIDES", strides)
    monkeypatch.setattr(search, "LOOKED_AT", sum(strides))
    with reading(filled) as connection:
        assert [row.call_id for row in find(connection, wanted)] == by_hand(wanted)


@pytest.mark.postgresql
def test_it_finds_the_same_on_postgresql(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import emptied  # noqa: PLC0415 -- only where there is a server

    engine = a_filled_database(emptied(request.getfixturevalue("postgresql_database")))
    monkeypatch.setattr(search, "STRIDES", (3, 5))
    asked = [
        Wanted(limit=7),
        Wanted(agent_id="a1", disposition="sale", after="c100"),
        Wanted(measures=(Between(Measure.TALK_SHARE, least=0.5),), limit=50),
        Wanted(degraded=True, team="east", measures=(Between(Measure.DEAD_AIR, most=0.3),)),
        Wanted(score=(12.0, 48.0), visible=OfTeam("west")),
        Wanted(held=True, limit=2),
        Wanted(held=False, degraded=True),
        Wanted(disclosure=Verdict.ABSENT, until=MONDAY + timedelta(minutes=30)),
    ]
    with reading(engine) as connection:
        for wanted in asked:
            assert [row.call_id for row in find(connection, wanted)] == by_hand(wanted), wanted
    engine.dispose()


def test_pages_one_after_the_other_are_the_whole_list_without_a_gap_or_a_double(filled: Engine) -> None:
    listed: list[str] = []
    wanted = Wanted(limit=7)
    with reading(filled) as connection:
        while True:
            found = page(connection, wanted)
            listed += [row.call_id for row in found.rows]
            if found.looked_to is None:
                break
            wanted = Wanted(limit=7, after=found.looked_to)
    assert listed == by_hand(Wanted(limit=ROWS))


def test_a_page_looks_at_a_bounded_number_of_rows_and_says_how_far_it_has_come(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STRIDES", (12, 18))
    none_such = Wanted(measures=(Between(Measure.DURATION, least=10_000),))
    with reading(filled) as connection:
        found = page(connection, none_such)
    assert found.rows == ()
    assert found.looked_to == by_hand(Wanted(limit=30))[-1]


def test_a_page_after_a_call_that_is_not_there_is_refused(filled: Engine) -> None:
    with reading(filled) as connection, pytest.raises(NoSuchPlace, match="no recording of call gone"):
        page(connection, Wanted(after="gone"))


def test_a_condition_is_a_value_and_never_a_piece_of_sql(filled: Engine) -> None:
    seen: list[str] = []
    event.listen(filled, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: seen.append(statement))
    with reading(filled) as connection:
        assert find(connection, Wanted(campaign="' or 1=1 --")) == []
    assert not any("1=1" in statement for statement in seen)
