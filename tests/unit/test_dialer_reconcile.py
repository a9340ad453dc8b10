"""After a gap or a restart: what lives is adopted, what nobody ordered is ended, what is gone is closed; nobody is held."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer import engine
from dialer.agents import Agent, AgentState
from dialer.floor import Command, Finish, Floor, FloorCall, Tick
from dialer.reconcile import JUST_ORDERED, reconcile
from sip.call import CallState
from sip.events import EndedBy, LiveAgent, LiveCall, LivePhase, PbxUp
from tests.dialer_floor import START, a_call, a_floor, a_floor_call, an_agent, at, told

PROVEN = (LiveAgent("ann", proven=True), LiveAgent("bob", proven=True))
HOLDING = {AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP}
ANSWERED = {
    CallState.ANSWERED,
    CallState.ANNOUNCING,
    CallState.ANNOUNCED,
    CallState.BRIDGED,
    CallState.UNBRIDGED,
    CallState.ABANDONING,
}


def a_view(*live: LiveCall, agents: tuple[LiveAgent, ...] = PROVEN, second: float = 1) -> PbxUp:
    return PbxUp("pbx", at(second), live, agents)


def after(floor: Floor, up: PbxUp) -> tuple[Floor, tuple[Command, ...]]:
    return reconcile(replace(floor, now=up.at), up)


def known(state: CallState, agent_id: str | None = None, call_id: str = "c1") -> FloorCall:
    """A call as the floor, or its database, has it in a state."""
    answered = START if state in ANSWERED else None
    bridged = START if state in {CallState.BRIDGED, CallState.UNBRIDGED} else None
    disclosed = state in {CallState.ANNOUNCED, CallState.BRIDGED, CallState.UNBRIDGED}
    ended = START if state is CallState.ENDED else None
    return a_floor_call(
        a_call(call_id, state, answered_at=answered, bridged_at=bridged, disclosed=disclosed, ended_at=ended), agent_id=agent_id
    )


#: Where a call was for us, where the PBX has it now -> where it is for us then. What is behind our view changes nothing.
CAUGHT_UP = """
            dialing    ringing    answered   announcing bridged    abandoning
ordered     dialing    ringing    answered   announcing bridged    abandoning
dialing     dialing    ringing    answered   announcing bridged    abandoning
ringing     ringing    ringing    answered   announcing bridged    abandoning
answered    answered   answered   answered   announcing bridged    abandoning
announcing  announcing announcing announcing announcing bridged    abandoning
announced   announced  announced  announced  announced  bridged    abandoning
bridged     bridged    bridged    bridged    bridged    bridged    bridged
unbridged   unbridged  unbridged  unbridged  unbridged  bridged    abandoning
abandoning  abandoning abandoning abandoning announcing bridged    abandoning
"""
PHASES, *LINES = [line.split() for line in CAUGHT_UP.strip().splitlines()]
CELLS = [(line[0], phase, cell) for line in LINES for phase, cell in zip(PHASES, line[1:], strict=True)]


def test_the_table_names_every_phase_and_every_state_of_a_call_that_is_up() -> None:
    assert set(PHASES) == {phase.value for phase in LivePhase}
    assert {line[0] for line in LINES} == {state.value for state in CallState} - {"ended"}


@pytest.mark.parametrize(("state", "phase", "then"), CELLS)
@pytest.mark.parametrize("restarted", [True, False])
def test_a_call_found_alive_is_brought_to_where_the_pbx_has_it(state: str, phase: str, then: str, *, restarted: bool) -> None:
    was = known(CallState(state), "ann" if state in {"announcing", "announced", "bridged"} else None)
    if restarted:
        agent = an_agent("ann", AgentState.OFFLINE)
    elif was.agent_id is None:
        agent = an_agent("ann")
    else:
        agent = an_agent("ann", AgentState.ON_CALL if state == "bridged" else AgentState.RESERVED, "c1")
    live = LiveCall("c1", LivePhase(phase), "ann" if phase in {"announcing", "bridged"} else None)
    floor, commands = after(a_floor(agent, an_agent("bob", AgentState.OFFLINE), was), a_view(live))
    assert floor.calls["c1"].call.state.value == then
    assert not [command for command in commands if isinstance(command, Finish)]
    holding_both_ways(floor)
    if phase == "bridged":
        assert floor.agents["ann"] == replace(floor.agents["ann"], state=AgentState.ON_CALL, call_id="c1")
    if phase == "announcing" and state not in {"bridged"}:
        assert floor.agents["ann"].state is AgentState.RESERVED


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.ENDED])
@pytest.mark.parametrize("restarted", [True, False])
def test_a_call_that_is_gone_is_closed_once_and_its_agent_is_free_or_judges(state: CallState, *, restarted: bool) -> None:
    was = known(state, "ann")
    talking = state in {CallState.BRIDGED, CallState.UNBRIDGED}
    agent = an_agent("ann", AgentState.ON_CALL if talking else AgentState.RESERVED, "c1")
    agent = an_agent("ann", AgentState.OFFLINE) if restarted else agent
    floor, commands = after(a_floor(agent, was), a_view())
    closed = [command for command in commands if isinstance(command, Finish)]
    assert told(commands)[-1] == "alert call_lost"
    if talking and not restarted:
        assert not closed
        assert floor.agents["ann"].state is AgentState.WRAP_UP
        floor, late = engine.step(floor, Tick(at(600)))
        closed = [command for command in late if isinstance(command, Finish)]
    else:
        assert floor.agents["ann"].state is AgentState.READY
    (finish,) = closed
    assert finish.call.call.ended_by is EndedBy.UNKNOWN
    assert finish.call.call.ended_at == at(1)
    assert finish.call.call.rang, "what is unknown counts"
    assert finish.disposition == ("not_given" if talking else "unknown")
    assert not floor.calls


@pytest.mark.parametrize("ordered", [JUST_ORDERED / 2, -JUST_ORDERED])
def test_a_call_ordered_just_before_the_pbx_was_looked_at_or_after_is_not_taken_for_lost(ordered: timedelta) -> None:
    late = a_floor_call(replace(a_call(), ordered_at=at(1) - ordered))
    floor, commands = after(a_floor(late), a_view(second=1))
    assert told(commands) == []
    assert floor.calls["c1"] == late


@pytest.mark.parametrize("state", [CallState.DIALING, CallState.RINGING, CallState.ANSWERED])
def test_a_call_that_was_heard_of_and_is_gone_is_lost_however_young(state: CallState) -> None:
    young = a_floor_call(replace(a_call(state=state), ordered_at=at(1)))
    floor, commands = after(a_floor(young), a_view(second=1))
    assert told(commands) == ["finish c1 unknown", "alert call_lost"]
    assert not floor.calls


def test_a_call_ordered_a_while_before_the_pbx_was_looked_at_and_not_seen_is_lost() -> None:
    floor, commands = after(a_floor(a_floor_call(replace(a_call(), ordered_at=at(1) - JUST_ORDERED))), a_view(second=1))
    assert told(commands) == ["finish c1 unknown", "alert call_lost"]
    assert not floor.calls


def test_an_order_that_never_comes_to_life_is_given_up_by_itself() -> None:
    floor, _ = after(a_floor(a_floor_call(replace(a_call(), ordered_at=at(1)))), a_view(second=1))
    floor, commands = engine.step(floor, Tick(at(61)))
    assert told(commands) == []
    floor, commands = engine.step(floor, Tick(at(61.001)))
    assert told(commands) == ["finish c1 unknown", "alert call_lost"]
    assert not floor.calls


def test_a_call_that_nobody_here_ordered_is_ended() -> None:
    strays = [LiveCall(f"c{serial}", phase, "ann") for serial, phase in enumerate(LivePhase, start=1)]
    _, commands = after(a_floor(an_agent("ann")), a_view(*strays))
    ended = [order for order in told(commands) if order.startswith("hang up")]
    assert ended == [f"hang up c{serial}" for serial in range(1, len(strays) + 1)]
    assert told(commands).count("alert stray_call") == len(strays)


def test_a_customer_who_waits_is_offered_to_an_agent_who_is_there_after_a_restart() -> None:
    was = known(CallState.ANSWERED, "gone")
    floor, commands = after(a_floor(an_agent("ann", AgentState.OFFLINE), was), a_view(LiveCall("c1", LivePhase.ANSWERED)))
    assert told(commands) == ["connect c1 ann"]
    holding_both_ways(floor)


def test_an_order_to_join_that_the_gap_may_have_swallowed_is_given_again_to_the_same_agent() -> None:
    was = known(CallState.ANSWERED, "bob")
    members = (an_agent("ann"), an_agent("bob", AgentState.RESERVED, "c1"), was)
    floor, commands = after(a_floor(*members), a_view(LiveCall("c1", LivePhase.ANSWERED)))
    assert told(commands) == ["connect c1 bob"]
    assert floor.agents["ann"].state is AgentState.READY
    holding_both_ways(floor)


def test_a_customer_who_waits_too_long_is_left_to_the_message() -> None:
    was = known(CallState.ANSWERED)
    floor, commands = after(a_floor(an_agent("ann"), was), a_view(LiveCall("c1", LivePhase.ANSWERED), second=1.9))
    assert told(commands) == []
    assert floor.agents["ann"].state is AgentState.READY


def test_an_agent_whose_lost_call_frees_them_takes_the_customer_who_waits() -> None:
    members = (
        an_agent("ann", AgentState.RESERVED, "c1"),
        known(CallState.ANNOUNCING, "ann"),
        known(CallState.ANSWERED, None, "c2"),
    )
    floor, commands = after(a_floor(*members), a_view(LiveCall("c2", LivePhase.ANSWERED), agents=PROVEN[:1]))
    assert told(commands) == ["connect c2 ann", "finish c1 unknown", "alert call_lost"]
    assert floor.agents["ann"].call_id == "c2"
    holding_both_ways(floor)


def test_an_agent_whose_lost_call_frees_them_is_not_sent_to_a_customer_who_is_gone_too() -> None:
    members = (
        an_agent("ann", AgentState.RESERVED, "c1"),
        known(CallState.ANNOUNCING, "ann"),
        known(CallState.ANSWERED, None, "c2"),
    )
    floor, commands = after(a_floor(*members), a_view(agents=PROVEN[:1]))
    assert sorted(told(commands)) == ["alert call_lost", "alert call_lost", "finish c1 unknown", "finish c2 unknown"]
    assert floor.agents["ann"].state is AgentState.READY


def test_an_agent_who_talks_to_one_customer_is_not_offered_to_another_after_a_restart() -> None:
    members = (an_agent("ann", AgentState.OFFLINE), known(CallState.ANNOUNCING, "bob"), known(CallState.BRIDGED, "ann", "c2"))
    live = (LiveCall("c1", LivePhase.ANNOUNCING, "bob"), LiveCall("c2", LivePhase.BRIDGED, "ann"))
    floor, commands = after(a_floor(*members), a_view(*live, agents=PROVEN[:1]))
    assert told(commands) == ["abandon c1"]
    assert floor.agents["ann"].call_id == "c2"
    holding_both_ways(floor)


def test_a_phase_behind_our_view_does_not_lose_the_reserved_agent() -> None:
    members = (an_agent("ann", AgentState.RESERVED, "c1"), known(CallState.ANNOUNCED, "ann"))
    floor, _ = after(a_floor(*members), a_view(LiveCall("c1", LivePhase.ABANDONING), agents=PROVEN[:1]))
    assert floor.agents["ann"].call_id == "c1", "our order to join may still be under way"
    holding_both_ways(floor)


UNPROVEN = (LiveAgent("ann", proven=False),)


@pytest.mark.parametrize("agents", [(), UNPROVEN])
@pytest.mark.parametrize(
    ("phase", "order"),
    [(LivePhase.ANNOUNCING, "abandon c1"), (LivePhase.BRIDGED, "hang up c1")],
)
@pytest.mark.parametrize("restarted", [True, False])
def test_a_customer_whose_agent_is_gone_or_not_proven_is_not_kept(
    agents: tuple[LiveAgent, ...], phase: LivePhase, order: str, *, restarted: bool
) -> None:
    state = CallState(phase.value)
    agent = an_agent("ann", AgentState.ON_CALL if phase is LivePhase.BRIDGED else AgentState.RESERVED, "c1")
    agent = an_agent("ann", AgentState.OFFLINE) if restarted else agent
    floor, commands = after(a_floor(agent, known(state, "ann")), a_view(LiveCall("c1", phase, "ann"), agents=agents))
    assert order in told(commands)
    assert floor.agents["ann"].state is (AgentState.CHECKING if agents else AgentState.OFFLINE)
    holding_both_ways(floor)


def test_another_agent_takes_over_a_prompt_whose_agent_is_gone() -> None:
    members = (an_agent("ann", AgentState.RESERVED, "c1"), an_agent("bob"), known(CallState.ANNOUNCING, "ann"))
    floor, commands = after(a_floor(*members), a_view(LiveCall("c1", LivePhase.ANNOUNCING, "ann"), agents=PROVEN[1:]))
    assert told(commands) == ["alert agent_lost", "connect c1 bob"]
    holding_both_ways(floor)


def test_a_customer_found_with_an_agent_who_is_not_on_the_roster_is_hung_up() -> None:
    floor, commands = after(a_floor(known(CallState.BRIDGED, "eve")), a_view(LiveCall("c1", LivePhase.BRIDGED, "eve")))
    assert told(commands) == ["hang up c1"]
    holding_both_ways(floor)


def test_a_customer_found_with_somebody_elses_agent_is_hung_up_and_the_agent_keeps_theirs() -> None:
    members = (an_agent("ann", AgentState.RESERVED, "c2"), known(CallState.ANSWERED, "ann", "c2"), known(CallState.ANNOUNCED))
    live = (LiveCall("c1", LivePhase.BRIDGED, "ann"), LiveCall("c2", LivePhase.ANSWERED))
    floor, commands = after(a_floor(*members), a_view(*live, agents=PROVEN[:1]))
    assert "hang up c1" in told(commands)
    assert floor.agents["ann"].call_id == "c2"
    holding_both_ways(floor)


@pytest.mark.parametrize("phase", LivePhase)
def test_a_customer_who_opted_out_while_we_did_not_look_is_hung_up_wherever_they_are(phase: LivePhase) -> None:
    was = replace(known(CallState.RINGING), cancelled=True)
    agent_id = "ann" if phase in {LivePhase.ANNOUNCING, LivePhase.BRIDGED} else None
    floor, commands = after(a_floor(an_agent("ann"), was), a_view(LiveCall("c1", phase, agent_id)))
    assert told(commands) == ["hang up c1"]
    assert floor.agents["ann"].state is AgentState.READY


def test_an_agent_judges_after_a_restart_what_ended_before_it() -> None:
    talked = known(CallState.ENDED, "ann")
    talked = replace(talked, call=replace(talked.call, bridged_at=START))
    floor, commands = after(a_floor(an_agent("ann", AgentState.OFFLINE), talked), a_view())
    assert told(commands) == []
    assert floor.agents["ann"] == Agent("ann", AgentState.WRAP_UP, talked.call.ended_at or START, "c1"), "since it ended"


@pytest.mark.parametrize("agents", [(), UNPROVEN])
def test_a_call_whose_agent_is_not_there_to_judge_it_gets_the_systems_word(agents: tuple[LiveAgent, ...]) -> None:
    talked = known(CallState.ENDED, "ann")
    talked = replace(talked, call=replace(talked.call, bridged_at=START))
    floor, commands = after(a_floor(an_agent("ann", AgentState.OFFLINE), talked), a_view(agents=agents))
    assert told(commands) == ["finish c1 not_given"]
    assert not floor.calls


def test_a_verdict_given_before_the_restart_is_kept() -> None:
    talked = replace(known(CallState.ENDED, "ann"), disposition="sale")
    _, commands = after(a_floor(talked), a_view(agents=()))
    assert told(commands) == ["finish c1 sale"]


def test_a_wrap_up_goes_on_through_a_gap() -> None:
    judging = an_agent("ann", AgentState.WRAP_UP, "c1")
    floor, commands = after(a_floor(judging, known(CallState.ENDED, "ann")), a_view())
    assert told(commands) == []
    assert floor.agents["ann"] == judging


def test_an_agent_whose_line_must_be_proven_again_is_not_ready() -> None:
    floor, _ = after(a_floor(an_agent("ann")), a_view(agents=UNPROVEN))
    assert floor.agents["ann"].state is AgentState.CHECKING


def test_a_paused_agent_stays_paused_through_a_gap() -> None:
    floor, _ = after(a_floor(an_agent("ann", AgentState.PAUSED)), a_view())
    assert floor.agents["ann"].state is AgentState.PAUSED


def test_the_same_view_twice_orders_no_second_customer_for_an_agent() -> None:
    members = (an_agent("ann", AgentState.OFFLINE), known(CallState.ANSWERED), known(CallState.ANSWERED, None, "c2"))
    up = a_view(LiveCall("c1", LivePhase.ANSWERED), LiveCall("c2", LivePhase.ANSWERED), agents=PROVEN[:1])
    floor, first = after(a_floor(*members), up)
    assert told(first) == ["connect c1 ann"]
    again, second = after(floor, up)
    assert told(second) == ["connect c1 ann"]
    assert again.agents == floor.agents
    holding_both_ways(again)


def holding_both_ways(floor: Floor) -> None:
    """A call names an agent exactly when the agent names the call."""
    for call in floor.calls.values():
        assert call.agent_id is None or floor.agents[call.agent_id].call_id == call.call_id
    for agent in floor.agents.values():
        assert (agent.call_id is not None) == (agent.state in HOLDING)
        assert agent.call_id is None or floor.calls[agent.call_id].agent_id == agent.agent_id
