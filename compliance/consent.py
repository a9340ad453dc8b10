"""Did the person allow this call? The rule it protects: silence is refusal (47 CFR 64.1200(a)(2); UWG § 7; 消保法实施条例 24).

A consent must be of the level the rule needs, cover its scope, not be withdrawn, and last until the phone stops ringing.
"""

from datetime import datetime

from compliance.facts import Consent, Facts
from compliance.grounds import consent_for, suffices
from compliance.rules import ConsentRule
from compliance.verdict import Candidate, Reason


def refuse(rule: ConsentRule, candidate: Candidate, facts: Facts, now: datetime) -> Reason | None:
    """Why no consent permits the call at `now`, or None. `retry_at` is when one that is dated later begins; else None."""
    if consent_for(rule.level_needed, rule.scope, candidate, facts, now) is not None:
        return None
    enough = [one for one in facts.consents if suffices(one, rule.level_needed, rule.scope, candidate)]
    needed = f"{rule.level_needed} consent" + (f" for {', '.join(rule.scope)}" if rule.scope else "")
    told = (("consents", str(len(facts.consents))), ("level_needed", rule.level_needed), ("scope", " ".join(rule.scope)))
    later = [one.given_at for one in enough if _begins_later(one, candidate, now)]
    text = f"{needed} is needed: {_why_not(enough, facts, now)}"
    return Reason(rule.origin.id, "consent", rule.origin.cite, rule.origin.level.value, text, min(later, default=None), told)


def _begins_later(one: Consent, candidate: Candidate, now: datetime) -> bool:
    lasting = one.expires_at is None or one.given_at + candidate.ring_for < one.expires_at
    return one.withdrawn_at is None and one.given_at > now and lasting


def _why_not(enough: list[Consent], facts: Facts, now: datetime) -> str:
    if not facts.consents:
        return "none is known"
    if not enough:
        return "none that is known is strong and wide enough, and this person's"
    if any(one.withdrawn_at is not None for one in enough):
        return "it was withdrawn"
    if any(one.given_at > now for one in enough):
        return "it is dated later"
    return "it expired, or would while the phone rings"
