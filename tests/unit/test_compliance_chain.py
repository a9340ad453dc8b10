"""A ledger that is altered, shortened, lengthened or reordered is found out."""

from dataclasses import replace

import pytest

from compliance.chain import FAULTS_TOLD, GENESIS, Link, canonical, link_hash, walk


def a_chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for seq in range(1, length + 1):
        body = canonical({"kind": "attempt", "person": f"p{seq}"})
        links.append(Link(seq, body, previous, link_hash(seq, body, previous)))
        previous = links[-1].hash
    return links


def rehashed(link: Link, body: str) -> Link:
    return replace(link, body=body, hash=link_hash(link.seq, body, link.prev_hash))


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
    forged = Link(place + 1, body, previous, link_hash(place + 1, body, previous))
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
