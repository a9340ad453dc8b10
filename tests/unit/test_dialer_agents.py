"""Every state of an agent and every move: what the table says happens, all else is refused and changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.agents import AGENT_TRANSITIONS, Agent, AgentMove, AgentState, IllegalMove, move
from tests.dialer_floor import an_agent, at

#: The whole table once more, written from the agent's side: `-` is refused.
MOVES = "leg_up leg_proven leg_down reserve release join customer_gone wrapped_up wrap_up_expired pause resume"
TABLE = f"""
          {MOVES}
offline   checking ready offline - - - - - - - -
checking  checking ready offline - - - - - - - -
ready     - ready offline reserved - - - - - paused -
reserved  - reserved offline - ready on_call ready - - - -
on_call   - on_call offline - - - wrap_up - - - -
wrap_up   - wrap_up offline - - - - ready paused - -
paused    - paused offline - - - - - - - ready
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()[1:]]
CELLS = [(row[0], what, cell) for row in ROWS for what, cell in zip(MOVES.split(), row[1:], strict=True)]
HOLDING = {AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP}


def test_the_table_below_names_every_state_and_every_move() -> None:
    assert {(AgentState(state), AgentMove(what)) for state, what, _ in CELLS} == {(s, m) for s in AgentState for m in AgentMove}


@pytest.mark.parametrize(("state", "what", "cell"), CELLS)
def test_every_move_in_every_state(state: str, what: str, cell: str) -> None:
    agent = an_agent("ann", AgentState(state), "c1" if AgentState(state) in HOLDING else None)
    if cell == "-":
        with pytest.raises(IllegalMove, match=f"agent ann: {what} is not possible in state {state}"):
            move(agent, AgentMove(what), at(5))
    else:
        assert move(agent, AgentMove(what), at(5), call_id="c1").state is AgentState(cell)


def test_only_a_proven_line_makes_an_agent_of_nobody_ready() -> None:
    ways = {
        what
        for (state, what), to in AGENT_TRANSITIONS.items()
        if to is AgentState.READY and state.value in {"offline", "checking"}
    }
    assert ways == {AgentMove.LEG_PROVEN}


def test_only_a_ready_agent_is_reserved_and_only_a_reserved_one_joined() -> None:
    assert [state for (state, what) in AGENT_TRANSITIONS if what is AgentMove.RESERVE] == [AgentState.READY]
    assert [state for (state, what) in AGENT_TRANSITIONS if what is AgentMove.JOIN] == [AgentState.RESERVED]


def test_a_second_proof_of_the_line_does_not_restart_the_wait() -> None:
    agent = move(an_agent("ann", since=0), AgentMove.LEG_PROVEN, at(60))
    assert agent == an_agent("ann", since=0)


@pytest.mark.parametrize("state", sorted(HOLDING))
def test_a_move_that_changes_nothing_keeps_the_call(state: AgentState) -> None:
    assert move(an_agent("ann", state, "c1"), AgentMove.LEG_PROVEN, at(9)) == an_agent("ann", state, "c1")


def test_the_reason_of_a_pause_ends_with_it() -> None:
    paused = move(an_agent("ann"), AgentMove.PAUSE, at(1), reason="tea")
    assert paused.reason == "tea"
    assert move(paused, AgentMove.RESUME, at(2)).reason == ""


@given(st.lists(st.sampled_from(AgentMove), max_size=60))
def test_an_agent_holds_a_call_exactly_while_there_is_one_to_hold(moves: list[AgentMove]) -> None:
    agent: Agent = an_agent("ann", AgentState.OFFLINE)
    for second, what in enumerate(moves):
        before = agent
        try:
            agent = move(agent, what, at(second), call_id=f"c{second}" if what is AgentMove.RESERVE else None)
        except IllegalMove:
            assert (before.state, what) not in AGENT_TRANSITIONS
            continue
        assert (agent.call_id is not None) == (agent.state in HOLDING)
        assert agent.since == (before.since if agent.state is before.state else at(second))
        if before.state in HOLDING and agent.state in HOLDING:
            assert agent.call_id == before.call_id
