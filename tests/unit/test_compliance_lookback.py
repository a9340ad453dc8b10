"""Nothing that a rule of a shipped pack may count is older, or of another kind, than what a store is told to read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compliance.cooldown import ends_at
from compliance.facts import EventKind
from compliance.lookback import ALWAYS, lookback
from compliance.pack_files import load_packs, packs_of_law
from compliance.packs import parse_pack
from compliance.rules import CooldownRule, Key
from tests.pack_texts import pack_text, rule_text

ZONES = ("Pacific/Kiritimati", "America/Adak")


@pytest.mark.parametrize(
    ("pack", "kind", "days"),
    [("house", EventKind.ATTEMPT, 30), ("fr-prospection", EventKind.REFUSAL, 60), ("cn-mainland", EventKind.REFUSAL, 184)],
)
def test_the_longest_rule_decides(pack: str, kind: EventKind, days: int) -> None:
    past = lookback(load_packs((pack,), Path()))
    assert kind in past.kinds
    assert past.reach is not None
    assert timedelta(days=days) <= past.reach <= timedelta(days=days + 8)


def test_a_refusal_that_only_a_consent_lifts_is_read_for_ever() -> None:
    assert lookback(load_packs(("jp-solicitation",), Path())).reach is None


def test_without_rules_that_count_only_the_persons_standing_is_read() -> None:
    past = lookback(())
    assert past.kinds == ALWAYS
    assert (past.reach, past.keys, past.lists) == (timedelta(0), frozenset(), frozenset())


def test_the_lists_of_others_are_named_and_our_own_are_not() -> None:
    assert lookback(load_packs(("us-federal-telemarketing", "house"), Path())).lists == {"us.national_dnc"}


@pytest.mark.parametrize(
    ("key", "looked_up"), [(["campaign", "debt"], {Key.DEBT}), (["seller"], {Key.SELLER}), (["campaign", "person"], set())]
)
def test_a_rule_that_counts_by_neither_person_nor_number_is_looked_up_by_its_rarest_key(
    key: list[str], looked_up: set[Key]
) -> None:
    rule = rule_text("cap", "cap", max=1, event="attempt", key=key, period="rolling:24h")
    assert lookback([parse_pack(pack_text(rule), "test")]).keys == looked_up


def test_no_cooldown_ends_beyond_what_is_read() -> None:
    rules = [rule for pack in packs_of_law() for rule in pack.rules if isinstance(rule, CooldownRule)]
    lasting = [rule for rule in rules if rule.until_end_of_day or rule.duration or rule.days or rule.months]
    assert len(lasting) > 4
    for rule in lasting:
        past = lookback(pack for pack in packs_of_law() if rule in pack.rules)
        for day in range(0, 800, 13):
            at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
            assert past.reach is None or ends_at(rule, at, ZONES) <= at + past.reach
