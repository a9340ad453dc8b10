"""Has this person, or somebody on this number, asked not to be called? The rule it protects: an opt-out wins over everything.

An entry on the internal list is obeyed from the instant it is known, for the number, for everybody on it, and for the
person on all their numbers (47 CFR 64.1200(d)(3); 消费者权益保护法实施条例 24). It never expires by itself.
"""

from compliance.facts import INTERNAL, Facts, Suppression
from compliance.packs import Key, SuppressRule
from compliance.verdict import Candidate, Reason


def refuse(rule: SuppressRule, candidate: Candidate, facts: Facts) -> Reason | None:
    """Why the do-not-call list stands in the way, or None. There is no `retry_at`: only a new fact can lift an entry."""
    found = next((entry for entry in facts.suppressions if _matches(rule, candidate, entry)), None)
    if found is None:
        return None
    covered = "number" if found.number == candidate.number else "person"
    told = (("match", covered), ("since", found.at.isoformat()), ("reason", found.reason), ("source", found.source))
    text = f"the {covered} is on the {found.scope} do-not-call list: {found.reason}"
    return Reason(rule.origin.id, "suppress", rule.origin.cite, rule.origin.level.value, text, None, told)


def _matches(rule: SuppressRule, candidate: Candidate, entry: Suppression) -> bool:
    if entry.scope != INTERNAL:
        return False
    by_number = Key.NUMBER in rule.match and entry.number == candidate.number
    by_person = Key.PERSON in rule.match and entry.person == candidate.person
    return by_number or by_person
