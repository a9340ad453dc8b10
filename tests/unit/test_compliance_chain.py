"""A ledger that is altered, shortened, lengthened or reordered is found out."""

from dataclasses import replace

import pytest

from compliance.chain import (
    FAULTS_TOLD,
    GENESIS,
    Link,
    Step,
    canonical,
    digest,
    link_hash,
    path,
    proves,
    skipped_to,
    walk,
)


def a_link(seq: int, body: str, before: list[Link]) -> Link:
    hashes = {0: GENESIS} | {link.seq: link.hash for link in before}
    previous, skipped = hashes.get(seq - 1, GENESIS), hashes.get(skipped_to(seq), GENESIS)
    return Link(seq, body, previous, skipped, link_hash(seq, digest(body), previous, skipped))


def a_chain(length: int) -> list[Link]:
    links: list[Link] = []
    for seq in range(1, length + 1):
        links.append(a_link(seq, canonical({"kind": "attempt", "person": f"p{seq}"}), links))
    return links


def rehashed(link: Link, body: str) -> Link:
    return replace(link, body=body, hash=link_hash(link.seq, digest(body), link.prev_hash, link.skip_hash))


def steps_to(links: list[Link], target: int) -> list[Step]:
    rows = {link.seq: link for link in links}
    places = path(len(links), target)
    return [Step(seq, digest(rows[seq].body), rows[seq].prev_hash, rows[seq].skip_hash) for seq in places]


def test_an_untouched_chain_is_intact() -> None:
    links = a_chain(5)
    report = walk(links, 5, links[-1].hash)
    assert report.intact
    assert (report.rows, report.tip_seq, report.tip_hash) == (5, 5, links[-1].hash)


def test_a_ledger_without_rows_is_intact() -> None:
    assert walk([], 0, GENESIS).intact


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("tamper", ["alter", "alter and rehash", "take out", "move"])
def test_whatever_is_done_to_a_row_is_found(place: int, tamper: str) -> None:
    links = a_chain(5)
    tip = links[-1].hash
    match tamper:
        case "alter":
            links[place] = replace(links[place], body=canonical({"kind": "attempt", "person": "somebody else"}))
        case "alter and rehash":
            links[place] = rehashed(links[place], canonical({"kind": "attempt", "person": "somebody else"}))
        case "take out":
            del links[place]
        case "move":
            links[place], links[place - 1] = links[place - 1], links[place]
    assert not walk(links, 5, tip).intact


@pytest.mark.parametrize("place", range(6))
def test_a_row_that_was_put_in_is_found(place: int) -> None:
    links = a_chain(5)
    tip = links[-1].hash
    previous = links[place - 1].hash if place else GENESIS
    body = canonical({"kind": "not_rung"})
    forged = Link(place + 1, body, previous, previous, link_hash(place + 1, digest(body), previous, previous))
    assert not walk([*links[:place], forged, *links[place:]], 5, tip).intact


def test_a_gap_is_told_by_its_rows() -> None:
    links = a_chain(5)
    report = walk([links[0], links[3], links[4]], 5, links[4].hash)
    assert [(fault.seq, fault.text) for fault in report.faults] == [(4, "rows 2 to 3 are missing")]


def test_only_so_many_faults_are_told() -> None:
    links = [replace(link, body="{}") for link in a_chain(FAULTS_TOLD + 50)]
    assert len(walk(links, len(links), links[-1].hash).faults) == FAULTS_TOLD


def test_a_value_has_one_canonical_text() -> None:
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_a_row_that_skips_to_another_row_than_its_own_is_found() -> None:
    links = a_chain(6)
    astray = links[2].hash
    links[5] = replace(links[5], skip_hash=astray, hash=link_hash(6, digest(links[5].body), links[5].prev_hash, astray))
    report = walk(links, 6, links[-1].hash)
    assert [(fault.seq, fault.text) for fault in report.faults] == [(6, "does not follow row 4")]


@pytest.mark.parametrize("length", [1, 2, 7, 8, 100])
def test_every_row_is_proven_by_a_short_path_from_the_tip(length: int) -> None:
    links = a_chain(length)
    for link in links:
        steps = steps_to(links, link.seq)
        assert proves(steps, links[-1].hash, link.body)
        assert not proves(steps, links[-1].hash, link.body + " ")
        assert not proves(steps, GENESIS, link.body)


def test_a_path_of_ten_million_rows_is_a_few_hundred_long() -> None:
    assert max(len(path(10_000_000, target)) for target in range(1, 10_000_001, 99_991)) < 300


def test_a_path_with_a_row_left_out_or_altered_proves_nothing() -> None:
    links = a_chain(100)
    steps = steps_to(links, 37)
    assert len(steps) > 4
    for place in range(len(steps) - 1):
        assert not proves(steps[:place] + steps[place + 1 :], links[-1].hash, links[36].body)
    for place, step in enumerate(steps):
        forged = [*steps[:place], replace(step, prev_hash=GENESIS), *steps[place + 1 :]]
        assert not proves(forged, links[-1].hash, links[36].body)
    assert not proves([], links[-1].hash, links[36].body)


def test_a_row_that_is_not_there_has_no_path() -> None:
    for target in (0, 11):
        with pytest.raises(ValueError, match=f"row {target} is not among rows 1 to 10"):
            path(10, target)
