"""Whatever happens, in whatever order, the rules of the floor hold: random lives of a small PBX and its people."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialer_world import World

#: What may happen, as often as it stands here. The first is what a failing run is shrunk to.
HAPPENINGS = (
    ["rest"]
    + ["hear", "obey"] * 16
    + ["tick", "channel", "answer", "prompt_ends", "agent_comes"] * 8
    + ["agent_presses"] * 6
    + ["ring", "customer_leaves", "slow"] * 3
    + ["agent_logs_in", "agent_proves", "patience_ends", "message_ends", "agent_drops", "customer_presses", "mend"] * 2
    + ["refuse", "agent_fails", "agent_asks", "agent_judges", "opt_out", "read_roster", "read_campaigns"]
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
