"""How a call was to be recorded is told with the rules that asked for it, and what is not known is not made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compliance import gate
from compliance.decision import Decided, text_hash, verdict_text, write
from compliance.facts import Facts
from compliance.packs import parse_pack
from compliance.replay import PERMIT, REFUSAL, KeptDecision
from compliance.verdict import Candidate
from dialer.capture_story import RecordingStory, in_words, recording_story
from recorder.capture import Captured, CapturePlan, CapturePolicy
from recorder.capturing import Capture, Pause
from sip.port import DisclosedBy, RecordedFrom
from tests.pack_texts import DNC, pack_text, rule_text
from tests.recording_rules import LAW

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)
TEXT = pack_text(
    DNC,
    *LAW,
    rule_text("later.record", "record", consent="one", announce=False, effective_from=(NOON + timedelta(days=30)).date()),
)
TEXTS = {text_hash(TEXT): TEXT}
POLICY = CapturePolicy()


def a_decision(kind: str = PERMIT, text: str = TEXT) -> KeptDecision:
    """The decision about a call to New York, by the pack of that text."""
    candidate = Candidate("a1", "ann", "+12125550100", "spring", "acme", "solar", purpose="sales")
    verdict = gate.check(candidate, Facts(), (parse_pack(text, "test"),), NOON)
    decided = write(Decided(candidate, NOON, verdict_text(verdict), versions="1"))
    return KeptDecision("a1", kind, NOON, "ann", "+12125550100", "spring", decided, {})


def story_of(*kept: KeptDecision, capture: Capture | None = None, texts: dict[str, str] | None = None) -> RecordingStory:
    return recording_story(POLICY, capture or Capture(), kept, TEXTS if texts is None else texts)


def test_the_rules_are_those_of_the_packs_that_permitted_the_call_at_its_time() -> None:
    told = story_of(a_decision())
    assert told.rules is not None
    first = told.rules[0]
    assert (first.rule, first.level, first.cite) == ("law.record", "law", "StGB 201")
    assert "the leave of all parties" in first.text
    assert "later.record" not in {one.rule for one in told.rules}
    assert "recording.location" in {one.rule for one in told.rules}, "where the agent is was not known"
    assert told.at_once == ("law.abandon",)
    assert ("an agent at once", "who waits behind a recorded voice counts as abandoned: law.abandon") in in_words(told)


@pytest.mark.parametrize(
    ("kept", "texts"),
    [
        ((), TEXTS),
        ((a_decision(REFUSAL),), TEXTS),
        ((a_decision(),), {}),
        ((a_decision(),), {text_hash(TEXT): TEXT.replace('"all"', '"one"')}),
        ((a_decision(),), {text_hash(TEXT): "no pack"}),
        ((replace(a_decision(), decision="no decision"),), TEXTS),
    ],
    ids=["nothing", "never permitted", "text gone", "text altered", "text mangled", "decision mangled"],
)
def test_what_the_call_was_decided_from_is_kept_whole_or_no_rule_is_named(
    kept: tuple[KeptDecision, ...], texts: dict[str, str]
) -> None:
    told = story_of(*kept, texts=texts)
    assert (told.rules, told.at_once) == (None, None)
    assert told.plan == CapturePlan()


def lines_of(**plan: object) -> dict[str, str]:
    """The lines about a call with such a plan."""
    return dict(in_words(story_of(capture=Capture(replace(CapturePlan(), **plan)))))  # type: ignore[arg-type] # names are of the plan


@pytest.mark.parametrize(
    ("plan", "recorded", "disclosed"),
    [
        ({}, "whole_call, from the answer on", "prompt_before"),
        (
            {"captured": Captured.AFTER_CONSENT, "recorded_from": RecordedFrom.CONSENT},
            "after_consent, of the customer nothing before the consent: the prompt heard to its end, or the key",
            "prompt_before",
        ),
        (
            {
                "captured": Captured.ON_EVENT,
                "recorded_from": RecordedFrom.ORDER,
                "start_on": ("contract", "sample"),
                "disclosed_by": DisclosedBy.SPOKEN,
            },
            "on_event, from an event in the talk on: contract, sample",
            "spoken",
        ),
        (
            {
                "captured": Captured.NOTHING,
                "recorded_from": RecordedFrom.NEVER,
                "disclosed_by": DisclosedBy.NONE,
                "unrecorded": "the campaign records nothing",
            },
            "nothing: the campaign records nothing",
            "none",
        ),
        (
            {"disclosed_by": DisclosedBy.PRESS_TO_CONSENT},
            "whole_call, from the answer on",
            "press_to_consent; who does not consent is hung up",
        ),
        (
            {"disclosed_by": DisclosedBy.PRESS_TO_CONSENT, "ends_unconsented": False},
            "whole_call, from the answer on",
            "press_to_consent; who does not consent is joined and not recorded",
        ),
    ],
)
def test_a_plan_is_told_in_words(plan: dict[str, object], recorded: str, disclosed: str) -> None:
    told = lines_of(**plan)
    assert (told["recorded"], told["disclosed by"]) == (recorded, disclosed)
    assert ("a pause ends after" in told) is (plan.get("captured") is not Captured.NOTHING)


def test_what_came_of_the_plan_is_told_with_its_times() -> None:
    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    pauses = (Pause(at(30), at(40.5), "card", "ann"), Pause(at(50), None, "agent asked", "ann"))
    plan = CapturePlan(Captured.AFTER_CONSENT, DisclosedBy.PRESS_TO_CONSENT, RecordedFrom.CONSENT)
    told = in_words(story_of(capture=Capture(plan, at(1), at(60), consented=True, confirmed_at=at(9.25), pauses=pauses)))
    assert told[3:] == (
        ("began", "2026-06-15 16:00:01.000Z"),
        ("ended before the call", "2026-06-15 16:01:00.000Z"),
        ("the customer", "consented"),
        ("disclosure confirmed by a key", "2026-06-15 16:00:09.250Z"),
        ("paused", "2026-06-15 16:00:30.000Z to 2026-06-15 16:00:40.500Z: card (ann)"),
        ("paused", "2026-06-15 16:00:50.000Z to still: agent asked (ann)"),
    )


def test_who_did_not_consent_is_told_with_the_reason_that_follows() -> None:
    plan = CapturePlan(Captured.AFTER_CONSENT, DisclosedBy.PRESS_TO_CONSENT, RecordedFrom.CONSENT)
    told = dict(in_words(story_of(capture=Capture(plan, NOON, NOON, consented=False))))
    assert told["the customer"] == "did not consent"
    assert told["not recorded"] == "the customer did not consent to the recording"
