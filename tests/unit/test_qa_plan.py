"""Plans, weeks, weights and who is told off; and the figures of a report from values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.disclosure import Verdict
from recorder.qa.plan import Feature, Plan, assigned, from_json, is_meant, last_week, to_json, unit_of, week_of
from recorder.qa.report import By, Cell, Line, Result, adjusted, lines
from recorder.qa.risk import Risk, Trait, applies, parse_risk, weight
from recorder.qa.sampling import Quota
from recorder.qa.scoring import Score, SectionScore
from tests.qa_room import a_call

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAN = Plan("weekly", "sales-call", Quota(count=3))
ALL_OF_IT = Plan(
    name="每周",
    scorecard="sales-call",
    quota=Quota(share=Fraction(1, 20), minimum=2),
    strata=tuple(Feature),
    risks=(parse_risk("degraded=3"), parse_risk("overtalk:0.1=2.5"), parse_risk("outcome:sale=0.5")),
    bands=(30, 90),
    campaigns=("spring",),
    teams=("a", "b"),
    shortest_s=15,
    reviewers=("mei", "tom"),
    due_days=5,
    appeal_days=10,
    zone="Asia/Shanghai",
)


@pytest.mark.parametrize("plan", [PLAN, ALL_OF_IT])
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert from_json(to_json(plan)) == plan


def test_a_week_begins_on_monday_by_the_clock_of_the_plan() -> None:
    found = week_of("2026-W10", SHANGHAI)
    assert (found.since, found.until) == (datetime(2026, 3, 1, 16, tzinfo=UTC), datetime(2026, 3, 8, 16, tzinfo=UTC))
    assert week_of("2026-W01", ZoneInfo("UTC")).since == datetime(2025, 12, 29, tzinfo=UTC)
    spring = week_of("2026-W13", ZoneInfo("Europe/Berlin"))
    assert spring.until - spring.since == timedelta(days=7) - timedelta(hours=1)


@pytest.mark.parametrize("text", ["2026-W54", "2026-W00", "W10", "2026-10", "", "2025-W53"])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no week"):
        week_of(text, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("now", "week"),
    [
        (datetime(2026, 3, 8, 15, 59, tzinfo=UTC), "2026-W09"),
        (datetime(2026, 3, 8, 16, 0, tzinfo=UTC), "2026-W10"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2025-W52"),
    ],
)
def test_last_week_is_the_one_that_is_over(now: datetime, week: str) -> None:
    assert last_week(now, SHANGHAI) == week
    assert week_of(week, SHANGHAI).until <= now


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        ("outcome:sale=2", {"outcome": "sale"}, {}),
        ("campaign:autumn=2", {"campaign": "autumn"}, {}),
        ("complaint=2", {"complaint": True}, {}),
        ("degraded=2", {"degraded": True}, {}),
        ("undisclosed=2", {"disclosure": Verdict.LATE}, {"disclosure": Verdict.NOT_APPLICABLE}),
        ("longer:120=2", {"duration_ms": 120_000}, {"duration_ms": 119_999}),
        ("shorter:120=2", {"duration_ms": 119_999}, {"duration_ms": 120_000}),
        ("overtalk:0.1=2", {"overtalk_ms": 12_000}, {"overtalk_ms": 11_999}),
        ("dead_air:0.25=2", {"dead_air_ms": 30_000}, {"dead_air_ms": 29_999}),
        ("agent_talk:0.8=2", {"agent_talk_ms": 80, "customer_talk_ms": 20}, {"agent_talk_ms": 79, "customer_talk_ms": 21}),
        ("monologue:60=2", {"agent_longest_ms": 60_000}, {"agent_longest_ms": 59_999}),
        ("interruptions:3=2", {"agent_interruptions": 3}, {"agent_interruptions": 2}),
    ],
)
def test_a_trait_is_there_from_its_bound_on_and_makes_a_call_likelier(
    text: str, there: dict[str, Any], not_there: dict[str, Any]
) -> None:
    risk = parse_risk(text)
    assert str(risk) == text
    assert applies(a_call(**there), risk)
    assert not applies(a_call(**not_there), risk)
    assert (weight(a_call(**there), [risk]), weight(a_call(**not_there), [risk])) == (200, 100)


def test_every_trait_can_be_weighed() -> None:
    assert {
        parse_risk(f"{trait}{value}=2").trait for trait in Trait for value in ("", ":1") if _reads(f"{trait}{value}=2")
    } == set(Trait)


def _reads(text: str) -> bool:
    try:
        parse_risk(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "",
        "degraded",
        "luck=2",
        "degraded:1=2",
        "outcome=2",
        "overtalk=2",
        "overtalk:2=2",
        "longer:x=2",
        "longer:-1=2",
        "degraded=0",
        "degraded=1001",
        "degraded=inf",
        "overtalk:nan=2",
    ],
)
def test_a_weight_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_risk(text)


@given(st.lists(st.sampled_from(["degraded=0.01", "complaint=1000", "overtalk:0=7.77"]).map(parse_risk), max_size=30))
def test_no_call_is_without_a_chance_and_none_weighs_without_end(risks: list[Risk]) -> None:
    assert 1 <= weight(a_call(degraded=True, complaint=True), risks) <= 100_000_000


def test_factors_multiply() -> None:
    assert weight(a_call(degraded=True, complaint=True), [parse_risk("degraded=3"), parse_risk("complaint=2.5")]) == 750
    assert parse_risk("degraded=3").factor == Decimal(3)


def test_a_plan_is_about_its_campaigns_teams_and_calls_with_an_agent_that_are_long_enough() -> None:
    assert is_meant(PLAN, a_call())
    assert not is_meant(PLAN, a_call(agent_id=""))
    assert not is_meant(replace(PLAN, campaigns=("autumn",)), a_call())
    assert not is_meant(replace(PLAN, teams=("b",)), a_call())
    assert is_meant(replace(PLAN, shortest_s=120), a_call())
    assert not is_meant(replace(PLAN, shortest_s=121), a_call())


def test_a_call_stands_in_a_stratum_of_every_feature() -> None:
    assert unit_of(ALL_OF_IT, a_call(disclosure=Verdict.ABSENT)).stratum == (
        "not_interested",
        "spring",
        "a",
        "90 s and more",
        "not proven",
    )
    assert unit_of(ALL_OF_IT, a_call(duration_ms=29_999)).stratum[3] == "0 s and more"
    assert unit_of(ALL_OF_IT, a_call(duration_ms=30_000)).stratum[3] == "30 s and more"
    assert unit_of(PLAN, a_call()).stratum == ()


@given(st.integers(0, 40), st.integers(1, 5), st.text(max_size=5))
def test_work_is_shared_evenly_whatever_the_order(calls: int, reviewers: int, seed: str) -> None:
    wanted = [(f"c{number}", frozenset({"agent"})) for number in range(calls)]
    names = [(f"r{number}", "") for number in range(reviewers)]
    given_to = assigned(wanted, names, seed)
    loads = [list(given_to.values()).count(name) for name, _ in names]
    assert max(loads) - min(loads) <= 1
    assert assigned(reversed(wanted), names, seed) == given_to


def test_nobody_is_told_off_for_a_call_they_are_on() -> None:
    assert assigned([("c", frozenset({"agent-1", "agent-2"}))], [("mei", "agent-2")], "s") == {"c": ""}
    assert assigned([("c", frozenset({"agent-1"}))], [], "s") == {"c": ""}


# --- the report ---------------------------------------------------------------------------------------------------------


def a_score(total: float, fatal: tuple[str, ...] = ()) -> Score:
    return Score(total, total >= 80, (SectionScore("s", total), SectionScore("t", None)), (), fatal)


def a_result(agent: str = "agent-1", total: float | None = 90, probability: float = 0.5, **changes: object) -> Result:
    fields: dict[str, object] = {
        "draw_id": "d",
        "agent_id": agent,
        "team": "a",
        "campaign": "spring",
        "reviewer": "mei" if total is not None else "",
        "probability": probability,
        "score": None if total is None else a_score(total, ("truth",) if total == 0 else ()),
        "appealed": False,
        "changed": False,
    }
    return Result(**(fields | changes))  # type: ignore[arg-type]  # of several types


CELLS = [Cell("d", "agent-1", "a", "spring", 4), Cell("d", "agent-2", "b", "spring", 10)]


def by_key(by: By, results: list[Result]) -> dict[str, Line]:
    return {line.key: line for line in lines(by, results, CELLS, 0.95)}


def test_an_agent_with_many_calls_counts_for_more_in_the_average_of_all() -> None:
    results = [
        a_result(total=60, probability=0.5),
        a_result(total=60, probability=0.5),
        a_result("agent-2", 90, 0.2, team="b"),
        a_result("agent-2", 90, 0.2, team="b"),
    ]
    found = by_key(By.TEAM, results)
    assert found["all"].score is not None
    assert found["all"].score.mean == pytest.approx((4 * 60 + 10 * 90) / 14)
    assert (found["a"].calls, found["a"].drawn, found["a"].reviewed, found["a"].coverage) == (4, 2, 2, 0.5)


def test_what_was_drawn_and_not_reviewed_stays_for_its_own_agent() -> None:
    results = [a_result(total=60), a_result(total=None), a_result("agent-2", 90, 0.2), a_result("agent-2", 90, 0.2)]
    assert [one.probability for one in adjusted(results)] == [0.25, 0.25, 0.2, 0.2]
    found = by_key(By.AGENT, results)
    assert (found["agent-1"].drawn, found["agent-1"].reviewed, found["agent-1"].coverage) == (2, 1, 0.25)
    assert found["all"].score is not None
    assert found["all"].score.mean == pytest.approx((4 * 60 + 10 * 90) / 14)
    assert found["agent-1"].score is not None
    assert found["agent-1"].score.low is None


def test_a_fatal_call_is_in_the_score_and_told_apart() -> None:
    line = by_key(By.AGENT, [a_result(total=0), a_result(total=90)])["agent-1"]
    assert line.score is not None
    assert line.sound is not None
    assert line.fatal is not None
    assert (line.score.mean, line.sound.mean, line.fatal.mean) == (45, 90, 0.5)


def test_agents_without_any_review_are_there_with_what_was_not_heard() -> None:
    found = by_key(By.AGENT, [])
    assert (found["agent-2"].calls, found["agent-2"].reviewed, found["agent-2"].score) == (10, 0, None)
    assert found["all"].calls == 14


def test_sections_and_reviewers_have_lines_of_their_own() -> None:
    results = [a_result(total=80, appealed=True), a_result(total=100, reviewer="tom", changed=True)]
    sections = by_key(By.SECTION, results)
    assert list(sections) == ["s", "all"]  # of t nothing applied
    assert sections["s"].score is not None
    assert sections["s"].score.mean == 90
    reviewers = by_key(By.REVIEWER, results)
    assert list(reviewers) == ["mei", "tom", "all"]
    assert (reviewers["mei"].calls, reviewers["mei"].coverage, reviewers["mei"].appealed) == (None, None, 1)
    assert reviewers["all"].changed == 1
