"""Samples become reviews, reviews scores, scores are answered: on both databases, in threads and in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, delete, func, select

from config.database import Base, open_database, reading, writing
from recorder import audit, staff
from recorder.access import Role, Staff
from recorder.qa import draws, forms, lookup, notes, results, reviews
from recorder.qa.draws import Draw
from recorder.qa.filling import Filled
from recorder.qa.lookup import Listed, Sought
from recorder.qa.notes import Kind, NewNote
from recorder.qa.plan import Feature, Period, Plan
from recorder.qa.refused import NoSuch, NotAllowed
from recorder.qa.report import By, lines
from recorder.qa.review import (
    Accepted,
    Appealed,
    Assigned,
    Claimed,
    Opened,
    Released,
    Remark,
    Review,
    State,
    Withdrawn,
    applied,
)
from recorder.qa.reviews import BadMarks
from recorder.qa.risk import parse_risk
from recorder.qa.sampling import Quota
from recorder.qa.scorecard import Said, Scorecard
from recorder.qa.somebody import Somebody
from recorder.qa.tables import qa_review, qa_review_event
from recorder.store import RecordingRow
from tests.qa_room import (
    AFTER,
    AGENT,
    LEAD,
    MANAGER,
    MEI,
    MONDAY,
    OPERATOR,
    OPS,
    OTHER_AGENT,
    TOM,
    a_row,
    a_week,
    answered,
    archive,
    the_form,
)

WEEK = Period(MONDAY, MONDAY + timedelta(days=7))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_database(database_url)
    needed = ("qa_", "audit_", "staff", "recording")
    Base.metadata.create_all(made, tables=[table for name, table in Base.metadata.tables.items() if name.startswith(needed)])
    with writing(made) as connection:
        archive(connection, a_week())
    yield made
    made.dispose()


def a_plan(**changes: object) -> Plan:
    fields: dict[str, object] = {"name": "weekly", "scorecard": "sales-call", "quota": Quota(count=3)}
    return Plan(**(fields | changes))  # type: ignore[arg-type]  # of several types


def drawn(engine: Engine, plan: Plan | None = None, seed: str = "seed") -> Draw:
    """The sample of the week."""
    with writing(engine) as connection:
        draws.put(connection, plan or a_plan(), MEI, AFTER)
    return kept(engine, WEEK, seed)


def kept(engine: Engine, period: Period, seed: str = "seed", by: Somebody = MEI) -> Draw:
    """The sample of a time, by the plan as it is."""
    with reading(engine) as connection:
        plan = draws.plan_named(connection, "weekly")
        sample = draws.sampled(connection, plan.plan, period, seed)
    with writing(engine) as connection:
        return draws.keep(connection, plan, period, seed, sample, by=by, now=AFTER)


def queued(engine: Engine, by: Somebody = MANAGER, now: datetime = AFTER, **sought: object) -> list[Listed]:
    with reading(engine) as connection:
        return lookup.listed(connection, Sought(**sought), by, now)  # type: ignore[arg-type]  # of several types


def claimed(engine: Engine, by: Somebody = MEI, agent_id: str = "agent-1") -> Listed:
    """A review of a call of the agent, in the hands of `by`."""
    one = queued(engine, agent_id=agent_id, states=frozenset({State.DUE}))[0]
    with writing(engine) as connection:
        return reviews.act(connection, one.review.review_id, Claimed(), by, AFTER)


def scored(engine: Engine, by: Somebody = MEI, filled: Filled | None = None) -> Listed:
    one = claimed(engine, by)
    with writing(engine) as connection:
        return reviews.hand_in(connection, one.review.review_id, filled or answered(the_form()), by, AFTER)


def done(engine: Engine, review_id: str, event: object, by: Somebody, now: datetime = AFTER) -> Listed:
    with writing(engine) as connection:
        return reviews.act(connection, review_id, event, by, now)  # type: ignore[arg-type]  # any of the events


def test_a_draw_opens_a_review_of_each_call_and_keeps_seed_chances_and_how_many_calls_there_were(engine: Engine) -> None:
    sample = drawn(engine)
    assert (sample.calls, sample.drawn, sample.seed) == (30, 9, "seed")
    found = queued(engine)
    assert Counter(one.review.agent_id for one in found) == {"agent-1": 3, "agent-2": 3, "agent-3": 3}
    assert {one.probability for one in found} == {0.3}
    assert all(one.review.due_at == AFTER + timedelta(days=7) for one in found)
    with reading(engine) as connection:
        assert draws.drawn_again(connection, sample) == []
        assert ("seed", "seed") in audit.entries(connection)[0].facts


def test_a_sample_is_drawn_once_and_only_of_a_time_that_is_over(engine: Engine) -> None:
    drawn(engine)
    with pytest.raises(NotAllowed, match="drawn already"):
        drawn(engine, seed="a better one")
    with pytest.raises(NotAllowed, match="drawn already"):
        kept(engine, Period(MONDAY + timedelta(days=3), MONDAY + timedelta(days=8)))
    with pytest.raises(NotAllowed, match="not over"):
        kept(engine, Period(WEEK.until, WEEK.until + timedelta(days=7)))
    with pytest.raises(NotAllowed, match="no call"):
        kept(engine, Period(MONDAY - timedelta(days=7), MONDAY))


def test_a_sample_of_a_plan_that_was_changed_meanwhile_is_not_kept(engine: Engine) -> None:
    with writing(engine) as connection:
        draws.put(connection, a_plan(), MEI, AFTER)
        plan = draws.plan_named(connection, "weekly")
        sample = draws.sampled(connection, plan.plan, WEEK, "s")
        draws.put(connection, a_plan(quota=Quota(count=1)), TOM, AFTER)
        with pytest.raises(NotAllowed, match="newer version"):
            draws.keep(connection, plan, WEEK, "s", sample, by=MEI, now=AFTER)


def test_of_two_who_draw_the_same_week_at_once_one_has_the_sample(engine: Engine) -> None:
    with writing(engine) as connection:
        draws.put(connection, a_plan(), MEI, AFTER)
    together = Barrier(2)

    def take(seed: str) -> str:
        together.wait(30)
        try:
            return kept(engine, WEEK, seed).seed
        except NotAllowed:
            return "too late"

    with ThreadPoolExecutor(2) as pool:
        told = set(pool.map(take, ("one", "other")))
    assert "too late" in told
    assert len(told & {"one", "other"}) == 1
    assert len(queued(engine)) == 9


def test_a_call_that_came_late_or_was_taken_out_is_told_when_the_sample_is_drawn_again(engine: Engine) -> None:
    sample = drawn(engine)
    with writing(engine) as connection:
        archive(connection, [a_row("late-one")])
        findings = draws.drawn_again(connection, sample)
    assert "the calls to draw from are others" in findings[0]


def test_a_plan_is_not_changed_but_followed_by_its_next_version(engine: Engine) -> None:
    with writing(engine) as connection:
        assert draws.put(connection, a_plan(), MEI, AFTER) == 1
        assert draws.put(connection, a_plan(), TOM, AFTER) == 1
        other = a_plan(
            quota=Quota(share=Fraction(1, 20), minimum=2), strata=(Feature.OUTCOME,), risks=(parse_risk("degraded=3"),)
        )
        assert draws.put(connection, other, MEI, AFTER) == 2
        assert draws.plan_named(connection, "weekly", 1).plan == a_plan()
        assert draws.plan_named(connection, "weekly").plan == other
        with pytest.raises(NoSuch):
            draws.put(connection, a_plan(scorecard="unheard-of"), MEI, AFTER)


@pytest.mark.parametrize("by", [AGENT, LEAD, OPS])
def test_samples_are_planned_and_drawn_by_those_whose_work_it_is(engine: Engine, by: Somebody) -> None:
    with pytest.raises(NotAllowed, match="role"), writing(engine) as connection:
        draws.put(connection, a_plan(), by, AFTER)


def test_a_complaint_makes_a_call_likelier(engine: Engine) -> None:
    with writing(engine) as connection:
        notes.add(connection, NewNote(Kind.COMPLAINT, "was shouted at", "c-1-004"), LEAD, AFTER)
    drawn(engine, a_plan(quota=Quota(count=2), risks=(parse_risk("complaint=1000"),)))
    assert {one.probability for one in queued(engine, agent_id="agent-1") if one.review.call_id == "c-1-004"} == {1.0}


def test_reviewers_are_told_off_evenly_and_never_for_their_own_calls(engine: Engine) -> None:
    with writing(engine) as connection:
        staff.put(connection, Staff("boss", Role.MANAGER), AFTER)
        staff.put(connection, Staff("mei", Role.QA, agent_id="agent-1"), AFTER)
        staff.put(connection, Staff("tom", Role.QA), AFTER)
    drawn(engine, a_plan(quota=Quota(count=10), reviewers=("mei", "tom")))
    told_off = Counter((one.review.assigned, one.review.agent_id) for one in queued(engine))
    assert told_off["mei", "agent-1"] == 0
    assert sum(count for (name, _), count in told_off.items() if name == "mei") == 15


def test_a_review_goes_from_due_to_accepted_and_every_step_is_kept_and_audited(engine: Engine) -> None:
    drawn(engine)
    one = scored(engine)
    review_id = one.review.review_id
    assert (one.standing, one.review.score and one.review.score.total) == (State.SCORED, 100)
    told = done(engine, review_id, Accepted(), AGENT)
    assert told.standing is State.ACCEPTED
    with reading(engine) as connection:
        happened = lookup.history(connection, review_id)
        audited = [entry.action for entry in audit.entries(connection, audit.Sought(call_id=one.review.call_id))]
        assert audit.verify(connection).intact
    assert [(step.seq, step.who) for step in happened] == [(1, "mei"), (2, "mei"), (3, "mei"), (4, "lin")]
    assert audited == ["qa.accepted", "qa.scored", "qa.claimed"]


def test_an_appeal_is_decided_by_another_and_what_was_said_first_stays(engine: Engine) -> None:
    drawn(engine)
    one = scored(engine, filled=answered(the_form(), truth=Said.NO))
    review_id = one.review.review_id
    assert one.review.score is not None
    assert (one.review.score.total, one.review.score.fatal) == (0, ("truth",))
    done(engine, review_id, Appealed("I read the text as it is", AFTER + timedelta(days=7)), AGENT)
    with pytest.raises(NotAllowed, match="another person"):
        done(engine, review_id, Claimed(), MEI)
    done(engine, review_id, Claimed(), TOM)
    with writing(engine) as connection:
        told = reviews.decide(connection, review_id, "the agent is right", answered(the_form()), by=TOM, now=AFTER)
        first = [step.event for step in lookup.history(connection, review_id)][2]
    assert (told.standing, told.review.score and told.review.score.total, told.review.changed) == (State.FINAL, 100, True)
    assert first.marks.score.total == 0  # type: ignore[union-attr]  # the third event is the score


def test_a_score_is_final_when_the_time_to_answer_is_over(engine: Engine) -> None:
    drawn(engine)
    review_id = scored(engine).review.review_id
    end = AFTER + timedelta(days=7)
    assert [one.standing for one in queued(engine, now=end, agent_id="agent-1", states=frozenset({State.SCORED}))] == [
        State.SCORED
    ]
    later = end + timedelta(microseconds=1)
    assert [one.standing for one in queued(engine, now=later, states=frozenset({State.FINAL}))] == [State.FINAL]
    with pytest.raises(NotAllowed, match="over"):
        done(engine, review_id, Appealed("too late", later), AGENT, later)


def test_the_queue_tells_what_is_overdue(engine: Engine) -> None:
    drawn(engine)
    late = AFTER + timedelta(days=7, seconds=1)
    assert queued(engine, states=frozenset({State.OVERDUE})) == []
    assert len(queued(engine, now=late, states=frozenset({State.OVERDUE}))) == 9
    assert queued(engine, now=late, states=frozenset({State.DUE})) == []
    claimed(engine)
    assert len(queued(engine, now=late, late_only=True)) == 9
    assert len(queued(engine, now=late, limit=4, offset=6)) == 3


def test_an_agent_sees_own_reviews_once_they_are_scored_and_a_lead_those_of_the_team(engine: Engine) -> None:
    drawn(engine)
    assert queued(engine, AGENT) == []
    one = scored(engine)
    assert [seen.review.review_id for seen in queued(engine, AGENT)] == [one.review.review_id]
    assert queued(engine, OTHER_AGENT) == []
    assert queued(engine, OPS) == []
    assert {seen.review.team for seen in queued(engine, LEAD)} == {"a"}
    assert lookup.may_see(one, OTHER_AGENT) is not None
    assert lookup.may_see(one, AGENT) is None


def test_what_is_not_allowed_changes_nothing(engine: Engine) -> None:
    drawn(engine)
    one = claimed(engine)
    review_id = one.review.review_id
    for event, by in (
        (Claimed(), TOM),
        (Accepted(), AGENT),
        (Released(), TOM),
        (Assigned("tom"), MEI),
        (Withdrawn(" "), MANAGER),
        (Appealed("x", AFTER), AGENT),
    ):
        with pytest.raises(NotAllowed):
            done(engine, review_id, event, by)
    with pytest.raises(BadMarks, match="opening: is not answered"), writing(engine) as connection:
        reviews.hand_in(connection, review_id, Filled({}), MEI, AFTER)
    beyond = Filled(answered(the_form()).answers, (Remark("opening", 120_001, "x"), Remark("nothing", 0, " ")))
    with pytest.raises(BadMarks) as bad, writing(engine) as connection:
        reviews.hand_in(connection, review_id, beyond, MEI, AFTER)
    assert len(str(bad.value).splitlines()) == 3
    with reading(engine) as connection:
        assert lookup.show(connection, review_id, AFTER) == one
        assert len(lookup.history(connection, review_id)) == 2


def test_a_review_is_given_back_by_who_has_it_or_by_who_assigns(engine: Engine) -> None:
    drawn(engine)
    review_id = claimed(engine).review.review_id
    assert done(engine, review_id, Released("ill"), MANAGER).standing is State.DUE
    done(engine, review_id, Assigned("tom"), MANAGER)
    with pytest.raises(NotAllowed, match="tom is told off"):
        done(engine, review_id, Claimed(), MEI)
    assert done(engine, review_id, Claimed(), TOM).review.holder == "tom"


def test_a_named_call_is_reviewed_and_counts_in_no_average(engine: Engine) -> None:
    drawn(engine)
    with writing(engine) as connection:
        opened = Opened("the customer complained", "", AFTER + timedelta(days=1))
        review_id = reviews.name_call(connection, "c-1-000", opened, "sales-call", appeal_days=7, by=LEAD, now=AFTER)
        reviews.act(connection, review_id, Claimed(), MEI, AFTER)
        reviews.hand_in(connection, review_id, answered(the_form(), truth=Said.NO), MEI, AFTER)
        with pytest.raises(NotAllowed, match="team"):
            reviews.name_call(connection, "c-2-000", opened, "sales-call", appeal_days=7, by=LEAD, now=AFTER)
        with pytest.raises(NoSuch):
            reviews.name_call(connection, "gone", opened, "sales-call", appeal_days=7, by=MEI, now=AFTER)
        found = results.of_plan(connection, "weekly", MONDAY, AFTER, MANAGER)
    assert (found.named, sum(one.score is not None for one in found.results)) == (1, 0)


def test_the_report_is_weighted_by_chances_and_says_what_it_rests_on(engine: Engine) -> None:
    drawn(engine, a_plan(quota=Quota(count=4), risks=(parse_risk("outcome:sale=3"),)))
    with writing(engine) as connection:
        while (one := reviews.claim_next(connection, MEI, AFTER)) is not None:
            answers = answered(the_form(), clarity=0) if one.review.agent_id == "agent-2" else answered(the_form())
            reviews.hand_in(connection, one.review.review_id, answers, MEI, AFTER)
        found = results.of_plan(connection, "weekly", MONDAY, AFTER, MANAGER)
        own = results.of_plan(connection, "weekly", MONDAY, AFTER, AGENT)
        assert results.of_plan(connection, "weekly", MONDAY + timedelta(days=1), AFTER, MANAGER).samples == 0
        with pytest.raises(NotAllowed):
            results.of_plan(connection, "weekly", MONDAY, AFTER, OPS)
    by_agent = {line.key: line for line in lines(By.AGENT, found.results, found.cells, 0.95)}
    assert {key: (line.calls, line.reviewed, line.coverage) for key, line in by_agent.items()} == {
        "agent-1": (10, 4, 0.4),
        "agent-2": (10, 4, 0.4),
        "agent-3": (10, 4, 0.4),
        "all": (30, 12, 0.4),
    }
    assert by_agent["agent-1"].score is not None
    assert by_agent["agent-1"].score.mean == 100
    assert {line.key for line in lines(By.AGENT, own.results, own.cells, 0.95)} == {"agent-1", "all"}
    assert {line.key for line in lines(By.REVIEWER, found.results, found.cells, 0.95)} == {"mei", "all"}
    campaigns = {line.key: line.calls for line in lines(By.CAMPAIGN, found.results, found.cells, 0.95)}
    assert campaigns == {"spring": 15, "autumn": 15, "all": 30}


def test_a_call_whose_recording_is_gone_is_not_scored_any_more_but_withdrawn(engine: Engine) -> None:
    drawn(engine)
    one = claimed(engine)
    review_id, call_id = one.review.review_id, one.review.call_id
    with writing(engine) as connection:
        connection.execute(delete(RecordingRow).where(RecordingRow.call_id == call_id))  # as a purge does
    with pytest.raises(NoSuch, match="no recording"), writing(engine) as connection:
        reviews.hand_in(connection, review_id, answered(the_form()), MEI, AFTER)
    assert done(engine, review_id, Withdrawn("purged"), MANAGER).standing is State.WITHDRAWN
    with reading(engine) as connection:
        found = results.of_plan(connection, "weekly", MONDAY, AFTER, MANAGER)
    assert sum(1 for one in found.results if one.score is None) == 9


def replayed(engine: Engine, review_id: str) -> Review:
    """What the events alone say of a review."""
    with reading(engine) as connection:
        row = connection.execute(select(qa_review).where(qa_review.c.review_id == review_id)).one()
        steps = lookup.history(connection, review_id)
    first = steps[0].event
    assert isinstance(first, Opened)
    agents = frozenset(json.loads(row.agents_json))
    review = Review(review_id, row.call_id, row.agent_id, agents, row.team, State.DUE, 1, first.assigned, first.due_at)
    for step in steps[1:]:
        review = applied(review, step.event, step.who)
    return review


def test_what_is_kept_beside_the_events_is_what_they_say(engine: Engine) -> None:
    drawn(engine, a_plan(quota=Quota(count=10)))
    one = scored(engine)
    done(engine, one.review.review_id, Appealed("no", AFTER + timedelta(days=2)), AGENT)
    done(engine, one.review.review_id, Claimed(), TOM)
    with writing(engine) as connection:
        reviews.decide(connection, one.review.review_id, "stands", None, by=TOM, now=AFTER)
    done(engine, claimed(engine).review.review_id, Withdrawn("no sound"), MANAGER)
    done(engine, scored(engine, TOM).review.review_id, Accepted(), AGENT)
    assert all(replayed(engine, one.review.review_id) == one.review for one in queued(engine, limit=1000))


def test_of_many_reviewers_at_once_each_gets_another_call(engine: Engine) -> None:
    drawn(engine)
    names = [f"reviewer-{number}" for number in range(6)]
    together = Barrier(len(names))

    def take(name: str) -> list[str]:
        by = Somebody(Staff(name, Role.QA))
        taken: list[str] = []
        together.wait(30)
        while True:
            with writing(engine) as connection:
                one = reviews.claim_next(connection, by, AFTER)
            if one is None:
                return taken
            taken.append(one.review.review_id)

    with ThreadPoolExecutor(len(names)) as pool:
        taken = [review_id for own in pool.map(take, names) for review_id in own]
    assert len(taken) == len(set(taken)) == 9


def test_of_two_who_claim_one_review_one_is_told_that_the_other_has_it(engine: Engine) -> None:
    drawn(engine)
    review_id = queued(engine)[0].review.review_id
    together = Barrier(2)

    def take(by: Somebody) -> str:
        together.wait(30)
        try:
            return done(engine, review_id, Claimed(), by).review.holder
        except NotAllowed as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(take, (MEI, TOM)))
    with reading(engine) as connection:
        holder = lookup.show(connection, review_id, AFTER).review.holder
        assert connection.execute(select(func.count()).where(qa_review_event.c.review_id == review_id)).scalar_one() == 2
    assert sorted(one for one in told if one in {"mei", "tom"}) == [holder]
    assert any("cannot be claimed" in one for one in told)


CHILD = """
import os, signal, sys
from datetime import datetime
from config.database import open_database, writing
from recorder.qa import draws, reviews
from tests.qa_room import AFTER, MEI, answered, the_form
engine = open_database(sys.argv[1])
with writing(engine) as connection:
    one = reviews.claim_next(connection, MEI, AFTER)
    reviews.hand_in(connection, one.review.review_id, answered(the_form()), MEI, AFTER)
    sys.stdout.write(one.review.review_id)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_reviewer_killed_before_the_commit_has_taken_and_scored_nothing(engine: Engine, database_url: str) -> None:
    drawn(engine)
    command = [sys.executable, "-c", CHILD, database_url]
    child = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    review_id = child.stdout.decode()
    with reading(engine) as connection:
        assert lookup.show(connection, review_id, AFTER).standing is State.DUE
        assert len(lookup.history(connection, review_id)) == 1
        assert audit.verify(connection).intact
    assert done(engine, review_id, Claimed(), TOM).review.holder == "tom"


def test_a_version_of_a_form_has_one_text_for_ever(engine: Engine) -> None:
    text = forms.shipped()["sales-call"]
    with writing(engine) as connection:
        card: Scorecard = forms.add(connection, text, "a file", MEI, AFTER)
        with pytest.raises(NotAllowed, match="another version"):
            forms.add(connection, text.replace("passing = 80", "passing = 60"), "a file", MEI, AFTER)
        newer = forms.add(connection, text.replace('version = "1"', 'version = "2"'), "a file", MEI, AFTER + timedelta(1))
        assert forms.latest(connection, "sales-call") == newer
        assert forms.of_hash(connection, card.sha256) == card
        with pytest.raises(NotAllowed, match="role"):
            forms.add(connection, text, "a file", AGENT, AFTER)


def test_on_a_site_without_staff_its_operator_does_everything_but_judges_in_own_cause(engine: Engine) -> None:
    with writing(engine) as connection:
        draws.put(connection, a_plan(), OPERATOR, AFTER)
    kept(engine, WEEK, by=OPERATOR)
    review_id = scored(engine, OPERATOR).review.review_id
    with pytest.raises(NotAllowed, match="cannot answer for the agent"):
        done(engine, review_id, Accepted(), OPERATOR)
