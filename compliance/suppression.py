"""Has this person, or somebody on this number, asked not to be called? The rule it protects: an opt-out wins over everything.

An entry on the internal list is obeyed from the instant it is known, for the number, for everybody on it, and for the
person on all their numbers (47 CFR 64.1200(d)(3); 消费者权益保护法实施条例 24). Only a temporary block ends by itself. A list
of others is a copy that ages: one that is missing or older than its limit says nothing, and then nobody may be rung
(47 CFR 64.1200(c)(2)(i)(D)).
"""

from datetime import datetime

from compliance.facts import OWN_LISTS, Facts, Suppression
from compliance.rules import Key, SuppressRule
from compliance.verdict import Candidate, Reason

NO_LIST = "no_list"  # the fact of a reason that names the list of which there is no copy, or none that is fresh enough


def refuse(rule: SuppressRule, candidate: Candidate, facts: Facts, now: datetime) -> Reason | None:
    """Why the do-not-call list stands in the way, or None. `retry_at` is the end of a temporary block."""
    matching = [entry for entry in facts.suppressions if _matches(rule, candidate, entry, now)]
    if matching:
        found = max(matching, key=_lasts)
        covered = "number" if found.number == candidate.number else "person"
        told = (("match", covered), ("since", found.at.isoformat()), ("reason", found.reason), ("source", found.source))
        return _reason(rule, f"the {covered} is on the {found.scope} do-not-call list: {found.reason}", told, found.until)
    if rule.list in OWN_LISTS:
        return None
    copies = [state.as_of for state in facts.lists if state.name == rule.list]
    if not copies:
        return _reason(rule, f"needs facts: list (nothing is known of the do-not-call list {rule.list})", ((NO_LIST, rule.list),))
    age = now - max(copies)
    if rule.max_age is not None and age > rule.max_age:
        text = f"needs facts: list ({rule.list} is {age.days} days old, at most {rule.max_age.days} are permitted)"
        aged = (("as_of", max(copies).isoformat()), ("max_age_days", str(rule.max_age.days)))
        return _reason(rule, text, ((NO_LIST, rule.list), *aged))
    return None


def in_force(entry: Suppression, seller: str, campaign: str, now: datetime) -> bool:
    """Whether the entry binds calls of this seller and campaign at `now`; empty for one that is not known."""
    lasts = entry.until is None or entry.until > now
    return lasts and _same(entry.seller, seller) and _same(entry.campaign, campaign)


def expires_at(rule: SuppressRule, facts: Facts) -> datetime | None:
    """Until when the copy of the list is fresh enough; None for no end, or no copy."""
    if rule.max_age is None:
        return None
    copies = [state.as_of for state in facts.lists if state.name == rule.list]
    return max(copies) + rule.max_age if copies else None


def _reason(rule: SuppressRule, text: str, told: tuple[tuple[str, str], ...] = (), until: datetime | None = None) -> Reason:
    return Reason(rule.origin.id, "suppress", rule.origin.cite, rule.origin.level.value, text, until, told)


def _lasts(entry: Suppression) -> tuple[bool, float]:
    """Longest first: what has no end, then what ends last."""
    return entry.until is None, entry.until.timestamp() if entry.until else 0.0


def _matches(rule: SuppressRule, candidate: Candidate, entry: Suppression, now: datetime) -> bool:
    if entry.scope != rule.list or not in_force(entry, candidate.seller, candidate.campaign, now):
        return False
    by_number = Key.NUMBER in rule.match and entry.number == candidate.number
    by_person = Key.PERSON in rule.match and bool(entry.person) and entry.person == candidate.person
    return by_number or by_person


def _same(narrowed_to: str, asked: str) -> bool:
    """An entry for one seller or campaign binds that one, and whoever does not say which it is."""
    return not narrowed_to or not asked or narrowed_to == asked
