"""What the floor does about what happens, as tables: second, what happened, `->` what it orders; `=` where an agent stands.

Orders that only write down where things stand are left out of the tables.
"""

from collections.abc import Callable

import pytest

from dialer import engine
from dialer.agents import AgentState
from dialer.floor import (
    CampaignsRunning,
    CampaignView,
    DispositionGiven,
    Finish,
    Floor,
    HangUp,
    Item,
    ListDry,
    OptedOut,
    PauseAsked,
    Placed,
    RosterRead,
    SaveAgent,
    Suppress,
    Tick,
)
from sip.call import CallState, ordered
from sip.events import (
    AgentKeyPressed,
    AgentLegDown,
    AgentLegFailed,
    AgentLegProven,
    AgentLegUp,
    AgentMissing,
    AnnouncementEnded,
    AnnouncementStarted,
    Answered,
    Bridged,
    Dialed,
    EndedBy,
    HungUp,
    KeyPressed,
    LiveAgent,
    LiveCall,
    LivePhase,
    OriginateFailed,
    PbxDown,
    PbxUp,
    Ringing,
    SafeHarbourEnded,
    SafeHarbourStarted,
    Unbridged,
)
from tests.dialer_floor import CAMPAIGN, START, a_call, a_floor, a_floor_call, after, an_agent, at, told

#: What the first word of a line means: its arguments are the words after it, its time the number before it.
WORDS: dict[str, Callable[..., Item]] = {
    "placed": lambda t, call: Placed(a_floor_call(ordered(call, at(t)))),
    "dialed": lambda t, call: Dialed(call, at(t)),
    "rings": lambda t, call: Ringing(call, at(t)),
    "answers": lambda t, call: Answered(call, at(t)),
    "hears-prompt": lambda t, call: AnnouncementStarted(call, at(t), "house-en"),
    "heard-prompt": lambda t, call: AnnouncementEnded(call, at(t), "house-en", complete=True),
    "prompt-fails": lambda t, call: AnnouncementEnded(call, at(t), "house-en", complete=False),
    "joins": lambda t, call, agent: Bridged(call, at(t), agent),
    "leaves-room": lambda t, call, agent: Unbridged(call, at(t), agent),
    "misses": lambda t, call, agent: AgentMissing(call, at(t), agent),
    "hears-message": lambda t, call: SafeHarbourStarted(call, at(t)),
    "heard-message": lambda t, call: SafeHarbourEnded(call, at(t)),
    "presses": lambda t, call, key: KeyPressed(call, at(t), key),
    "hangs-up": lambda t, call: HungUp(call, at(t), 0, 0, EndedBy.CUSTOMER, rang=True),
    "is-hung-up": lambda t, call: HungUp(call, at(t), 16, 0, EndedBy.FLOOR, rang=True),
    "is-busy": lambda t, call: HungUp(call, at(t), 17, 486, EndedBy.NETWORK, rang=False),
    "has-no-route": lambda t, call: OriginateFailed(call, at(t), "no route"),
    "logs-in": lambda t, agent: AgentLegUp(agent, at(t)),
    "proven": lambda t, agent: AgentLegProven(agent, at(t)),
    "fails-check": lambda t, agent: AgentLegFailed(agent, at(t), "no sound"),
    "drops": lambda t, agent: AgentLegDown(agent, at(t)),
    "key": lambda t, agent, digit: AgentKeyPressed(agent, at(t), digit),
    "pause": lambda t, agent: PauseAsked(agent, paused=True, reason="tea", at=at(t)),
    "resume": lambda t, agent: PauseAsked(agent, paused=False, reason="", at=at(t)),
    "judges": lambda t, agent, call, word: DispositionGiven(agent, call, word, at(t)),
    "opts-out": lambda t, call: OptedOut(a_floor_call(call).person, None, at(t)),
    "roster": lambda _t, *agents: RosterRead(agents),
    "dry": lambda t, campaign, seconds: ListDry(campaign, at(t + float(seconds))),
    "tick": lambda t: Tick(at(t)),
    "pbx-down": lambda t: PbxDown("pbx", at(t), "lost"),
    "pbx-up": lambda t: PbxUp("pbx", at(t), (), ()),
}


def play(table: str, floor: Floor | None = None) -> Floor:
    """Plays a table and compares each line's orders. Returns the floor at its end."""
    floor = floor or a_floor(an_agent("ann", since=0), an_agent("bob", since=1))
    for line in filter(str.strip, table.splitlines()):
        if line.strip().startswith("="):
            agent_id, state, *call_id = line.split("=")[1].split()
            agent = floor.agents[agent_id]
            assert (agent.state.value, agent.call_id) == (state, call_id[0] if call_id else None), line
            continue
        happened, _, wanted = line.partition("->")
        second, who, *words = happened.split()
        item = WORDS[who](float(second), *words) if who in WORDS else WORDS[words[0]](float(second), who, *words[1:])
        floor, commands = engine.step(floor, item)
        assert told(commands) == [order.strip() for order in wanted.split(";") if order.strip()], line
    return floor


ANSWERED_BY_ANN = """
    0    c1 placed
    0.1  c1 dialed
    1    c1 rings
    5    c1 answers         -> connect c1 ann
"""
WITH_ANN = f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    9.1  c1 heard-prompt
    9.1  c1 joins ann
"""

STORIES = {
    "the longest ready agent is reserved at the answer and judges the call": f"""{WITH_ANN}
    = ann on_call c1
    = bob ready
    60   c1 leaves-room ann
    60   c1 hangs-up
    = ann wrap_up c1
    62   key ann #
    = ann wrap_up c1
    63   key ann 1
    64   key ann 3
    65   key ann #          -> finish c1 not_interested
    = ann ready
    """,
    "a wrap-up that runs out pauses the agent and ends the call without a result": f"""{WITH_ANN}
    60   c1 hangs-up
    179  tick               -> dial 1 of k1
    180  tick               -> finish c1 not_given ; dial 1 of k1
    = ann paused
    181  key ann #
    = ann ready
    """,
    "a customer who hangs up during the prompt gives the agent back": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    c1 hangs-up        -> finish c1 customer_hung_up
    = ann ready
    """,
    "an agent given back takes the customer who waits": """
    0    roster ann
    0    c1 placed
    0    c1 dialed
    0    c2 placed
    0    c2 dialed
    5    c1 answers         -> connect c1 ann
    5.5  c2 answers
    6    c1 hangs-up        -> connect c2 ann ; finish c1 customer_hung_up
    = ann reserved c2
    """,
    "nobody is offered too late for the abandonment message": """
    0    roster
    0    c1 placed
    0    c1 dialed
    5    c1 answers
    5    roster ann
    6.81 proven ann
    = ann ready
    7    c1 hears-message   -> alert abandoned
    12   c1 heard-message
    12   c1 is-hung-up      -> finish c1 abandoned
    """,
    "an agent who comes within the time is offered": """
    0    roster
    0    c1 placed
    0    c1 dialed
    5    c1 answers
    5    roster ann
    6.8  proven ann         -> connect c1 ann
    """,
    "when the reserved agent is lost another takes over": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    drops ann          -> connect c1 bob ; alert agent_lost
    = ann offline
    = bob reserved c1
    """,
    "when the reserved agent is lost and nobody is left the message plays": f"""
    0    roster ann
    {ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    drops ann          -> abandon c1 ; alert agent_lost
    6.1  c1 hears-message   -> alert abandoned
    9    c1 is-hung-up      -> finish c1 abandoned
    """,
    "an order to join that crosses the message keeps its agent reserved": f"""{ANSWERED_BY_ANN}
    7    c1 hears-message   -> alert abandoned
    = ann reserved c1
    7.1  c1 hears-prompt
    11.1 c1 heard-prompt
    11.1 c1 joins ann
    = ann on_call c1
    20   c1 hangs-up
    21   key ann 1
    22   key ann #          -> finish c1 sale
    """,
    "a message that an order in flight may interrupt is ordered again when the agent is lost": f"""{ANSWERED_BY_ANN}
    7    c1 hears-message   -> alert abandoned
    7.1  drops ann          -> abandon c1 ; alert agent_lost
    """,
    "an undisclosed customer is given to nobody": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    5.2  c1 prompt-fails    -> alert undisclosed
    = ann reserved c1
    5.3  c1 hears-message   -> alert abandoned
    9    c1 is-hung-up      -> finish c1 abandoned
    = ann ready
    """,
    "an undisclosed customer whose agent is lost is given to nobody either": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    5.2  c1 prompt-fails    -> alert undisclosed
    5.3  drops ann          -> abandon c1 ; alert agent_lost
    5.4  pause bob
    5.5  resume bob
    = bob ready
    """,
    "a customer joined undisclosed is hung up": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    5.2  c1 prompt-fails    -> alert undisclosed
    5.3  c1 joins ann       -> hang up c1 ; alert undisclosed
    = ann reserved c1
    """,
    "a customer joined to somebody who was not reserved is hung up": f"""{WITH_ANN}
    20   c1 leaves-room ann
    20   c1 joins bob       -> hang up c1 ; alert illegal_event
    = bob ready
    """,
    "a customer joined to an agent who is reserved for another is hung up": f"""{WITH_ANN}
    20   c2 placed
    20   c2 dialed
    21   c2 answers         -> connect c2 bob
    22   c1 leaves-room ann
    22   c1 joins bob       -> hang up c1 ; alert illegal_event
    = bob reserved c2
    = ann on_call c1
    """,
    "a customer joined to the agent before last is left to the order under way": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    9    drops ann          -> connect c1 bob ; alert agent_lost
    9.1  c1 heard-prompt
    9.1  c1 joins ann       -> alert illegal_event
    9.2  c1 leaves-room ann
    9.2  c1 joins bob
    = bob on_call c1
    """,
    "an agent who is not in the room is taken off and the next one is asked": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    9.1  c1 heard-prompt
    9.1  c1 misses ann      -> connect c1 bob ; alert agent_lost
    = ann offline
    """,
    "old news that an agent was missed does not disturb their next customer": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    drops ann          -> connect c1 bob ; alert agent_lost
    7    proven ann
    7    c2 placed
    7    c2 dialed
    8    c2 answers         -> connect c2 ann
    9.1  c1 heard-prompt
    9.1  c1 misses ann
    = ann reserved c2
    = bob reserved c1
    """,
    "missing an agent who has left the roster reserves nobody twice": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    drops ann          -> connect c1 bob ; alert agent_lost
    6    roster bob cai
    6    proven cai
    9.1  c1 heard-prompt
    9.1  c1 misses ann
    = bob reserved c1
    = cai ready
    """,
    "losing the agent ends the conversation": f"""{WITH_ANN}
    20   drops ann          -> hang up c1 ; alert agent_lost
    20   proven ann
    = ann ready
    20.1 c1 is-hung-up      -> finish c1 not_given
    = ann ready
    """,
    "an agent lost while judging leaves the system's word": f"""{WITH_ANN}
    60   c1 hangs-up
    70   drops ann          -> finish c1 not_given
    """,
    "the customer's opt-out key before an agent is there ends the call": f"""{ANSWERED_BY_ANN}
    5.1  c1 hears-prompt
    6    c1 presses 9       -> suppress c1 by customer_key ; hang up c1
    6.1  c1 is-hung-up      -> finish c1 do_not_call
    = ann ready
    """,
    "the customer's opt-out key in a conversation lets the agent say goodbye and outlasts the agent's verdict": f"""{WITH_ANN}
    20   c1 presses 9       -> suppress c1 by customer_key
    25   judges ann c1 sale
    30   c1 hangs-up
    31   key ann 1
    32   key ann #          -> finish c1 do_not_call
    """,
    "the customer's other keys say nothing": f"""{WITH_ANN}
    20   c1 presses 5
    """,
    "the opt-out key while the message plays is heard and the message goes on": """
    0    roster
    0    c1 placed
    0    c1 dialed
    5    c1 answers
    7    c1 hears-message   -> alert abandoned
    8    c1 presses 9       -> suppress c1 by customer_key
    12   c1 is-hung-up      -> finish c1 do_not_call
    """,
    "the agent's opt-out key writes it down and ends the call": f"""{WITH_ANN}
    20   key ann 9          -> suppress c1 by agent ; hang up c1
    20.1 c1 is-hung-up
    21   key ann 1
    22   key ann #          -> finish c1 do_not_call
    """,
    "the agent's star ends the call": f"""{WITH_ANN}
    20   key ann *          -> hang up c1
    = ann on_call c1
    """,
    "keys of an agent who waits for a reserved customer do nothing": f"""{ANSWERED_BY_ANN}
    5.5  key ann 9
    5.5  key ann *
    5.5  key ann #
    5.5  key ann 0
    = ann reserved c1
    """,
    "an opt-out from elsewhere cancels what rings, again when the channel is there": """
    0    c1 placed
    0    c2 placed
    0.1  c1 opts-out        -> hang up c1
    0.2  c1 dialed          -> hang up c1
    0.3  c1 rings           -> hang up c1
    0.4  c1 answers         -> hang up c1
    = ann ready
    0.5  c1 is-hung-up      -> finish c1 customer_hung_up
    """,
    "a cancelled customer who waits is given to no agent who becomes ready": """
    0    roster
    0    c1 placed
    0    c1 dialed
    0.1  c1 opts-out        -> hang up c1
    0.4  c1 answers         -> hang up c1
    0.4  roster ann
    0.5  proven ann
    = ann ready
    """,
    "an opt-out of somebody who talks to an agent does not cut them off": f"""{WITH_ANN}
    20   c1 opts-out
    """,
    "busy ends the call": """
    0    c1 placed
    0.1  c1 dialed
    0.3  c1 is-busy         -> finish c1 busy
    0.4  c1 is-busy
    """,
    "a leg that could not be made ends the call once": """
    0    c1 placed
    0.1  c1 has-no-route    -> finish c1 failed
    0.2  c1 has-no-route
    """,
    "a call that nobody ordered is ended; late words of an ended one are not": """
    0    c7 dialed          -> hang up c7 ; alert stray_call
    0    c7 rings           -> hang up c7 ; alert stray_call
    0    c7 answers         -> hang up c7 ; alert stray_call
    0    c7 is-hung-up
    0    c7 presses 9
    """,
    "an event that the state does not allow changes nothing and is told": """
    0    c1 placed
    0    c1 answers         -> alert illegal_event
    0.1  c1 dialed
    """,
    "the second phone of an agent changes nothing": f"""{WITH_ANN}
    20   logs-in ann
    20   proven ann
    = ann on_call c1
    """,
    "a line that fails its check is told and takes no call": """
    0    roster cai
    1    logs-in cai
    = cai checking
    2    fails-check cai    -> alert line_check_failed
    2    drops cai
    = cai offline
    3    tick
    """,
    "a phone of nobody on the roster is no agent": """
    1    logs-in eve
    1    proven eve
    1    key eve 1
    1    drops eve
    1    pause eve
    1    judges eve c1 sale
    """,
    "an agent who leaves the roster during a call takes no other": f"""{WITH_ANN}
    20   roster bob
    = ann on_call c1
    60   c1 hangs-up
    61   key ann 1
    61   c2 placed
    61   c2 dialed
    62   pause bob
    62   c2 answers
    63   key ann #          -> finish c1 sale
    = bob paused
    """,
    "a paused agent is not dialed for, and comes back": """
    0    pause bob
    0    tick               -> dial 1 of k1
    1    resume bob
    1    tick               -> dial 2 of k1
    2    key bob 0
    = bob paused
    3    key bob #
    = bob ready
    """,
    "a call on its way claims an agent": """
    0    tick               -> dial 2 of k1
    0    c1 placed
    1    tick               -> dial 1 of k1
    1    c1 dialed
    2    c1 rings
    2    tick               -> dial 1 of k1
    3    c1 answers         -> connect c1 ann
    3    tick               -> dial 1 of k1
    """,
    "nothing is dialed while the PBX is out of view": """
    0    pbx-down
    0    tick
    1    pbx-up
    = ann offline
    2    proven ann
    2    tick               -> dial 1 of k1
    """,
    "a list that is dry rests until its time": """
    0    dry k1 5
    4.9  tick
    5    tick               -> dial 2 of k1
    """,
}


@pytest.mark.parametrize("table", [pytest.param(table, id=name) for name, table in STORIES.items()])
def test_the_floor_does_what_the_table_says(table: str) -> None:
    play(table)


def test_an_agent_who_left_the_roster_is_gone_from_the_floor_after_the_last_wrap_up() -> None:
    floor = play(STORIES["an agent who leaves the roster during a call takes no other"])
    assert "ann" not in floor.agents


def test_two_campaigns_do_not_dial_for_the_same_agent() -> None:
    second = CampaignView("k2", "summer", channels=5)
    floor, _ = after(a_floor(an_agent("ann"), an_agent("bob")), CampaignsRunning((CampaignView("k1", "spring", 1), second)))
    assert told(engine.step(floor, Tick(at(1)))[1]) == ["dial 1 of k1", "dial 1 of k2"]


def test_a_stopped_campaign_is_not_dialed() -> None:
    floor, _ = after(a_floor(an_agent("ann")), CampaignsRunning(()))
    assert told(engine.step(floor, Tick(at(1)))[1]) == []


def test_channels_of_a_campaign_are_not_exceeded() -> None:
    floor = a_floor(*(an_agent(name) for name in ("ann", "bob", "cai")), a_floor_call(a_call("c1", CallState.BRIDGED)))
    floor, _ = after(floor, CampaignsRunning((CampaignView("k1", "spring", channels=2),)))
    assert told(engine.step(floor, Tick(at(1)))[1]) == ["dial 1 of k1"]


def test_time_on_the_floor_never_goes_back() -> None:
    floor, _ = after(a_floor(), Tick(at(10)), Tick(at(5)), Dialed("c9", at(3)))
    assert floor.now == at(10)


@pytest.mark.parametrize("state", [CallState.ANSWERED, CallState.ANNOUNCING, CallState.ANNOUNCED])
def test_an_opt_out_is_written_down_before_the_call_is_ended(state: CallState) -> None:
    call = a_call(state=state, answered_at=START, disclosed=True)
    _, commands = engine.step(a_floor(a_floor_call(call)), KeyPressed("c1", at(1), "9"))
    assert isinstance(commands[0], Suppress)
    assert isinstance(commands[1], HangUp)


def test_an_opt_out_cancels_by_number_and_by_person_and_nobody_else() -> None:
    calls = [a_floor_call(a_call(key, CallState.RINGING)) for key in ("c1", "c2", "c3")]
    floor = a_floor(*calls)
    assert told(after(floor, OptedOut(None, calls[1].number, START))[1]) == ["hang up c2"]
    assert told(after(floor, OptedOut(calls[2].person, None, START))[1]) == ["hang up c3"]
    assert told(after(floor, OptedOut(None, None, START))[1]) == []


@pytest.mark.parametrize("word", ["", "busy", "nonsense", "SALE", "not_given"])
def test_a_word_that_is_no_verdict_of_an_agent_is_not_taken(word: str) -> None:
    floor = play(f"{WITH_ANN}\n60 c1 hangs-up")
    assert after(floor, DispositionGiven("ann", "c1", word, at(61)))[0].calls["c1"].disposition is None


def test_the_finished_call_carries_its_disposition() -> None:
    floor = play(f"{WITH_ANN}\n60 c1 hangs-up\n61 key ann 2")
    _, commands = after(floor, AgentKeyPressed("ann", at(62), "#"))
    (finish,) = [command for command in commands if isinstance(command, Finish)]
    assert finish.disposition == finish.call.disposition == "callback"
    assert finish.call.call.ended_at == at(60)


def test_every_change_of_an_agent_is_written_down() -> None:
    floor = a_floor(an_agent("ann"))
    for line in filter(str.strip, WITH_ANN.splitlines()):
        before = floor.agents["ann"]
        floor, commands = engine.step(floor, _item(line))
        saved = [command.agent for command in commands if isinstance(command, SaveAgent)]
        assert saved == ([floor.agents["ann"]] if floor.agents["ann"] != before else [])


def _item(line: str) -> Item:
    second, who, word, *more = line.partition("->")[0].split()
    return WORDS[word](float(second), who, *more)


def test_a_reconciled_floor_dials_again() -> None:
    live = PbxUp(
        "pbx", at(1), (LiveCall("c1", LivePhase.RINGING),), (LiveAgent("ann", proven=True), LiveAgent("bob", proven=True))
    )
    floor, _ = after(a_floor(an_agent("ann"), an_agent("bob"), a_floor_call(a_call()), pbx_up=False), live)
    assert told(engine.step(floor, Tick(at(2)))[1]) == [f"dial 1 of {CAMPAIGN.campaign_id}"]


@pytest.mark.parametrize("state", [CallState.ANSWERED, CallState.ANNOUNCING])
def test_a_customer_joined_before_the_disclosure_was_told_is_hung_up_though_it_cannot_be(state: CallState) -> None:
    floor = a_floor(an_agent("ann", AgentState.RESERVED, "c1"), a_floor_call(a_call("c1", state), agent_id="ann"))
    _, commands = after(floor, Bridged("c1", at(5), "ann"))
    assert told(commands) == ["hang up c1", "alert illegal_event"]
