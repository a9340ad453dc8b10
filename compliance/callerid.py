"""Does the callee see a number that may be shown? The rule it protects: 16 CFR 310.4(a)(8), 反电信网络诈骗法 14.

Judged when the question says what would be presented; the trunk that adds it later asks again. A quality nobody vouches
for is not there.
"""

from compliance.numbers import national_digits
from compliance.rules import CallerIdRule
from compliance.verdict import Candidate, Reason


def refuse(rule: CallerIdRule, candidate: Candidate) -> Reason | None:
    """Why the presented number stands in the way, or None. There is no `retry_at`: another number is a new fact."""
    shown = candidate.caller_id
    if shown is None:
        return None
    if not shown.number:
        return _reason(rule, "no caller number would be presented", ()) if rule.must_present else None
    told = (("presented", shown.number),)
    missing = [quality for quality in rule.must_be if quality not in shown.qualities]
    if missing:
        return _reason(rule, f"needs facts: caller number (nobody vouches that it is {', '.join(missing)})", told)
    if (rule.allow_prefix or rule.forbid_prefix) and (fault := _wrong_prefix(rule, shown.number)):
        return _reason(rule, fault, told)
    if rule.min_attestation and not "A" <= shown.attestation <= rule.min_attestation:
        text = f"the carrier must attest {rule.min_attestation} or better, not {shown.attestation or 'nothing'}"
        return _reason(rule, text, told)
    return None


def _wrong_prefix(rule: CallerIdRule, number: str) -> str:
    digits = {number, number.removeprefix("+"), national_digits(number)}
    if rule.allow_prefix and not _starts(digits, rule.allow_prefix):
        return f"the caller number must begin with {' or '.join(rule.allow_prefix)}"
    if _starts(digits, rule.forbid_prefix):
        return f"the caller number must not begin with {' or '.join(rule.forbid_prefix)}"
    return ""


def _starts(digits: set[str], prefixes: tuple[str, ...]) -> bool:
    return any(text.startswith(prefix) for text in digits for prefix in prefixes)


def _reason(rule: CallerIdRule, text: str, told: tuple[tuple[str, str], ...]) -> Reason:
    return Reason(rule.origin.id, "callerid", rule.origin.cite, rule.origin.level.value, text, None, told)
