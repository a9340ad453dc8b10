"""Where is each party of a call, and which rules reach it there? The callee first, then the agent, then whoever joins.

The rule it protects: jurisdiction candidates all apply. A call between two places is under the rules of both, and a place that
stands for several (`US`, a toll-free number) is under the rules of each of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from compliance.gate import zones_for
from compliance.numbers import regions_of, zones_in
from compliance.packs import Pack
from compliance.rules import Rule
from compliance.scope import packs_for, rules_for
from compliance.verdict import Candidate

#: The regions (ISO 3166) a party may be in; none at all where nothing is known of it.
Regions = frozenset[str]


def callee_of(candidate: Candidate) -> Regions:
    """Every region the callee may be in: those of the number and those the person declared."""
    return regions_of(candidate.number) | frozenset(candidate.regions)


def rules_at_callee(packs: Iterable[Pack], candidate: Candidate, now: datetime) -> Iterator[tuple[Pack, Rule]]:
    """Every rule in force for the call where the callee may be, with its pack; of an unknown place, every rule of the packs.

    Raises UnknownZone for a zone of the candidate that is none.
    """
    return _reaching(packs, candidate, callee_of(candidate), zones_for(candidate), now)


def rules_at(packs: Iterable[Pack], candidate: Candidate, regions: Regions, now: datetime) -> Iterator[tuple[Pack, Rule]]:
    """Every rule in force for the call where another party of it may be; none where nothing is known of the place."""
    if not regions:
        return iter(())
    return _reaching(packs, candidate, regions, zones_at(regions), now)


def zones_at(regions: Regions) -> tuple[str, ...]:
    """Every IANA zone a party may be in, sorted; none where nothing is known of its place."""
    return tuple(sorted({zone for region in regions for zone in zones_in(region)}))


def _reaching(
    packs: Iterable[Pack], candidate: Candidate, regions: Regions, zones: tuple[str, ...], now: datetime
) -> Iterator[tuple[Pack, Rule]]:
    for pack in packs_for(packs, candidate, regions):
        held, _, _ = rules_for((pack,), candidate, regions, zones, now)
        yield from ((pack, rule) for rule in held)
