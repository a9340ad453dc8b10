"""Nothing that a rule of a shipped pack may count is older, or of another kind, than what a store is told to read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.cooldown import ends_at
from compliance.facts import EventKind
from compliance.lookback import lookback
from compliance.pack_files import load_packs, packs_of_law
from compliance.rules import CooldownRule

ZONES = ("Pacific/Kiritimati", "America/Adak")


@pytest.mark.parametrize(
    ("pack", "kind", "days"),
    [("house", EventKind.ATTEMPT, 30), ("fr-prospection", EventKind.REFUSAL, 60), ("cn-mainland", EventKind.REFUSAL, 184)],
)
def test_the_longest_rule_decides(pack: str, kind: EventKind, days: int) -> None:
    past = lookback(load_packs((pack,), Path()))
    assert past.counts
    assert kind in past.kinds
    assert past.reach is not None
    assert timedelta(days=days) <= past.reach <= timedelta(days=days + 8)


def test_a_refusal_that_only_a_consent_lifts_is_read_for_ever() -> None:
    assert lookback(load_packs(("jp-solicitation",), Path())).reach is None


def test_without_rules_that_count_nothing_is_counted() -> None:
    assert not lookback(()).counts


def test_no_cooldown_ends_beyond_what_is_read() -> None:
    rules = [rule for pack in packs_of_law() for rule in pack.rules if isinstance(rule, CooldownRule)]
    lasting = [rule for rule in rules if rule.until_end_of_day or rule.duration or rule.days or rule.months]
    assert len(lasting) > 4
    for rule in lasting:
        past = lookback(pack for pack in packs_of_law() if rule in pack.rules)
        for day in range(0, 800, 13):
            at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
            assert past.reach is None or ends_at(rule, at, ZONES) <= at + past.reach
