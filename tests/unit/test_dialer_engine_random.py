"""Whatever happens, in whatever order, the rules of the floor hold: random lives of a small PBX and its people."""

import random
from collections import Counter
from typing import get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.floor import Command, Item
from sip.events import AgentEvent, CallEvent, PbxEvent
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
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 7)), min_size=40, max_size=160)


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
