"""Whatever happens, in whatever order, the rules of the floor hold: random lives of a small PBX and its people."""

import random
from collections import Counter
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.agents import AgentState
from dialer.floor import Command, Item
from sip.events import AgentEvent, CallEvent, LivePhase, PbxEvent
from tests.dialer_world import World

#: What may happen, as often as it stands here. The first is what a failing run is shrunk to.
HAPPENINGS = (
    ["rest"]
    + ["hear", "obey"] * 16
    + ["tick", "channel", "answer", "prompt_ends", "agent_comes"] * 12
    + ["agent_presses"] * 6
    + ["ring", "customer_leaves", "slow"] * 3
    + [
        "agent_logs_in",
        "agent_proves",
        "patience_ends",
        "message_ends",
        "agent_drops",
        "agent_drops_in_the_prompt",
        "customer_presses",
        "mend",
    ]
    * 2
    + ["capture_asked"] * 2
    + ["refuse", "agent_fails", "agent_asks", "agent_judges", "opt_out", "read_roster", "read_campaigns", "measure"]
    + ["cut", "kill", "restart"]
)
CALM = [name for name in HAPPENINGS if name not in {"cut", "mend", "kill", "restart"}]


def lived(happenings: list[tuple[str, int]]) -> World:
    """A world after these things happened to it, checked after each, and closed."""
    world = World()
    for name, n in happenings:
        getattr(world, name)(n)
        world.check_rest()
    world.closing_time()
    return world


def lives(names: list[str]) -> st.SearchStrategy[list[tuple[str, int]]]:
    whole = [(name, n) for name in names for n in range(8)]  # chosen as one: most of the time went into choosing
    return st.lists(st.sampled_from(whole), min_size=40, max_size=160)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(CALM))
def test_no_order_of_calls_agents_keys_and_opt_outs_breaks_a_rule_of_the_floor(happenings: list[tuple[str, int]]) -> None:
    lived(happenings)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(HAPPENINGS))
def test_no_gap_in_our_view_and_no_kill_breaks_a_rule_of_the_floor(happenings: list[tuple[str, int]]) -> None:
    lived(happenings)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([CALM, HAPPENINGS]))
def test_a_long_day_breaks_no_rule_of_the_floor(seed: int, names: list[str]) -> None:
    chance = random.Random(seed)
    lived([(chance.choice(names), chance.randrange(8)) for _ in range(600)])


#: Ann is ready, a customer has answered, and the connection is lost before the floor has heard of it.
ANSWER_UNHEARD = [
    *[("agent_comes", 0), ("hear", 2), ("tick", 0), ("obey", 0), ("channel", 0), ("answer", 0)],
    ("cut", 0),
]
#: Ann is lost in the prompt and bob is there; the connection is lost before the floor has heard of it.
LOSS_UNHEARD = [
    *[("agent_comes", 0), ("hear", 2), ("tick", 0), ("obey", 0), ("channel", 0), ("answer", 0), ("hear", 1)],
    *[("agent_comes", 1), ("hear", 1), ("obey", 0), ("agent_drops", 4)],
    ("cut", 0),
]
#: The floor hears the answer, or the loss, and orders; then it hears of the gap; then the PBX hears the orders.
MENDED = [("mend", 0), ("hear", 2), ("hear", 2), ("obey", 2)]


@pytest.mark.parametrize(
    ("before", "unseen", "orders"),
    [
        pytest.param(ANSWER_UNHEARD, [("agent_drops", 0)], {"Connect": 1, "Abandon": 1}, id="nobody-else"),
        pytest.param(ANSWER_UNHEARD, [("agent_comes", 1), ("agent_drops", 0)], {"Connect": 2}, id="another-agent"),
        pytest.param(
            ANSWER_UNHEARD,
            [("patience_ends", 0), ("agent_drops", 0)],
            {"Connect": 1, "Abandon": 1},
            id="the-message-plays-already",
        ),
        pytest.param(LOSS_UNHEARD, [("agent_comes", 0), ("agent_drops", 1)], {"Connect": 3}, id="the-agent-before-is-back"),
    ],
)
def test_an_order_that_comes_after_a_gap_leaves_no_customer_with_an_agent_who_left_in_it(
    before: list[tuple[str, int]], unseen: list[tuple[str, int]], orders: dict[str, int]
) -> None:
    seen = lived([("hear", 0), *before, *unseen, *MENDED]).seen
    assert {name: seen[name] for name in ("Connect", "Abandon") if seen[name]} == orders


def test_after_a_restart_no_agent_is_taken_from_their_customer_for_one_whose_agent_left_the_roster() -> None:
    both_ready = [("hear", 0), ("agent_comes", 0), ("agent_comes", 1), ("hear", 2), ("hear", 2)]
    both_called = [
        ("tick", 0),
        ("obey", 1),
        ("channel", 0),
        ("channel", 0),
        ("answer", 1),
        ("answer", 0),
        ("hear", 2),
        ("hear", 2),
    ]
    bob_leaves = [("restart", 1), ("read_roster", 1)]
    anns_prompt_ends = [("prompt_ends", 1)]
    seen = lived([*both_ready, *both_called, *bob_leaves, *anns_prompt_ends]).seen
    assert (seen["Connect"], seen["Bridged"], seen["HangUp"], seen["Abandon"]) == (2, 1, 0, 1)


def test_a_message_that_comes_after_a_gap_takes_the_customer_from_the_agent_who_came_back_and_then_judges() -> None:
    anns_prompt = [*ANSWER_UNHEARD[:-1], ("hear", 1), ("obey", 0), ("agent_drops", 4), ("agent_comes", 0)]
    joined_in_the_gap = [("cut", 0), ("prompt_ends", 0), ("mend", 0)]
    world = World()
    for name, n in [("hear", 0), *anns_prompt, *joined_in_the_gap, ("hear", 2), ("hear", 2), ("obey", 0), ("hear", 2)]:
        getattr(world, name)(n)
        world.check_rest()
    assert (world.legs["c1"].phase, world.floor.agents["ann"].state) == (LivePhase.ABANDONING, AgentState.ON_CALL)
    world.message_ends(0)
    world.hear(2)
    assert (world.floor.agents["ann"].state, world.floor.agents["ann"].call_id) == (AgentState.WRAP_UP, "c1")
    world.closing_time()


def test_the_random_days_see_everything_that_can_happen() -> None:
    """Without this the tests above might be asleep: what they never reach they cannot find fault with."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        chance, names = random.Random(seed), (HAPPENINGS, CALM)[seed % 2]
        seen += lived([(chance.choice(names), chance.randrange(8)) for _ in range(600)]).seen
    kinds = {one.__name__ for union in (CallEvent, AgentEvent, PbxEvent, Item, Command) for one in get_args(union)}
    assert kinds - seen.keys() == {"Lost"}  # the floor gives it to itself
    assert seen["Bridged"] > 100
    assert seen["AgentMissing"] > 3
