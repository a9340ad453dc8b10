"""When a campaign stops because too many calls were abandoned, when somebody is told before, and what a review changes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.budget import Budget, BudgetState
from dialer.floor import Alert, AlertKind, BudgetsMeasured, CampaignsRunning, Command, DialNext, Floor, Halt, Tick
from sip.call import CallState
from tests.abandonment_rules import the_budget
from tests.dialer_floor import CAMPAIGN, START, a_call, a_floor, a_floor_call, after, an_agent, at, told


def a_budget(abandoned: int = 0, answered: int = 100, rule: str = "house.abandon", last: float | None = -60) -> Budget:
    return the_budget(abandoned, answered, rule, at(last) if last is not None else None)


def measured(*budgets: Budget, seconds: float = 0) -> BudgetsMeasured:
    return BudgetsMeasured(CAMPAIGN.campaign_id, budgets, at(seconds))


def dialed(commands: list[Command]) -> int:
    return sum(command.count for command in commands if isinstance(command, DialNext))


def test_above_a_limit_the_campaign_stops_and_what_is_up_goes_on() -> None:
    up = a_floor_call(a_call(state=CallState.BRIDGED, answered_at=START, bridged_at=START), agent_id="bob")
    floor = a_floor(an_agent("ann"), an_agent("bob", since=1), up)
    floor, commands = after(floor, measured(a_budget(4)))
    assert commands == [Halt("k1", "spring", "4 of 100", START)]
    assert floor.calls == {"c1": up}
    floor, commands = after(floor, Tick(at(1)), Tick(at(2)))
    assert told(commands) == []


def test_what_the_limit_permits_is_dialed_on() -> None:
    floor, commands = after(a_floor(an_agent("ann")), measured(a_budget(3)), Tick(at(1)))
    assert dialed(commands) == 1
    (dial,) = [command for command in commands if isinstance(command, DialNext)]
    assert "no more calls may be abandoned: nothing is dialed ahead of agents" in dial.because
    assert floor.campaigns["k1"].budget == 0


def test_the_strictest_rule_stops_and_the_others_are_not_asked() -> None:
    budgets = (a_budget(4, rule="a"), a_budget(9, rule="b"), a_budget(0, rule="c"))
    _, commands = after(a_floor(), measured(*budgets))
    assert commands == [Halt("k1", "spring", "9 of 100", START)]


@pytest.mark.parametrize(
    ("abandoned", "last", "stops"), [(4, -61, False), (4, -60, False), (4, -59, True), (3, -59, False), (4, None, False)]
)
def test_after_a_review_only_a_later_abandoned_call_stops_it_again(abandoned: int, last: float | None, *, stops: bool) -> None:
    reviewed = replace(CAMPAIGN, reviewed_at=at(-60))
    floor, _ = after(a_floor(an_agent("ann")), CampaignsRunning((reviewed,)))
    floor, commands = after(floor, measured(a_budget(abandoned, last=last)))
    assert any(isinstance(command, Halt) for command in commands) is stops
    floor, commands = after(floor, Tick(at(1)))
    assert dialed(commands) == (0 if stops else 1), "with an agent for every call the rate can come down"


def test_somebody_is_told_once_that_a_limit_is_near_and_again_when_it_was_not_between() -> None:
    floor, commands = after(a_floor(), measured(a_budget(3)), measured(a_budget(3)), measured(a_budget(3, 101)))
    (alert,) = commands
    assert isinstance(alert, Alert)
    assert (alert.kind, alert.call_id) == (AlertKind.ABANDONMENT_NEAR, None)
    assert "spring" in alert.text
    assert "house.abandon" in alert.text
    floor, commands = after(floor, CampaignsRunning((CAMPAIGN,)), measured(a_budget(3)))
    assert commands == [], "read anew is not near anew"
    floor, commands = after(floor, measured(a_budget(1)), measured(a_budget(3)))
    assert commands == [alert], "and in the same words, so that it is not told twice before it was seen"


def test_each_rule_that_is_near_is_told() -> None:
    _, commands = after(a_floor(), measured(a_budget(3, rule="a"), a_budget(3, rule="b"), a_budget(0, rule="c")))
    assert [type(command) for command in commands] == [Alert, Alert]


def test_a_campaign_whose_abandonment_cannot_be_measured_is_not_dialed_until_it_is() -> None:
    floor = a_floor(an_agent("ann"))
    floor, commands = after(floor, BudgetsMeasured("k1", None, START), Tick(at(1)))
    assert dialed(commands) == 0
    floor, commands = after(floor, measured(), Tick(at(2)))
    assert dialed(commands) == 1
    floor, commands = after(a_floor(an_agent("ann")), CampaignsRunning((replace(CAMPAIGN, measured=False),)), Tick(at(1)))
    assert dialed(commands) == 0, "read anew it is measured before it is dialed"


def test_no_rule_is_no_budget() -> None:
    floor, commands = after(a_floor(), measured())
    assert commands == []
    assert floor.campaigns["k1"].budget is None


def test_a_campaign_that_does_not_run_is_measured_in_vain() -> None:
    floor = a_floor()
    assert after(floor, BudgetsMeasured("k9", (a_budget(9),), START)) == (floor, [])


def test_who_hears_the_message_now_is_taken_off_the_headroom() -> None:
    hears = a_floor_call(a_call(state=CallState.ABANDONING, answered_at=START, safe_harbour_at=at(2)))
    floor, _ = after(a_floor(an_agent("ann"), hears), measured(a_budget(2)))
    assert floor.campaigns["k1"].budget == 1
    _, commands = after(floor, Tick(at(3)))
    (dial,) = [command for command in commands if isinstance(command, DialNext)]
    assert "no more calls may be abandoned: nothing is dialed ahead of agents" in dial.because


FIGURES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 400), st.integers(-600, -1)), max_size=4)


@given(st.lists(st.tuples(FIGURES, st.booleans()), max_size=8))
def test_whatever_is_measured_nothing_is_dialed_over_a_limit_that_nobody_reviewed(
    days: list[tuple[list[tuple[int, int, int]], bool]],
) -> None:
    floor: Floor = a_floor(an_agent("ann"))
    reviewed_at: float | None = None
    for second, (figures, review) in enumerate(days):
        budgets = [a_budget(lost, of, f"r{index}", last) for index, (lost, of, last) in enumerate(figures)]
        over = [
            one
            for one in budgets
            if one.state is BudgetState.OVER and (reviewed_at is None or one.last_abandoned_at > at(reviewed_at))  # type: ignore[operator] # over is abandoned
        ]
        floor, commands = after(floor, measured(*budgets, seconds=second))
        assert sum(isinstance(command, Halt) for command in commands) == (1 if over else 0)
        _, commands = after(floor, Tick(at(second)))
        assert bool(dialed(commands)) is not bool(over)
        if over:
            reviewed_at = -300.0 if review else reviewed_at
            again = replace(CAMPAIGN, reviewed_at=at(reviewed_at) if reviewed_at is not None else None)
            floor, _ = after(floor, CampaignsRunning((again,)))
