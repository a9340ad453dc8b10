"""Who may do what with which recording: the whole table, and what is asked of whom before."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.access import (
    BULK,
    OUT_OF_THE_HOUSE,
    RIGHTS,
    SHARED_AT_MOST,
    About,
    Acting,
    Action,
    Denied,
    Everything,
    Granted,
    Nothing,
    OfAgent,
    OfTeam,
    Operator,
    Refused,
    Role,
    Staff,
    masked,
    may,
    needs_second_word,
    reach,
    sees_numbers,
)


def a_recording(
    *, agents: frozenset[str] = frozenset({"101"}), team: str = "east", held: bool = False, told: bool = True
) -> About:
    return About("c1", agents, team, held, told)


def somebody(role: Role, *, team: str = "east", agent_id: str = "101") -> Staff:
    return Staff("sam", role, team, agent_id)


STAFF = [somebody(role) for role in Role]
A_REASON = "complaint 17"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.AGENT, {Action.LIST, Action.SHOW, Action.PLAY}),
        (Role.QA, {Action.LIST, Action.SHOW, Action.PLAY, Action.HOLD}),
        (Role.SUPERVISOR, {Action.LIST, Action.SHOW, Action.PLAY, Action.EXPORT, Action.SHARE, Action.HOLD}),
        (Role.MANAGER, set(Action)),
        (Role.OPS, {Action.LIST, Action.SHOW, Action.AUDIT}),
    ],
)
def test_a_role_does_its_own_work_and_nothing_else(role: Role, allowed: set[Action]) -> None:
    granted = {action for action in Action if isinstance(may(somebody(role), action, a_recording(), A_REASON), Granted)}
    assert granted == allowed


@pytest.mark.parametrize("action", Action)
def test_the_operator_of_a_site_without_staff_may_do_everything_and_is_asked_nothing(action: Action) -> None:
    assert isinstance(may(Operator("root"), action, a_recording(held=True, told=False)), Granted)


def test_an_agent_hears_a_call_in_which_they_spoke_even_if_another_agent_ended_it() -> None:
    agent = somebody(Role.AGENT)
    assert may(agent, Action.PLAY, a_recording(agents=frozenset({"101", "102"}))) == Granted()
    assert _why(may(agent, Action.PLAY, a_recording(agents=frozenset({"102"})))) is Refused.NOT_YOUR_CALL


def test_a_supervisor_hears_the_own_team_and_no_other() -> None:
    supervisor = somebody(Role.SUPERVISOR, team="east")
    assert may(supervisor, Action.PLAY, a_recording(team="east")) == Granted()
    assert _why(may(supervisor, Action.PLAY, a_recording(team="west"), A_REASON)) is Refused.NOT_YOUR_TEAM


@pytest.mark.parametrize("nobody", [Staff("s", Role.SUPERVISOR), Staff("a", Role.AGENT)])
def test_who_has_no_team_or_no_number_on_the_floor_reaches_nothing_not_what_has_none_either(nobody: Staff) -> None:
    assert reach(nobody, Action.PLAY) == Nothing()
    assert isinstance(may(nobody, Action.PLAY, a_recording(agents=frozenset({""}), team="")), Denied)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (a_recording(held=True), "on legal hold"),
        (a_recording(told=False), "without a proven disclosure"),
        (a_recording(team="west"), "of another team"),
    ],
)
def test_what_is_out_of_the_ordinary_is_played_only_for_a_reason(about: About, said: str) -> None:
    reviewer = somebody(Role.QA)
    refused = may(reviewer, Action.PLAY, about)
    assert _why(refused) is Refused.REASON_NEEDED
    assert isinstance(refused, Denied)
    assert said in refused.text
    assert _why(may(reviewer, Action.PLAY, about, "  ")) is Refused.REASON_NEEDED
    assert may(reviewer, Action.PLAY, about, A_REASON) == Granted((said,))


def test_what_is_usual_is_played_without_a_word() -> None:
    assert may(somebody(Role.QA), Action.PLAY, a_recording()) == Granted()


@pytest.mark.parametrize("action", sorted(OUT_OF_THE_HOUSE))
def test_nothing_leaves_the_house_without_a_reason(action: Action) -> None:
    assert _why(may(somebody(Role.MANAGER), action, a_recording())) is Refused.REASON_NEEDED
    assert may(somebody(Role.MANAGER), action, a_recording(), A_REASON) == Granted()


@given(
    staff=st.sampled_from([Staff("s", role, team, agent) for role, team, agent in product(Role, ("", "east"), ("", "101"))]),
    action=st.sampled_from(Action),
    about=st.builds(
        About,
        st.just("c1"),
        st.frozensets(st.sampled_from(["101", "102"])),
        st.sampled_from(["", "east", "west"]),
        st.booleans(),
        st.booleans(),
    ),
    reason=st.sampled_from(["", A_REASON]),
)
def test_whatever_is_granted_is_within_reach_and_a_reason_never_widens_it(
    staff: Staff, action: Action, about: About, reason: str
) -> None:
    match reach(staff, action):
        case Everything():
            inside = True
        case OfTeam(team):
            inside = about.team == team
        case OfAgent(agent_id):
            inside = agent_id in about.agents
        case Nothing():
            inside = False
    verdict = may(staff, action, about, reason)
    assert inside or isinstance(verdict, Denied)
    assert not inside or reason == "" or isinstance(verdict, Granted)


def test_ops_never_hear_anything() -> None:
    assert not {Action.PLAY, Action.EXPORT, Action.SHARE} & set(RIGHTS[Role.OPS])


@pytest.mark.parametrize("acting", [*STAFF, Operator("root")])
def test_numbers_are_whole_only_for_those_whose_work_needs_them(acting: Acting) -> None:
    whole = isinstance(acting, Operator) or acting.role in {Role.SUPERVISOR, Role.MANAGER}
    assert sees_numbers(acting) is whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [("+12125550123", "+*********23"), ("+8613800138000", "+***********00"), ("p-17", "p-17"), ("", ""), ("+12", "+12")],
)
def test_of_a_number_the_last_two_digits_are_left_and_an_id_stays_as_it_is(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_masked_number_tells_two_digits_and_its_length(number: str) -> None:
    shown = masked(number)
    assert len(shown) == len(number)
    assert sum(one.isdigit() for one in shown) == 2


def test_more_than_a_few_need_a_second_person_unless_the_site_has_no_staff() -> None:
    manager = somebody(Role.MANAGER)
    assert not needs_second_word(manager, BULK)
    assert needs_second_word(manager, BULK + 1)
    assert not needs_second_word(Operator("root"), 10_000)
    assert timedelta(days=90) == SHARED_AT_MOST


def _why(verdict: Granted | Denied) -> Refused | None:
    return verdict.why if isinstance(verdict, Denied) else None
