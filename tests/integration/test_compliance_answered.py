"""The live answers of a campaign, read from a real ledger: by what was written since, and always as if read anew."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from compliance.answered import Answered, Measured, budgets
from compliance.budget import Budget, BudgetPolicy, BudgetState
from compliance.facts import EventKind, LedgerEvent
from compliance.pack_files import load_packs
from compliance.packs import Pack
from compliance.rows import append
from config import migrate
from config.database import open_database, reading, sqlite_url, writing
from tests.abandonment_rules import START, a_pack, events_of

SPRING = Measured("spring", "us", "sales", START - timedelta(days=1))
EVERY_ANSWER = BudgetPolicy(minimum_answers=0)
SHIPPED = ("house", "us-federal-telemarketing", "gb-marketing", "ca-telemarketing", "it-marketing")


@pytest.fixture
def database(migrated: Engine) -> Engine:
    return migrated


def write(database: Engine, events: Sequence[LedgerEvent]) -> None:
    with writing(database) as connection:
        append(connection, events, START)


def read(database: Engine, packs: Sequence[Pack], now: datetime = START, of: Measured = SPRING) -> list[Budget]:
    with reading(database) as connection:
        return list(budgets(connection, packs, of, now, EVERY_ANSWER))


def figures(found: Sequence[Budget]) -> dict[str, tuple[int, int]]:
    return {one.rule: (one.abandoned, one.answered) for one in found}


def calls(count: int, lost: int, at: datetime = START - timedelta(hours=1), name: str = "a", **keys: str) -> list[LedgerEvent]:
    return [
        event
        for index in range(count)
        for event in events_of(f"{name}{index}", at + timedelta(seconds=index), message=index < lost, **keys)  # type: ignore[arg-type] # names are of events_of
    ]


def test_an_empty_ledger_leaves_the_budget_of_the_fewest_answers(database: Engine) -> None:
    with reading(database) as connection:
        (found,) = budgets(connection, [a_pack()], SPRING, START)
    assert (found.abandoned, found.answered, found.headroom, found.state) == (0, 0, 3, BudgetState.OK)
    with reading(database) as connection:
        assert budgets(connection, [], SPRING, START) == ()


def test_reading_on_gives_what_reading_anew_does_whatever_is_written_in_between(database: Engine) -> None:
    packs = (*load_packs(SHIPPED, Path()), a_pack("wide", per=("seller",)))
    chance = random.Random(18)
    reader = Answered(packs, SPRING, EVERY_ANSWER)
    waiting: list[list[LedgerEvent]] = []
    for index in range(60):
        at = START - timedelta(hours=chance.randrange(60))
        number = chance.choice(["+12125550100", "+442079460958", "+14165550100", "+390612345678"])
        keys = {"number": number, "campaign": chance.choice(["spring", "spring", "autumn"])}
        message, came = chance.random() < 0.2, chance.choice([None, 1.0, 4.5])
        events = events_of(f"a{index}", at, message=message, connected_s=came, seller=chance.choice(["us", "us", "them"]), **keys)
        if chance.random() < 0.1:
            machine = events[1]
            events[1] = LedgerEvent(
                EventKind.MACHINE,
                machine.at,
                machine.person,
                number,
                machine.campaign,
                machine.seller,
                "",
                f"a{index}",
                machine.zones,
                (("false_positive", chance.choice(["true", "false"])),),
            )
        waiting.append(events)
    now, ever = START, Counter[str]()
    while any(waiting):
        batch = [chance.choice([one for one in waiting if one]).pop(0) for _ in range(chance.randrange(1, 9)) if any(waiting)]
        write(database, batch)
        now += timedelta(minutes=chance.randrange(30))
        with reading(database) as connection:
            grown = reader.budgets(connection, now)
        assert list(grown) == read(database, packs, now)
        ever += Counter({one.rule: one.abandoned for one in grown})
    assert ever.keys() == {"house.abandon", "us.abandon", "gb.abandon", "ca.abandon", "it.abandon", "wide.abandon"}


def test_each_rule_counts_by_its_own_keys(database: Engine) -> None:
    packs = [
        a_pack("mine"),
        a_pack("campaign", per=("campaign",)),
        a_pack("seller", per=("seller",)),
        a_pack("centre", per=("call_centre",)),
        a_pack("gb", jurisdiction=("GB",)),
    ]
    write(database, calls(10, 1, name="a"))
    write(database, calls(10, 2, name="b", campaign="autumn"))
    write(database, calls(10, 3, name="c", seller="them"))
    write(database, calls(10, 4, name="d", number="+442079460958"))
    counted = figures(read(database, packs))
    assert counted["mine.abandon"] == (5, 20)
    assert counted["campaign.abandon"] == (8, 30)
    assert counted["seller.abandon"] == (7, 30)
    assert counted["centre.abandon"] == (10, 40)
    assert counted["gb.abandon"] == (4, 10)


def test_a_person_taken_for_a_machine_is_counted_as_soon_as_somebody_says_so(database: Engine) -> None:
    reader = Answered([a_pack()], SPRING, EVERY_ANSWER)
    write(database, calls(10, 0))
    taken = calls(1, 0, name="m")
    write(database, [taken[0], taken[2]])
    with reading(database) as connection:
        assert figures(reader.budgets(connection, START)) == {"test.abandon": (0, 10)}
    live = taken[1]
    mistake = LedgerEvent(
        EventKind.MACHINE, live.at, live.person, live.number, "spring", "us", "", "m0", facts=(("false_positive", "true"),)
    )
    write(database, [mistake])
    with reading(database) as connection:
        assert figures(reader.budgets(connection, START)) == {"test.abandon": (1, 11)}


def test_what_was_said_later_of_a_call_that_has_left_the_period_disturbs_nothing(database: Engine) -> None:
    reader = Answered([a_pack()], SPRING, EVERY_ANSWER)
    first = events_of("a1", START, message=True)
    write(database, first[:2])
    with reading(database) as connection:
        assert figures(reader.budgets(connection, START + timedelta(minutes=1))) == {"test.abandon": (1, 1)}
        assert figures(reader.budgets(connection, START + timedelta(days=3))) == {"test.abandon": (0, 0)}
    write(database, first[2:])
    with reading(database) as connection:
        assert figures(reader.budgets(connection, START + timedelta(days=3))) == {"test.abandon": (0, 0)}


def test_a_campaign_made_anew_under_an_old_name_begins_no_new_count(database: Engine) -> None:
    packs = [a_pack(window="successive:30d@campaign_start")]
    write(database, calls(10, 4, at=START))
    anew = Measured("spring", "us", "sales", began=START + timedelta(days=20))
    now = START + timedelta(days=20)
    (found,) = read(database, packs, now, anew)
    assert (found.abandoned, found.answered) == (4, 10)
    assert found.begins == START - timedelta(seconds=5), "the first call of that name"
    (other,) = read(database, packs, now, Measured("spring 2", "us", "sales", began=now))
    assert (other.abandoned, other.begins) == (0, now)


def test_after_the_first_time_only_what_is_new_is_read(database: Engine) -> None:
    write(database, calls(300, 3))
    reader = Answered([a_pack()], SPRING, EVERY_ANSWER)
    fetched: list[int] = []

    @event.listens_for(database, "after_cursor_execute")
    def count(_connection: object, cursor: object, statement: str, *_rest: object) -> None:
        if "FROM ledger" in statement and "facts" in statement:
            fetched.append(1)

    with reading(database) as connection:
        first = reader.budgets(connection, START)
        asked = len(fetched)
        again = reader.budgets(connection, START)
    assert first == again
    assert (asked, len(fetched)) == (1, 1), "nothing new: no row of the ledger is asked for"
    write(database, calls(1, 1, name="late"))
    with reading(database) as connection:
        (found,) = reader.budgets(connection, START)
    assert (found.abandoned, found.answered) == (4, 301)
    assert len(fetched) == 3, "what is new, and the rest of what it belongs to"


def test_the_campaign_is_found_by_index(tmp_path: Path) -> None:
    """A month of a large floor is not looked through row by row. On SQLite: PostgreSQL plans so small a table as it likes."""
    database = open_database(sqlite_url(tmp_path / "ringfence.db"))
    migrate.upgrade(database)
    write(database, calls(50, 1))
    statements: list[tuple[str, object]] = []

    @event.listens_for(database, "before_cursor_execute")
    def keep(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        if "FROM ledger" in statement:
            statements.append((statement, values))

    reader = Answered([a_pack()], SPRING, EVERY_ANSWER)
    with reading(database) as connection:
        reader.budgets(connection, START)
    write(database, calls(1, 1, name="late"))
    with reading(database) as connection:
        reader.budgets(connection, START)
        plans = [
            " ".join(str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))  # type: ignore[arg-type] # as the driver took them
            for statement, values in list(statements)
        ]
    assert len(plans) >= 5
    assert all("SEARCH ledger" in plan for plan in plans), plans
    database.dispose()
