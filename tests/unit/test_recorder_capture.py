"""How a call is to be recorded and disclosed: what the campaign wants and what the rules allow, the stricter wins."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.recording import RecordingTerms
from compliance.rules import Leave, RecordMode
from compliance.verdict import Reason
from recorder.capture import Captured, CaptureFrom, CaptureMode, CapturePlan, CapturePolicy, NotRecordable, plan
from sip.port import DisclosedBy, RecordedFrom

WHY = Reason("fr.record", "record", "CNIL", "law", "mode off", None)


def terms(
    mode: RecordMode = RecordMode.AS_SET,
    consent: Leave = Leave.ONE,
    *,
    announce: bool = False,
    start_on: tuple[str, ...] = (),
    conflicts: tuple[str, ...] = (),
) -> RecordingTerms:
    return RecordingTerms((), consent, announce, mode, start_on, conflicts, (WHY,))


policies = st.builds(
    CapturePolicy,
    st.sampled_from(CaptureMode),
    st.sampled_from(CaptureFrom),
    st.none() | st.sampled_from(DisclosedBy),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.just(timedelta(seconds=60)),
)
all_terms = st.builds(
    RecordingTerms,
    st.just(()),
    st.sampled_from(Leave),
    st.booleans(),
    st.sampled_from(RecordMode),
    st.lists(st.sampled_from(["contract_conclusion"]), max_size=1).map(tuple),
    st.lists(st.just("a and b cannot both be obeyed"), max_size=1).map(tuple),
    st.just((WHY,)),
)


def planned(policy: CapturePolicy, on: RecordingTerms, *, agent_at_once: bool = False) -> CapturePlan:
    found = plan(policy, on, agent_at_once=agent_at_once)
    assert isinstance(found, CapturePlan)
    return found


@given(policies, all_terms, st.booleans())
def test_nothing_is_recorded_that_no_rule_lets_us_record(policy: CapturePolicy, on: RecordingTerms, at_once: bool) -> None:
    found = plan(policy, on, agent_at_once=at_once)
    if isinstance(found, NotRecordable):
        assert not on.recordable
        assert policy.recorded_or_not_connected
        assert found.why
    elif not on.recordable:
        assert found.recorded_from is RecordedFrom.NEVER
        assert found.unrecorded
    elif not on.by_default:
        assert found.recorded_from in {RecordedFrom.ORDER, RecordedFrom.NEVER}


@given(policies, all_terms, st.booleans())
def test_a_call_that_is_not_recorded_has_a_lawful_reason_and_no_other_has(
    policy: CapturePolicy, on: RecordingTerms, at_once: bool
) -> None:
    found = plan(policy, on, agent_at_once=at_once)
    if isinstance(found, CapturePlan):
        assert (found.captured is Captured.NOTHING) == (found.recorded_from is RecordedFrom.NEVER) == bool(found.unrecorded)


@given(policies, all_terms, st.booleans())
def test_where_all_must_give_leave_nothing_of_the_customer_is_captured_before_a_notice_that_comes_first(
    policy: CapturePolicy, on: RecordingTerms, at_once: bool
) -> None:
    found = plan(policy, replace(on, consent=Leave.ALL), agent_at_once=at_once)
    if isinstance(found, CapturePlan) and found.disclosed_by.comes_first:
        assert found.recorded_from is not RecordedFrom.ANSWER


@given(policies, all_terms, st.booleans())
def test_what_is_recorded_is_disclosed_wherever_a_rule_or_the_campaign_asks(
    policy: CapturePolicy, on: RecordingTerms, at_once: bool
) -> None:
    found = plan(policy, on, agent_at_once=at_once)
    if isinstance(found, CapturePlan) and not found.unrecorded and (on.announce or policy.announce):
        assert found.disclosed_by is not DisclosedBy.NONE


@pytest.mark.parametrize(
    ("policy", "on", "captured", "recorded_from", "how"),
    [
        pytest.param(CapturePolicy(), terms(), "whole_call", "answer", "prompt_before", id="the-usual"),
        pytest.param(CapturePolicy(), terms(consent=Leave.ALL), "after_consent", "consent", "prompt_before", id="all-parties"),
        pytest.param(
            CapturePolicy(disclosed_by=DisclosedBy.PRESS_TO_CONSENT),
            terms(),
            "after_consent",
            "consent",
            "press_to_consent",
            id="a-key-is-a-consent",
        ),
        pytest.param(
            CapturePolicy(begins=CaptureFrom.AFTER_CONSENT, disclosed_by=None),
            terms(),
            "after_consent",
            "consent",
            "prompt_before",
            id="a-consent-comes-first",
        ),
        pytest.param(
            CapturePolicy(disclosed_by=DisclosedBy.SPOKEN), terms(), "whole_call", "answer", "spoken", id="the-agent-says-it"
        ),
        pytest.param(
            CapturePolicy(mode=CaptureMode.ON_EVENT), terms(), "on_event", "order", "prompt_before", id="the-campaign-waits"
        ),
        pytest.param(
            CapturePolicy(mode=CaptureMode.ON_EVENT),
            terms(RecordMode.WHOLE_CALL),
            "whole_call",
            "answer",
            "prompt_before",
            id="a-rule-has-all-recorded",
        ),
        pytest.param(
            CapturePolicy(mode=CaptureMode.OFF),
            terms(RecordMode.WHOLE_CALL),
            "whole_call",
            "answer",
            "prompt_before",
            id="a-rule-has-it-recorded-though-the-campaign-would-not",
        ),
        pytest.param(CapturePolicy(), terms(RecordMode.ON_EVENT), "on_event", "order", "prompt_before", id="a-rule-allows-less"),
        pytest.param(CapturePolicy(mode=CaptureMode.OFF), terms(), "nothing", "never", "none", id="the-campaign-records-nothing"),
    ],
)
def test_the_stricter_of_campaign_and_rules_wins(
    policy: CapturePolicy, on: RecordingTerms, captured: str, recorded_from: str, how: str
) -> None:
    found = planned(policy, on)
    assert (found.captured, found.recorded_from, found.disclosed_by) == (captured, recorded_from, how)


@pytest.mark.parametrize(
    "on", [terms(RecordMode.OFF), terms(conflicts=("cn.record has the whole call recorded, fr.record nothing of it",))]
)
def test_a_call_that_may_not_be_recorded_is_not_placed_or_is_placed_with_the_reason(on: RecordingTerms) -> None:
    refused = plan(CapturePolicy(), on)
    assert isinstance(refused, NotRecordable)
    allowed = planned(CapturePolicy(recorded_or_not_connected=False), on)
    assert (allowed.captured, allowed.unrecorded, allowed.disclosed_by) == (Captured.NOTHING, refused.why, DisclosedBy.NONE)


def test_by_the_rules_the_prompt_comes_as_the_agent_joins_where_a_rule_wants_an_agent_at_once() -> None:
    policy = CapturePolicy(disclosed_by=None)
    assert planned(policy, terms(announce=True), agent_at_once=True).disclosed_by is DisclosedBy.PROMPT_JOINING
    assert planned(policy, terms(announce=True)).disclosed_by is DisclosedBy.PROMPT_BEFORE
