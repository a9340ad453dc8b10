"""Never more calls than agents who are free to take them, never more than channels, and always with the reason."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import PacingView, decide

COUNTS = st.integers(0, 500)


@pytest.mark.parametrize(
    ("ready", "coming", "live", "channels", "calls"),
    [
        (0, 0, 0, 20, 0),
        (1, 0, 0, 20, 1),
        (4, 1, 3, 20, 3),
        (4, 4, 4, 20, 0),
        (4, 5, 5, 20, 0),  # an agent left while calls were on their way
        (9, 0, 18, 20, 2),
        (9, 0, 20, 20, 0),
        (9, 0, 25, 20, 0),  # the channels were cut down while calls were up
        (9, 0, 0, 0, 0),
        (9, 0, 11, 20, 9),
    ],
)
def test_one_call_on_its_way_for_each_free_agent(ready: int, coming: int, live: int, channels: int, calls: int) -> None:
    assert decide(PacingView(ready, coming, live, channels)).calls == calls


@given(st.builds(PacingView, COUNTS, COUNTS, COUNTS, COUNTS))
def test_never_more_calls_than_free_agents_or_channels_and_no_fewer_than_both_allow(view: PacingView) -> None:
    calls = decide(view).calls
    assert calls >= 0
    assert calls == 0 or calls + view.on_their_way <= view.ready_agents
    assert calls == 0 or calls + view.live_calls <= view.channels
    more = calls + 1
    assert more + view.on_their_way > view.ready_agents or more + view.live_calls > view.channels


@given(st.builds(PacingView, COUNTS, COUNTS, COUNTS, COUNTS, st.integers(-50, 50)))
def test_how_many_may_be_abandoned_changes_no_call_for_which_an_agent_is_free(view: PacingView) -> None:
    pace, free = decide(view), decide(replace(view, budget=None))
    assert pace.calls == free.calls
    spent = view.budget is not None and view.budget <= 0
    ahead = ("no more calls may be abandoned: nothing is dialed ahead of agents",) if spent else ()
    assert pace.because == (*free.because, *ahead)


@given(st.builds(PacingView, COUNTS, COUNTS, COUNTS, COUNTS))
def test_the_reason_names_what_was_counted(view: PacingView) -> None:
    pace = decide(view)
    assert f"{view.ready_agents} ready agents, {view.on_their_way} calls on their way" in pace.because[0]
    limited = pace.calls < max(0, view.ready_agents - view.on_their_way)
    assert limited == (len(pace.because) == 2)
    if limited:
        assert f"{pace.calls} of {view.channels} channels free" in pace.because[1]
