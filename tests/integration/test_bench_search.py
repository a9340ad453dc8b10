"""The bench of searches asks what it says it asks, of a database that holds what it should."""

from dialer.benches.gate import SQLITE
from dialer.benches.search import AFTER, PAGE, SEARCHES, measure_search


def test_every_kind_of_search_is_measured_and_finds_what_there_is_of_it() -> None:
    said: list[str] = []
    figures = {one.search: one for one in measure_search(3_000, 2, said.append, [SQLITE])}
    assert set(figures) == {*SEARCHES, AFTER}
    assert figures["the latest"].found == figures["a campaign"].found == PAGE
    assert figures["on legal hold"].found == 3
    assert figures["what there is none of"].found == 0
    assert all(one.p50_ms > 0 and one.key_p50_ms > 0 for one in figures.values())
    assert said == ["sqlite: 3,000 recordings", f"sqlite: 2 rounds of {len(SEARCHES)} kinds of search"]
