"""May this call be recorded, with whose leave, from when on? What the rules of every party's place ask of the recording.

The rule it protects: a call between two places is recorded by the stricter side. Where a party's place is not known, or no rule
says whose leave is needed there, it is the leave of all; notice and going on with the call is taken for it, so nothing is
captured before the notice was heard to its end. One law that has the whole call recorded and another that does not let it be
done by default cannot both be obeyed: that goes to a person, and until then nothing is recorded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.packs import Pack
from compliance.parties import Regions, callee_of, rules_at, rules_at_callee
from compliance.regions import may_be_in
from compliance.rules import Leave, Level, RecordMode, RecordRule, Rule
from compliance.verdict import Candidate, Reason

_STRICTER = (Leave.ONE, Leave.INFORMED, Leave.ALL)
_LIMIT = {RecordMode.OFF: "nothing of it", RecordMode.ON_EVENT: "only what follows an event"}
_SAID = {Leave.ONE: "one party's leave", Leave.INFORMED: "all parties informed", Leave.ALL: "the leave of all parties"}


@dataclass(frozen=True, slots=True)
class RecordingTerms:
    """On which terms a call between these parties may be recorded. `start_on` are the events that may begin it in mode ON_EVENT.

    `announce`: nothing is captured before each party has heard the notice to its end. `conflicts` are for a person to settle.
    """

    parties: tuple[Regions, ...]  # the callee first
    consent: Leave
    announce: bool
    mode: RecordMode
    start_on: tuple[str, ...]
    conflicts: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def recordable(self) -> bool:
        """Whether anything of the call may be recorded without a person's review."""
        return not self.conflicts and self.mode is not RecordMode.OFF

    @property
    def by_default(self) -> bool:
        """Whether recording may begin with the call (after the notice), and not only on an event."""
        return self.recordable and self.mode in {RecordMode.WHOLE_CALL, RecordMode.AS_SET}


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a transfer does to the recording. `announce`: it pauses until the notice was heard again; `stop`: it ends."""

    terms: RecordingTerms
    announce: bool
    stop: bool


def required(packs: Sequence[Pack], candidate: Candidate, parties_regions: Sequence[Regions], now: datetime) -> RecordingTerms:
    """The terms at `now` by the packs. `parties_regions`: where every party beside the callee may be, the agent first.

    A party of whom nothing is known has no regions; without any party given, nothing is known of the agent. Raises ValueError
    for a naive `now`, UnknownZone for a zone of the candidate that is none.
    """
    if now.tzinfo is None:
        raise ValueError("recording terms need an aware time")
    parties = (callee_of(candidate), *(parties_regions or (frozenset(),)))
    found = [_record_rules(rules_at_callee(packs, candidate, now))]
    found.extend(_record_rules(rules_at(packs, candidate, regions, now)) for regions in parties[1:])
    rules = tuple({(pack.id, rule.origin.id): rule for held in found for pack, rule in held}.values())
    asked = [(_leave(rule, parties), rule) for rule in rules]
    doubts = [reason for regions, held in zip(parties, found, strict=True) for reason in _doubts(regions, held)]
    leaves = [leave for leave, _ in asked] + [Leave.ALL for _ in doubts]
    consent = max(leaves, key=_STRICTER.index)  # a party of whose place nothing is known is a doubt: there is one of either
    mode, start_on, conflicts = _mode(rules)
    return RecordingTerms(
        parties=parties,
        consent=consent,
        announce=consent is not Leave.ONE or any(rule.announce for rule in rules),
        mode=mode,
        start_on=start_on,
        conflicts=conflicts,
        reasons=(*(_reason(rule, leave) for leave, rule in asked), *dict.fromkeys(doubts)),
    )


def after_transfer(
    before: RecordingTerms, packs: Sequence[Pack], candidate: Candidate, joins: Regions, now: datetime
) -> Transfer:
    """The terms once another party joins, who has heard no notice yet. Who was in the call keeps its say."""
    terms = required(packs, candidate, (*before.parties[1:], joins), now)
    stop = before.recordable and (not terms.recordable or (before.by_default and not terms.by_default))
    return Transfer(terms, announce=terms.announce and terms.recordable and not stop, stop=stop)


def _record_rules(rules: Iterable[tuple[Pack, Rule]]) -> tuple[tuple[Pack, RecordRule], ...]:
    return tuple((pack, rule) for pack, rule in rules if isinstance(rule, RecordRule))


def _leave(rule: RecordRule, parties: Sequence[Regions]) -> Leave:
    """Whose leave the rule asks for: that of all wherever one of the parties is, or may be, in a place that asks for it."""
    leave = rule.consent
    for there in rule.all_party_in:
        for regions in parties:
            if any(one == there or one.startswith(there + "-") for one in regions):
                return Leave.ALL
            if regions and may_be_in(regions, there):  # somewhere in the country of that state
                leave = max(leave, rule.unknown_location, key=_STRICTER.index)
    return leave


def _doubts(regions: Regions, held: Sequence[tuple[Pack, RecordRule]]) -> Iterator[Reason]:
    """Why it is the leave of all, where no rule says so. The house's own rule is not the law of any place."""
    if not regions:
        yield _unknown("location", f"the place of a party is not known: {_SAID[Leave.ALL]}")
    for region in sorted(regions):
        if not any(pack.reaches(frozenset({region})) for pack, rule in held if rule.origin.level is not Level.HOUSE):
            yield _unknown("law", f"no rule in force says whose leave a recording needs in {region}: {_SAID[Leave.ALL]}")


def _mode(rules: Sequence[RecordRule]) -> tuple[RecordMode, tuple[str, ...], tuple[str, ...]]:
    """How much is recorded, the events that may begin it, and which rules cannot be obeyed together."""
    limits = [rule for rule in rules if rule.mode in {RecordMode.OFF, RecordMode.ON_EVENT}]
    of_law = any(rule.origin.level is not Level.HOUSE for rule in limits)
    whole = [rule for rule in rules if rule.mode is RecordMode.WHOLE_CALL]
    if of_law:  # what the house would like to record yields to a law that limits it
        whole = [rule for rule in whole if rule.origin.level is not Level.HOUSE]
    conflicts = tuple(
        f"{one.origin.id} has the whole call recorded, {other.origin.id} {_LIMIT[other.mode]}: a person decides"
        for one in whole
        for other in limits
    )
    if not limits:
        return (RecordMode.WHOLE_CALL if whole else RecordMode.AS_SET), (), conflicts
    events = [set(rule.start_on) for rule in limits if rule.start_on]
    shared = set.intersection(*events) if events else set()
    if any(rule.mode is RecordMode.OFF for rule in limits) or (events and not shared):
        return RecordMode.OFF, (), conflicts
    return RecordMode.ON_EVENT, tuple(sorted(shared)), conflicts


def _reason(rule: RecordRule, leave: Leave) -> Reason:
    words = [_SAID[leave]]
    words += ["announced"] if rule.announce else []
    words += [f"mode {rule.mode}"] if rule.mode is not RecordMode.AS_SET else []
    words += [f"from {', '.join(rule.start_on)} on"] if rule.start_on else []
    return Reason(rule.origin.id, "record", rule.origin.cite, rule.origin.level.value, "; ".join(words), None)


def _unknown(what: str, text: str) -> Reason:
    return Reason(f"recording.{what}", "unknown", "what is not known is read strictly", Level.HOUSE.value, text, None)
