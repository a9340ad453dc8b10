"""Packs are found by id among those shipped, or by path; a pack that cannot be used stops everything."""

from datetime import timedelta
from pathlib import Path

import pytest

from compliance.pack_files import load_packs, shipped_packs
from compliance.packs import CapRule, PackError, RingRule, SuppressRule, WindowRule
from tests.pack_texts import pack_text, rule_text

MINE = pack_text(rule_text("mine.ring", "ring", min_unanswered_s=20), name="mine")


def errors_of(refs: list[str], base: Path) -> str:
    with pytest.raises(PackError) as caught:
        load_packs(refs, base)
    return str(caught.value)


@pytest.mark.parametrize("name", shipped_packs())
def test_every_shipped_pack_can_be_used_by_its_id_and_brings_what_it_extends(name: str, tmp_path: Path) -> None:
    pack, *extended = load_packs([name], tmp_path)
    assert pack.id == name
    assert pack.rules
    assert {base.id for base in extended} >= set(pack.extends)


def test_the_house_pack_has_hours_caps_an_opt_out_and_a_ring_time(tmp_path: Path) -> None:
    (house,) = load_packs(["house"], tmp_path)
    kinds = [type(rule) for rule in house.rules]
    assert {WindowRule, CapRule, SuppressRule, RingRule} <= set(kinds)
    assert all(rule.origin.level == "house" for rule in house.rules)
    assert next(rule for rule in house.rules if isinstance(rule, RingRule)).min_unanswered == timedelta(seconds=15)


def test_a_path_is_relative_to_the_site(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE, "utf-8")
    packs = load_packs(["house", "mine.toml"], tmp_path)
    assert [pack.id for pack in packs] == ["house", "mine"]


def test_the_faults_of_all_packs_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text(MINE.replace("20", "0"), "utf-8")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    told = errors_of(["broken.toml", "latin.toml", "gone.toml", "nosuch", "a\0b/c"], tmp_path).splitlines()
    assert told[0].startswith("broken.toml: rule[0].min_unanswered_s: ")
    assert told[1] == "latin.toml: not UTF-8 text"
    assert told[2].startswith("gone.toml: cannot be read: No such file")
    assert told[3].startswith("nosuch: no such rule pack: use ")
    assert " house, " in told[3]
    assert told[4].endswith("cannot be read: not a path")


def test_one_pack_is_not_in_force_twice(tmp_path: Path) -> None:
    assert "'house' is already in force" in errors_of(["house", "house"], tmp_path)


def test_without_a_pack_nothing_may_be_called(tmp_path: Path) -> None:
    assert "no rule pack is named" in errors_of([], tmp_path)
